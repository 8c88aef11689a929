-- A change in production is promoted when someone else than its author has approved it:
-- settings.two_person = true, settings.approvals = 1.
local people = require "people"

return gate {
  name = "two-person",
  summary = "An approval by another person than the author (settings.two_person)",
  applies = { environment = "prod" },
  check = function(ctx)
    local settings = ctx.settings or {}
    if not settings.two_person then return allow("off: settings.two_person") end
    if ctx.rollback then return allow("a rollback never waits") end
    local wanted = settings.approvals or 1
    local count = people.count_others(ctx.approvals, { ctx.author, ctx.actor })
    if count >= wanted then return allow() end
    return wait(count .. " of " .. wanted .. " approvals by others than the author", {
      fix = "sluice rollout approve",
      evidence = { approvals = count, wanted = wanted, author = ctx.author },
    })
  end,
}
