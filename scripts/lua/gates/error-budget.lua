-- A rollout waits while its service has no error budget left to spend. A rollback never waits.
--   settings.min_budget_left = 0.10    settings.require_slo = true: without an objective it waits
local budget = require "budget"

return gate {
  name = "error-budget",
  summary = "Promotion needs 10 % of the error budget (settings.min_budget_left)",
  applies = { environment = "prod" },
  check = function(ctx)
    if budget.mends(ctx) then return allow("it mends what burns the budget") end
    local settings, slo = ctx.settings or {}, ctx.slo or {}
    local left = slo.budget_left
    if not left or slo.known == false then
      local reason = "no error budget is known"
      local fix = { fix = "give the service an objective: sluice slo apply" }
      if settings.require_slo then return wait(reason, fix) end
      return warn(reason, fix)
    end
    local evidence = { budget_left = left, least = settings.min_budget_left or 0.10 }
    if left <= 0 then
      return deny("the error budget is used up", {
        fix = "mend what burns it, or ask for an exception",
        evidence = evidence,
      })
    end
    if slo.page then
      return wait("an alert that pages fires", {
        fix = "wait until it has stopped, or roll back",
        evidence = evidence,
      })
    end
    if left < evidence.least then
      return wait("only " .. percent(left) .. " of the error budget is left", {
        fix = "wait for the window to roll, or ask for an exception",
        evidence = evidence,
      })
    end
    return allow()
  end,
}
