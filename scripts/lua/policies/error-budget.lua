-- What is left of the error budget decides what may go out. Off until settings.error_budget is set:
-- "ask" asks slo.status, "given" takes context.budget_left of the request alone.
--   settings.min_budget_left = 0.10: below it only changes of low risk go out
--   settings.thin_budget = 0.25: below it a warning asks for smaller steps
local budget = require "budget"

local function known_budget(ctx)
  local given = ctx.context and ctx.context.budget_left
  if ctx.settings.error_budget ~= "ask" then return given and { left = given } end
  local answer = sluice.call("slo.status", { service = ctx.app_name, environment = ctx.environment })
  return budget.worst(answer.items)
end

return policy {
  name = "error-budget",
  summary = "A spent error budget lets only what mends it go out (settings.error_budget)",
  applies = { environment = "prod", ["settings.error_budget"] = "*" },
  calls = { "slo.status" },
  check = function(ctx)
    if budget.mends(ctx) then return allow("it mends what burns the budget") end
    local known = known_budget(ctx)
    if not known then return allow("no error budget is known") end
    local settings = ctx.settings
    local risk = ctx.risk and ctx.risk.level
    local word, reason, fix =
      budget.judge(known, risk, settings.min_budget_left or 0.10, settings.thin_budget or 0.25)
    local more = { fix = fix, evidence = { budget_left = known.left, risk = risk, alert = known.page } }
    if word == "deny" then return deny(reason, more) end
    if word == "wait" then return needs_approval(reason, more) end
    if word == "warn" then return warn(reason, more) end
    return allow()
  end,
}
