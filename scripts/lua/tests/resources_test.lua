return tests {
  script = "../policies/resources.lua",
  cases = {
    {
      name = "nothing given is allowed",
      ctx = { environment = "prod", config = {} },
      expect = "allow",
    },
    {
      name = "sane resources are allowed",
      ctx = { environment = "prod", config = { resources = { requests = { cpu = "250m", memory = "256Mi" }, limits = { cpu = 1, memory = "1Gi" } } } },
      expect = "allow",
    },
    {
      name = "requests above limits are denied",
      ctx = { config = { resources = { requests = { memory = "2Gi" }, limits = { memory = "512Mi" } } } },
      expect = "deny",
      reason = "more memory",
    },
    {
      name = "nonsense is denied",
      ctx = { config = { resources = { requests = { cpu = "lots" } } } },
      expect = "deny",
      reason = "no quantity",
    },
    {
      name = "no memory limit in prod is worth a word",
      ctx = { environment = "prod", config = { resources = { requests = { cpu = "1" } } } },
      expect = "warn",
      reason = "memory limit",
    },
  },
}
