return tests {
  script = "../policies/resources.lua",
  cases = {
    {
      name = "nothing given is allowed",
      ctx = { environment = "prod", config = {} },
      expect = "allow",
    },
    {
      name = "sane resources are allowed",
      ctx = { environment = "prod", config = { resources = { requests = { cpu = "250m", memory = "256Mi" }, limits = { cpu = 1, memory = "1Gi" } } } },
      expect = "allow",
    },
    {
      name = "requests above limits are denied",
      ctx = { config = { resources = { requests = { memory = "2Gi" }, limits = { memory = "512Mi" } } } },
      expect = "deny",
      reason = "more memory",
    },
    {
      name = "nonsense is denied",
      ctx = { config = { resources = { requests = { cpu = "lots" } } } },
      expect = "deny",
      reason = "no quantity",
    },
    {
      name = "no memory limit in prod is worth a word",
      ctx = { environment = "prod", config = { resources = { requests = { cpu = "1" } } } },
      expect = "warn",
      reason = "memory limit",
    },
    {
      name = "sensitive data must set them where it is asked",
      ctx = {
        environment = "prod", data_classification = "pii", config = {},
        settings = { resources_required = { "pii" } },
      },
      expect = "deny",
      reason = "must set config.resources.requests.cpu",
    },
    {
      name = "and all four of them",
      ctx = {
        environment = "prod", data_classification = "pii",
        config = { resources = { requests = { cpu = "1", memory = "1Gi" }, limits = { cpu = "2" } } },
        settings = { resources_required = { "pii" } },
      },
      expect = "deny",
      reason = "limits.memory",
    },
    {
      name = "other data need not",
      ctx = {
        environment = "prod", data_classification = "internal", config = {},
        settings = { resources_required = { "pii" } },
      },
      expect = "allow",
    },
    {
      name = "more than the most is denied",
      ctx = { config = { resources = { limits = { memory = "16Gi" } } }, settings = { max_memory = "8Gi" } },
      expect = "deny",
      reason = "16Gi memory",
    },
    {
      name = "a setting that is no quantity denies",
      ctx = { config = { resources = { limits = { memory = "1Gi" } } }, settings = { max_memory = "much" } },
      expect = "deny",
      reason = "settings.max_memory",
    },
    {
      name = "a limit far above the request warns",
      ctx = {
        environment = "prod",
        config = { resources = { requests = { memory = "128Mi" }, limits = { memory = "4Gi" } } },
      },
      expect = "warn",
      reason = "4 times",
    },
  },
}
