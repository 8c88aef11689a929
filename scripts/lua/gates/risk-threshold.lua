-- A risky change takes its last step only when a person has seen how the steps before went:
-- settings.watched_weight = 50 is the share of traffic up to which it goes by itself.
local rank = { LOW = 1, MED = 2, MEDIUM = 2, HIGH = 3, CRITICAL = 4 }

return gate {
  name = "risk-threshold",
  summary = "HIGH risk beyond half of the traffic needs an approval (settings.watched_weight)",
  applies = { environment = "prod" },
  check = function(ctx)
    if ctx.rollback then return allow("a rollback never waits") end
    local level = ctx.risk and ctx.risk.level
    if level == "CRITICAL" then
      return deny("the risk of the change is CRITICAL", { fix = "split the change, or mend the danger" })
    end
    if rank[level or ""] and rank[level] < 3 then return allow() end
    local most = ctx.settings and ctx.settings.watched_weight or 50
    if (ctx.weight or 0) < most or #(ctx.approvals or {}) > 0 then return allow() end
    return wait("the risk of the change is " .. (level or "not known") .. ", and it has reached " ..
                ctx.weight .. " % of the traffic", {
      fix = "look at the steps so far and approve it",
      evidence = { level = level, weight = ctx.weight },
    })
  end,
}
