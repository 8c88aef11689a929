return tests {
  script = "../policies/disruption.lua",
  cases = {
    {
      name = "without one the platform's holds",
      ctx = { environment = "prod", config = { replicas = 3 } },
      expect = "skip",
    },
    {
      name = "one pod at a time",
      ctx = { environment = "prod", config = { replicas = 3, disruption = { max_unavailable = 1 } } },
      expect = "allow",
    },
    {
      name = "half of them up",
      ctx = { environment = "prod", config = { replicas = 4, disruption = { min_available = "50%" } } },
      expect = "allow",
    },
    {
      name = "all at once is denied",
      ctx = { environment = "prod", config = { replicas = 3, disruption = { max_unavailable = "100%" } } },
      expect = "deny",
      reason = "all 3 pods go at once",
    },
    {
      name = "none up is denied",
      ctx = { environment = "prod", config = { replicas = 3, disruption = { min_available = 0 } } },
      expect = "deny",
      reason = "all 3 pods go at once",
    },
    {
      name = "none may go is denied",
      ctx = { environment = "prod", config = { replicas = 3, disruption = { min_available = 3 } } },
      expect = "deny",
      reason = "no pod go",
    },
    {
      name = "a share of one pod rounds up and lets none go",
      ctx = { environment = "prod", config = { replicas = 1, disruption = { min_available = "50%" } } },
      expect = "deny",
      reason = "no pod go",
    },
    {
      name = "both is denied",
      ctx = { environment = "prod", config = { replicas = 3, disruption = { min_available = 1, max_unavailable = 1 } } },
      expect = "deny",
      reason = "one of",
    },
    {
      name = "neither is denied",
      ctx = { environment = "prod", config = { replicas = 3, disruption = {} } },
      expect = "deny",
      reason = "one of",
    },
    {
      name = "words are no number",
      ctx = { environment = "prod", config = { replicas = 3, disruption = { max_unavailable = "some" } } },
      expect = "deny",
      reason = "neither",
    },
    {
      name = "dev is free",
      ctx = { environment = "dev", config = { replicas = 1, disruption = { max_unavailable = 5 } } },
      expect = "skip",
    },
  },
}
