-- A disruption budget must leave room both ways: some pods up while others move, and at least one
-- that may move, else a node can never be drained.
return policy {
  name = "disruption",
  summary = "A disruption budget in production keeps pods up and lets nodes drain",
  applies = { environment = "prod", ["config.disruption"] = "*" },
  check = function(ctx)
    local budget = ctx.config.disruption
    local replicas = ctx.config.replicas or 1
    local up, down = budget.min_available, budget.max_unavailable
    local evidence = { replicas = replicas, min_available = up, max_unavailable = down }
    local function pods(value)
      if type(value) == "number" then return value end
      local share = type(value) == "string" and value:match("^(%d+)%%$")
      return share and math.ceil(tonumber(share) * replicas / 100) or nil
    end
    if (up ~= nil) == (down ~= nil) then
      return deny("config.disruption needs one of min_available and max_unavailable",
                  { fix = "set max_unavailable: 1", evidence = evidence })
    end
    local count = pods(up ~= nil and up or down)
    if not count then
      return deny("config.disruption is neither a number of pods nor a percentage",
                  { fix = "write max_unavailable: 1, or min_available: '50%'", evidence = evidence })
    end
    if up ~= nil then count = replicas - count end
    if count >= replicas then
      return deny("the disruption budget lets all " .. replicas .. " pods go at once",
                  { fix = "set max_unavailable: 1", evidence = evidence })
    end
    if count < 1 then
      return deny("the disruption budget lets no pod go: no node that runs one can be drained",
                  { fix = "set max_unavailable: 1, or run more replicas", evidence = evidence })
    end
    return allow()
  end,
}
