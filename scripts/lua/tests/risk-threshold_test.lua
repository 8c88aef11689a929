return tests {
  script = "../policies/risk-threshold.lua",
  cases = {
    {
      name = "low risk is allowed",
      ctx = { environment = "prod", risk = { level = "LOW" } },
      expect = "allow",
    },
    {
      name = "high risk needs a person",
      ctx = { environment = "prod", risk = { level = "HIGH", score = 80 } },
      expect = "needs_approval",
      reason = "HIGH",
    },
    {
      name = "critical risk is denied",
      ctx = { environment = "prod", risk = { level = "CRITICAL" } },
      expect = "deny",
      reason = "CRITICAL",
    },
    {
      name = "unknown risk needs a person",
      ctx = { environment = "prod" },
      expect = "needs_approval",
      reason = "not known",
    },
    {
      name = "an unknown level needs a person",
      ctx = { environment = "prod", risk = { level = "EXTREME" } },
      expect = "needs_approval",
      reason = "EXTREME",
    },
    {
      name = "dev is free",
      ctx = { environment = "dev", risk = { level = "CRITICAL" } },
      expect = "skip",
    },
  },
}
