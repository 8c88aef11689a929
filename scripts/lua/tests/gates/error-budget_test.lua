return tests {
  script = "../../gates/error-budget.lua",
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
      name = "the page alert of a rollout's slo waits",
      ctx = { environment = "prod", slo = { known = true, budget_left = 0.6, page = true } },
      expect = "wait",
      reason = "pages",
    },
    {
      name = "a rollback never waits",
      ctx = { environment = "prod", rollback = true, slo = { budget_left = -1 } },
      expect = "allow",
    },
    {
      name = "nothing known warns",
      ctx = { environment = "prod" },
      expect = "warn",
      reason = "no error budget",
    },
    {
      name = "nothing known waits where an objective is asked for",
      ctx = { environment = "prod", slo = { known = false, budget_left = 0 }, settings = { require_slo = true } },
      expect = "wait",
      reason = "no error budget",
    },
    {
      name = "dev is free",
      ctx = { environment = "dev" },
      expect = "skip",
    },
  },
}
