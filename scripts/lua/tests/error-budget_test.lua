return tests {
  script = "../policies/error-budget.lua",
  cases = {
    {
      name = "nothing is known",
      ctx = { environment = "prod", settings = { error_budget = "given" } },
      expect = "allow",
      reason = "no error budget",
    },
    {
      name = "a full budget",
      ctx = { environment = "prod", context = { budget_left = 0.9 }, risk = { level = "HIGH" }, settings = { error_budget = "given" } },
      expect = "allow",
    },
    {
      name = "a spent budget denies low risk too",
      ctx = { environment = "prod", context = { budget_left = 0 }, risk = { level = "LOW" }, settings = { error_budget = "given" } },
      expect = "deny",
      reason = "used up",
    },
    {
      name = "an overspent one as well",
      ctx = { environment = "prod", context = { budget_left = -3.5 }, risk = { level = "LOW" }, settings = { error_budget = "given" } },
      expect = "deny",
      reason = "used up",
    },
    {
      name = "what mends goes out",
      ctx = { environment = "prod", context = { budget_left = -1, kind = "reliability" }, risk = { level = "LOW" }, settings = { error_budget = "given" } },
      expect = "allow",
      reason = "mends",
    },
    {
      name = "security goes out",
      ctx = { environment = "prod", context = { budget_left = -1, kind = "security" }, risk = { level = "LOW" }, settings = { error_budget = "given" } },
      expect = "allow",
    },
    {
      name = "a made up kind does not",
      ctx = { environment = "prod", context = { budget_left = -1, kind = "urgent" }, risk = { level = "LOW" }, settings = { error_budget = "given" } },
      expect = "deny",
    },
    {
      name = "a thin budget and low risk",
      ctx = { environment = "prod", context = { budget_left = 0.05 }, risk = { level = "LOW" }, settings = { error_budget = "given" } },
      expect = "warn",
      reason = "5%",
    },
    {
      name = "a thin budget and some risk needs a person",
      ctx = { environment = "prod", context = { budget_left = 0.05 }, risk = { level = "MED" }, settings = { error_budget = "given" } },
      expect = "approval",
      reason = "5%",
    },
    {
      name = "an unknown risk counts as some",
      ctx = { environment = "prod", context = { budget_left = 0.05 }, settings = { error_budget = "given" } },
      expect = "approval",
    },
    {
      name = "a quarter warns",
      ctx = { environment = "prod", context = { budget_left = 0.2 }, risk = { level = "MED" }, settings = { error_budget = "given" } },
      expect = "warn",
      reason = "20%",
    },
    {
      name = "the bound can be moved",
      ctx = { environment = "prod", context = { budget_left = 0.2 }, risk = { level = "MED" }, settings = { error_budget = "given", min_budget_left = 0.3 } },
      expect = "approval",
      reason = "20%",
    },
    {
      name = "off without the setting",
      ctx = { environment = "prod", context = { budget_left = -1 } },
      expect = "skip",
    },
    {
      name = "dev is free",
      ctx = { environment = "dev", context = { budget_left = -1 } },
      expect = "skip",
    },
  },
}
