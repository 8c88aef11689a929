return tests {
  script = "../../gates/risk-threshold.lua",
  cases = {
    {
      name = "low risk goes all the way",
      ctx = { environment = "prod", weight = 90, risk = { level = "LOW" } },
      expect = "allow",
    },
    {
      name = "so does medium",
      ctx = { environment = "prod", weight = 90, risk = { level = "MED" } },
      expect = "allow",
    },
    {
      name = "high risk goes up to half",
      ctx = { environment = "prod", weight = 49, risk = { level = "HIGH" } },
      expect = "allow",
    },
    {
      name = "from there a person looks",
      ctx = { environment = "prod", weight = 50, risk = { level = "HIGH" } },
      expect = "wait",
      reason = "50 %",
    },
    {
      name = "an approval lets it pass",
      ctx = { environment = "prod", weight = 90, risk = { level = "HIGH" }, approvals = { { actor = "user:bob" } } },
      expect = "allow",
    },
    {
      name = "an unknown risk counts as high",
      ctx = { environment = "prod", weight = 60 },
      expect = "wait",
      reason = "not known",
    },
    {
      name = "the share can be moved",
      ctx = { environment = "prod", weight = 20, risk = { level = "HIGH" }, settings = { watched_weight = 10 } },
      expect = "wait",
    },
    {
      name = "critical is denied",
      ctx = { environment = "prod", weight = 5, risk = { level = "CRITICAL" } },
      expect = "deny",
    },
    {
      name = "but not its rollback",
      ctx = { environment = "prod", weight = 5, risk = { level = "CRITICAL" }, rollback = true },
      expect = "allow",
    },
    {
      name = "dev is free",
      ctx = { environment = "dev", weight = 90 },
      expect = "skip",
    },
  },
}
