return tests {
  script = "../policies/image-registry.lua",
  cases = {
    {
      name = "off without a list",
      ctx = { config = { image = "evil.example/x:1" } },
      expect = "allow",
    },
    {
      name = "off with an empty list",
      ctx = { config = { image = "x:1" }, settings = { allowed_registries = list {} } },
      expect = "allow",
    },
    {
      name = "an allowed registry",
      ctx = { config = { image = "registry.internal/team/shop:1" }, settings = { allowed_registries = { "registry.internal/*" } } },
      expect = "allow",
    },
    {
      name = "another one is denied",
      ctx = { config = { image = "evil.example/shop:1" }, settings = { allowed_registries = { "registry.internal/*" } } },
      expect = "deny",
      reason = "not allowed",
    },
    {
      name = "no registry is docker.io",
      ctx = { config = { image = "nginx:1" }, settings = { allowed_registries = { "registry.internal/*" } } },
      expect = "deny",
      reason = "docker.io/nginx",
    },
    {
      name = "a look-alike host is denied",
      ctx = { config = { image = "registry.internal.evil.example/shop:1" }, settings = { allowed_registries = { "registry.internal/*" } } },
      expect = "deny",
      reason = "not allowed",
    },
  },
}
