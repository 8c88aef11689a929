return tests {
  script = "../../gates/two-person.lua",
  cases = {
    {
      name = "off without the setting",
      ctx = { environment = "prod" },
      expect = "allow",
      reason = "off",
    },
    {
      name = "nobody has approved",
      ctx = { environment = "prod", settings = { two_person = true }, author = "ada" },
      expect = "wait",
      reason = "0 of 1",
    },
    {
      name = "the author's own does not count",
      ctx = { environment = "prod", settings = { two_person = true }, author = "ada", approvals = { { actor = "user:ada" } } },
      expect = "wait",
      reason = "0 of 1",
    },
    {
      name = "another person's does",
      ctx = { environment = "prod", settings = { two_person = true }, author = "ada", approvals = { { actor = "user:bob" } } },
      expect = "allow",
    },
    {
      name = "one person counts once",
      ctx = { environment = "prod", settings = { two_person = true, approvals = 2 }, author = "ada", approvals = { { actor = "user:bob" }, { actor = "Bob <bob@example.org>" } } },
      expect = "wait",
      reason = "1 of 2",
    },
    {
      name = "two persons",
      ctx = { environment = "prod", settings = { two_person = true, approvals = 2 }, author = "ada", approvals = { { actor = "user:bob" }, { actor = "user:eve" } } },
      expect = "allow",
    },
    {
      name = "a rollback never waits",
      ctx = { environment = "prod", settings = { two_person = true }, author = "ada", rollback = true },
      expect = "allow",
    },
  },
}
