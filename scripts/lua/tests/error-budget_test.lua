return tests {
  script = "../gates/error-budget.lua",
  cases = {
    {
      name = "a healthy budget passes",
      ctx = { environment = "prod", slo = { budget_left = 0.6 } },
      expect = "allow",
    },
    {
      name = "a thin budget waits",
      ctx = { environment = "prod", slo = { budget_left = 0.083 } },
      expect = "wait",
      reason = "8.3%",
    },
    {
      name = "a spent budget denies",
      ctx = { environment = "prod", slo = { budget_left = 0 } },
      expect = "deny",
      reason = "used up",
    },
    {
      name = "dev is free",
      ctx = { environment = "dev" },
      expect = "skip",
    },
  },
}
