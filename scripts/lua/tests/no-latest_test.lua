return tests {
  script = "../policies/no-latest.lua",
  cases = {
    {
      name = "latest is denied",
      ctx = { environment = "prod", config = { image = "shop:latest" } },
      expect = "deny",
      reason = "must not use :latest",
    },
    {
      name = "no tag means latest",
      ctx = { environment = "prod", config = { image = "registry.internal:5000/shop" } },
      expect = "deny",
      reason = "has no tag",
    },
    {
      name = "a version is allowed",
      ctx = { environment = "prod", config = { image = "registry.internal/shop:1.4.2" } },
      expect = "allow",
    },
    {
      name = "a digest is allowed",
      ctx = { environment = "prod", config = { image = "shop@sha256:" .. ("a"):rep(64) } },
      expect = "allow",
    },
    {
      name = "latest with a digest is worth a word",
      ctx = { environment = "prod", config = { image = "shop:latest@sha256:" .. ("a"):rep(64) } },
      expect = "warn",
      reason = "digest",
    },
    {
      name = "latest is fine in dev",
      ctx = { environment = "dev", config = { image = "shop:latest" } },
      expect = "skip",
    },
    {
      name = "no image is denied",
      ctx = { environment = "prod", config = {} },
      expect = "deny",
      reason = "no image",
    },
    {
      name = "a broken name is denied",
      ctx = { environment = "prod", config = { image = "Shop:1" } },
      expect = "deny",
      reason = "no image name",
    },
  },
}
