-- Steps are taken while people are there to see them (settings.business_hours, as in
-- policies/business-hours.lua). A rollback is taken at any time.
local hours = require "hours"

return gate {
  name = "business-hours",
  summary = "Promotion within business hours (settings.business_hours)",
  applies = { environment = "prod" },
  check = function(ctx)
    local week = ctx.settings and ctx.settings.business_hours
    if not week then return allow("off: settings.business_hours") end
    if ctx.rollback then return allow("a rollback never waits") end
    local within, why = hours.within(week, ctx.now)
    if within == nil then
      return deny("settings.business_hours makes no sense: " .. why, { fix = "mend the setting" })
    end
    if within then return allow() end
    return wait("it is outside business hours", {
      fix = "wait until " .. (week.from or "00:00"),
      evidence = { from = week.from, to = week.to },
    })
  end,
}
