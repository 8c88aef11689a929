-- A rollout waits while its service has no error budget left to spend.
return gate {
  name = "error-budget",
  summary = "Promotion needs 10 % of the error budget (settings.min_budget_left)",
  applies = { environment = "prod" },
  check = function(ctx)
    local least = ctx.settings and ctx.settings.min_budget_left or 0.10
    local left = ctx.slo.budget_left
    if left <= 0 then
      return deny("the error budget is used up", {
        fix = "mend what burns it, or ask for an exception",
        evidence = { budget_left = left },
      })
    end
    if left < least then
      return wait("only " .. percent(left) .. " of the error budget is left", {
        fix = "wait for the window to roll, or ask for an exception",
        evidence = { budget_left = left, least = least },
      })
    end
    return allow()
  end,
}
