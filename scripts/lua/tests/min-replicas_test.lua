return tests {
  script = "../policies/min-replicas.lua",
  cases = {
    {
      name = "one replica is denied",
      ctx = { environment = "prod", config = { replicas = 1 } },
      expect = "deny",
      reason = "needs 2",
    },
    {
      name = "two are allowed",
      ctx = { environment = "prod", config = { replicas = 2 } },
      expect = "allow",
    },
    {
      name = "none given counts as one",
      ctx = { environment = "prod", config = {} },
      expect = "deny",
      reason = "has 1",
    },
    {
      name = "settings raise the bar",
      ctx = { environment = "prod", config = { replicas = 2 }, settings = { min_replicas = 3 } },
      expect = "deny",
      reason = "needs 3",
    },
    {
      name = "dev is free",
      ctx = { environment = "dev", config = { replicas = 1 } },
      expect = "skip",
    },
  },
}
