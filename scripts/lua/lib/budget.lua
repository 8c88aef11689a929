-- How much of an error budget is left, and what may still be done with it.
local budget = {}

-- Work that mends what burns the budget goes on when it is spent.
local mending = { rollback = true, reliability = true, security = true, incident = true }

function budget.mends(ctx)
  if ctx.rollback then return true end
  local kind = ctx.kind or (ctx.context and ctx.context.kind) or (ctx.config and ctx.config.kind)
  return mending[kind or ""] or false
end

-- { left, page, ticket, service } of the objective that is worst off; nil: nothing is known.
function budget.worst(items)
  local worst
  for _, item in ipairs(items or {}) do
    if item.budget_left and (not worst or item.budget_left < worst.left) then
      worst = worst or {}
      worst.left, worst.objective = item.budget_left, item.objective
    end
    for _, alert in ipairs(item.alerts or {}) do
      if worst and alert.state == "firing" then worst[alert.severity] = alert.name end
    end
  end
  return worst
end

-- What a change of this risk may do: "allow", "warn", "wait" or "deny", with a reason and a fix.
function budget.judge(known, risk, least, thin)
  local text = percent(known.left) .. " of the error budget is left"
  if known.left <= 0 then
    return "deny", "the error budget is used up",
      "mend what burns it; a rollback, or a change of kind reliability or security, may still go"
  end
  local risky = risk ~= "LOW"
  if risky and known.page then
    return "deny", "an alert that pages fires (" .. tostring(known.page) .. "), and the risk is " ..
      tostring(risk or "not known"), "wait until it has stopped, or send a change of low risk"
  end
  if risky and known.left < least then
    return "wait", "only " .. text, "wait for the window to roll, or ask for an exception"
  end
  if known.left < thin or known.ticket or known.page then
    return "warn", text .. (known.ticket and ", and it burns too fast" or ""),
      "use smaller steps and longer pauses"
  end
  return "allow"
end

return budget
