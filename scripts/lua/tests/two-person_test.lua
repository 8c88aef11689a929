return tests {
  script = "../policies/two-person.lua",
  cases = {
    {
      name = "off without the setting",
      ctx = { environment = "prod", author = "ada", actor = "user:ada" },
      expect = "skip",
    },
    {
      name = "another person asks",
      ctx = { environment = "prod", settings = { two_person = true }, author = "Ada <ada@example.org>", actor = "user:bob" },
      expect = "allow",
    },
    {
      name = "a pipeline asks",
      ctx = { environment = "prod", settings = { two_person = true }, author = "ada", actor = "token:ci" },
      expect = "allow",
    },
    {
      name = "the author asks",
      ctx = { environment = "prod", settings = { two_person = true }, author = "Ada <ada@example.org>", actor = "user:ada" },
      expect = "approval",
      reason = "also asks",
    },
    {
      name = "in capitals too",
      ctx = { environment = "prod", settings = { two_person = true }, author = "ADA", actor = "user:ada" },
      expect = "approval",
      reason = "also asks",
    },
    {
      name = "no author",
      ctx = { environment = "prod", settings = { two_person = true }, actor = "user:ada" },
      expect = "approval",
      reason = "who made",
    },
    {
      name = "a blank author",
      ctx = { environment = "prod", settings = { two_person = true }, author = " ", actor = "user:ada" },
      expect = "approval",
      reason = "who made",
    },
    {
      name = "dev is free",
      ctx = { environment = "dev", settings = { two_person = true }, author = "ada", actor = "ada" },
      expect = "skip",
    },
  },
}
