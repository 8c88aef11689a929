return policy {
  name = "bench", applies = { environment = "prod" },
  check = function(ctx)
    local image = ctx.config.image
    if image:match(":latest$") or not image:find(":", 1, true) then
      return deny("latest", { fix = "pin" })
    end
    if ctx.config.replicas < 2 then return deny("replicas " .. ctx.config.replicas) end
    for _, l in ipairs(ctx.labels) do if l == "frozen" then return deny("frozen") end end
    if ctx.risk.score > 0.9 then return deny("risk " .. percent(ctx.risk.score)) end
    if ctx.data_classification == "pii" and ctx.exposure == "external" then return deny("pii") end
    return allow()
  end }
