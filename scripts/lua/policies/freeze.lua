-- While a freeze holds nothing goes out, but for a declared emergency with a reason.
--   settings.freezes = { { name = "holidays", from = "2026-12-23T17:00:00Z",
--                          to = "2027-01-02T00:00:00Z", environments = { "prod" }, apps = { "shop*" } },
--                        { name = "weekends", environments = { "prod" },
--                          weekly = { days = { "saturday", "sunday" } } } }
local hours = require "hours"

return policy {
  name = "freeze",
  summary = "Nothing goes out while a freeze holds (settings.freezes)",
  applies = { ["settings.freezes"] = "*" },
  check = function(ctx)
    local context = ctx.context or {}
    local freeze, why = hours.freeze(ctx.settings.freezes, ctx)
    if freeze == false then return deny(why, { fix = "mend settings.freezes" }) end
    if not freeze and not context.freeze then return allow() end
    local name = freeze and freeze.name or "declared by the request"
    local evidence = { freeze = name, to = freeze and freeze.to or nil }
    if context.emergency and ctx.reason and trim(ctx.reason) ~= "" then
      return needs_approval("a freeze holds (" .. name .. "), and this is a declared emergency: a person decides",
                            { fix = "have it approved", evidence = evidence })
    end
    local ends = freeze and freeze.to and (" until " .. freeze.to) or ""
    return deny("a freeze holds (" .. name .. ")" .. ends, {
      fix = "wait for its end; an emergency sets context.emergency and says why in reason",
      evidence = evidence,
    })
  end,
}
