-- Changes go to production while people are there to see them.
--   settings.business_hours = { days = { "monday", ... }, from = "09:00", to = "17:00",
--                               offset_minutes = 60 }  (minutes ahead of UTC)
local hours = require "hours"

return policy {
  name = "business-hours",
  summary = "Changes go to production within business hours (settings.business_hours)",
  applies = { environment = "prod", ["settings.business_hours"] = "*" },
  check = function(ctx)
    local week = ctx.settings.business_hours
    local within, why = hours.within(week, ctx.now)
    if within == nil then
      return deny("settings.business_hours makes no sense: " .. why, { fix = "mend the setting" })
    end
    if within then return allow() end
    local span = (week.from or "00:00") .. " to " .. (week.to or "24:00")
    if ctx.context and ctx.context.emergency then
      return warn("it is outside business hours (" .. span .. "); a declared emergency")
    end
    return needs_approval("it is outside business hours (" .. span .. ")", {
      fix = "wait for them, or have it approved by someone who stays to watch",
      evidence = { from = week.from, to = week.to },
    })
  end,
}
