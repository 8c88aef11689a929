return tests {
  script = "../policies/pii-exposure.lua",
  cases = {
    {
      name = "personal data outside is denied",
      ctx = { environment = "prod", data_classification = "pii", exposure = "external" },
      expect = "deny",
      reason = "must not be exposed",
    },
    {
      name = "restricted data in public is denied",
      ctx = { environment = "prod", data_classification = "restricted", exposure = "public" },
      expect = "deny",
      reason = "restricted",
    },
    {
      name = "personal data inside is allowed",
      ctx = { environment = "prod", data_classification = "pii", exposure = "internal" },
      expect = "allow",
    },
    {
      name = "public data outside is allowed",
      ctx = { environment = "prod", data_classification = "public", exposure = "external" },
      expect = "allow",
    },
    {
      name = "without the setting no control is enough",
      ctx = {
        environment = "prod", data_classification = "pii", exposure = "external",
        config = { controls = { "waf", "mtls" } },
      },
      expect = "deny",
    },
    {
      name = "all controls in front let it pass, and it is said",
      ctx = {
        environment = "prod", data_classification = "pii", exposure = "external",
        config = { controls = { "mtls", "waf", "audit-log" } },
        settings = { pii_controls = { "waf", "mtls" } },
      },
      expect = "warn",
      reason = "behind mtls, waf",
    },
    {
      name = "a missing control is named",
      ctx = {
        environment = "prod", data_classification = "pii", exposure = "external",
        config = { controls = { "waf" } }, settings = { pii_controls = { "waf", "mtls" } },
      },
      expect = "deny",
      reason = "without mtls",
    },
    {
      name = "nothing said is allowed",
      ctx = { environment = "prod" },
      expect = "allow",
    },
    {
      name = "stage is free",
      ctx = { environment = "stage", data_classification = "pii", exposure = "external" },
      expect = "skip",
    },
  },
}
