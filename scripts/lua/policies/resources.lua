-- Requests and limits, where they are given, must make sense together. Without a memory limit one
-- leak takes the node. Applications with sensitive data must give them: a neighbour that starves
-- them is an outage of theirs.
--   settings.resources_required = { "pii", "restricted" }: data classes that must give all four
--   settings.max_cpu = "4", settings.max_memory = "8Gi": the most that one pod may take
--   settings.max_overcommit = 4: limit over request of memory that is worth a warning
return policy {
  name = "resources",
  summary = "Resource requests and limits fit together, and are given where the data asks for it",
  check = function(ctx)
    local resources = ctx.config and ctx.config.resources
    local settings = ctx.settings
    if not resources and not (settings and settings.resources_required) then
      return allow("no resources are given")
    end
    -- Required here, so that requests without resources do not pay for it.
    local word, reason, more = require "sizing"(ctx, resources or {}, settings or {})
    if word == "deny" then return deny(reason, more) end
    if word == "warn" then return warn(reason, more) end
    return allow(reason)
  end,
}
