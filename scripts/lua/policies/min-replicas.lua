-- One pod is no service: a node that restarts takes it down.
return policy {
  name = "min-replicas",
  summary = "Production runs at least two replicas (settings.min_replicas)",
  applies = { environment = "prod" },
  check = function(ctx)
    local wanted = ctx.settings and ctx.settings.min_replicas or 2
    local replicas = ctx.config and ctx.config.replicas or 1
    if replicas < wanted then
      return deny("prod needs " .. wanted .. " replicas, the request has " .. replicas, {
        fix = "set config.replicas to " .. wanted .. " or more",
        evidence = { replicas = replicas, min_replicas = wanted },
      })
    end
    return allow()
  end,
}
