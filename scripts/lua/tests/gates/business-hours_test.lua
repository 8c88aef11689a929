return tests {
  script = "../../gates/business-hours.lua",
  cases = {
    {
      name = "off without the setting",
      ctx = { environment = "prod", now = 1 },
      expect = "allow",
      reason = "off",
    },
    {
      name = "nine in the morning, an hour ahead of UTC",
      ctx = { environment = "prod", now = 1795420800000, settings = { business_hours = { from = "09:00", to = "17:00", offset_minutes = 60 } } },
      expect = "allow",
    },
    {
      name = "a minute before",
      ctx = { environment = "prod", now = 1795420740000, settings = { business_hours = { from = "09:00", to = "17:00", offset_minutes = 60 } } },
      expect = "wait",
      reason = "outside",
    },
    {
      name = "the end is open",
      ctx = { environment = "prod", now = 1795449600000, settings = { business_hours = { from = "09:00", to = "17:00", offset_minutes = 60 } } },
      expect = "wait",
      reason = "outside",
    },
    {
      name = "a sunday",
      ctx = { environment = "prod", now = 1795348800000, settings = { business_hours = { from = "09:00", to = "17:00", offset_minutes = 60 } } },
      expect = "wait",
      reason = "outside",
    },
    {
      name = "own days",
      ctx = { environment = "prod", now = 1795348800000, settings = { business_hours = { from = "09:00", to = "17:00", offset_minutes = 60, days = { "sunday" } } } },
      expect = "allow",
    },
    {
      name = "hours that are none deny",
      ctx = { environment = "prod", now = 1795420800000, settings = { business_hours = { from = "9 am" } } },
      expect = "deny",
      reason = "makes no sense",
    },
    {
      name = "dev is free",
      ctx = { environment = "dev", now = 1795348800000, settings = { business_hours = { from = "09:00", to = "17:00", offset_minutes = 60 } } },
      expect = "skip",
    },
    {
      name = "a rollback never waits",
      ctx = { environment = "prod", now = 1795348800000, settings = { business_hours = { from = "09:00", to = "17:00", offset_minutes = 60 } }, rollback = true },
      expect = "allow",
    },
  },
}
