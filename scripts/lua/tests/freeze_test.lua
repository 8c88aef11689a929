return tests {
  script = "../policies/freeze.lua",
  cases = {
    {
      name = "without freezes",
      ctx = { environment = "prod", now = 1 },
      expect = "skip",
    },
    {
      name = "before it",
      ctx = { environment = "prod", app_name = "shop", now = 1798045140000, settings = { freezes = { { name = "holidays", from = "2026-12-23T17:00:00Z", to = "2027-01-02T00:00:00Z", environments = { "prod" } } } } },
      expect = "allow",
    },
    {
      name = "from its first moment",
      ctx = { environment = "prod", app_name = "shop", now = 1798045200000, settings = { freezes = { { name = "holidays", from = "2026-12-23T17:00:00Z", to = "2027-01-02T00:00:00Z", environments = { "prod" } } } } },
      expect = "deny",
      reason = "holidays",
    },
    {
      name = "in it",
      ctx = { environment = "prod", app_name = "shop", now = 1798200000000, settings = { freezes = { { name = "holidays", from = "2026-12-23T17:00:00Z", to = "2027-01-02T00:00:00Z", environments = { "prod" } } } } },
      expect = "deny",
      reason = "until 2027-01-02",
    },
    {
      name = "its end is open",
      ctx = { environment = "prod", app_name = "shop", now = 1798848000000, settings = { freezes = { { name = "holidays", from = "2026-12-23T17:00:00Z", to = "2027-01-02T00:00:00Z", environments = { "prod" } } } } },
      expect = "allow",
    },
    {
      name = "another environment",
      ctx = { environment = "dev", app_name = "shop", now = 1798200000000, settings = { freezes = { { name = "holidays", from = "2026-12-23T17:00:00Z", to = "2027-01-02T00:00:00Z", environments = { "prod" } } } } },
      expect = "allow",
    },
    {
      name = "every saturday",
      ctx = { environment = "prod", app_name = "shop", now = 1795219200000, settings = { freezes = { { name = "weekends", weekly = { days = { "saturday", "sunday" } } } } } },
      expect = "deny",
      reason = "weekends",
    },
    {
      name = "not on friday",
      ctx = { environment = "prod", app_name = "shop", now = 1795219140000, settings = { freezes = { { name = "weekends", weekly = { days = { "saturday", "sunday" } } } } } },
      expect = "allow",
    },
    {
      name = "over midnight it belongs to friday",
      ctx = { environment = "prod", app_name = "shop", now = 1795240740000, settings = { freezes = { { name = "nights", apps = { "shop*" }, weekly = { days = { "friday" }, from = "22:00", to = "06:00" } } } } },
      expect = "deny",
      reason = "nights",
    },
    {
      name = "which ends at six",
      ctx = { environment = "prod", app_name = "shop", now = 1795240800000, settings = { freezes = { { name = "nights", apps = { "shop*" }, weekly = { days = { "friday" }, from = "22:00", to = "06:00" } } } } },
      expect = "allow",
    },
    {
      name = "and does not begin on thursday",
      ctx = { environment = "prod", app_name = "shop", now = 1795150800000, settings = { freezes = { { name = "nights", apps = { "shop*" }, weekly = { days = { "friday" }, from = "22:00", to = "06:00" } } } } },
      expect = "allow",
    },
    {
      name = "another application",
      ctx = { environment = "prod", app_name = "cart", now = 1795215600000, settings = { freezes = { { name = "nights", apps = { "shop*" }, weekly = { days = { "friday" }, from = "22:00", to = "06:00" } } } } },
      expect = "allow",
    },
    {
      name = "a time that is none denies",
      ctx = { environment = "prod", app_name = "shop", now = 1795215600000, settings = { freezes = { { name = "odd", from = "tomorrow" } } } },
      expect = "deny",
      reason = "not as",
    },
    {
      name = "a day that is none denies",
      ctx = { environment = "prod", app_name = "shop", now = 1795215600000, settings = { freezes = { { name = "odd", weekly = { days = { "someday" } } } } } },
      expect = "deny",
      reason = "no day",
    },
    {
      name = "declared by the request",
      ctx = { environment = "prod", now = 1, context = { freeze = true }, settings = { freezes = list {} } },
      expect = "deny",
      reason = "declared",
    },
    {
      name = "an emergency with a reason asks a person",
      ctx = { environment = "prod", app_name = "shop", now = 1798200000000, settings = { freezes = { { name = "holidays", from = "2026-12-23T17:00:00Z", to = "2027-01-02T00:00:00Z", environments = { "prod" } } } }, reason = "outage 12", context = { emergency = true } },
      expect = "approval",
      reason = "emergency",
    },
    {
      name = "an emergency without a reason does not",
      ctx = { environment = "prod", app_name = "shop", now = 1798200000000, settings = { freezes = { { name = "holidays", from = "2026-12-23T17:00:00Z", to = "2027-01-02T00:00:00Z", environments = { "prod" } } } }, reason = " ", context = { emergency = true } },
      expect = "deny",
    },
  },
}
