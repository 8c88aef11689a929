-- A third policy for the benchmark: applies everywhere, reads several members, allows.
return policy {
  name = "owner",
  check = function(ctx)
    if not ctx.app_name or ctx.app_name == "" then
      return deny("the application has no name", { fix = "give it one" })
    end
    if ctx.config.replicas > 1000 then
      return deny("more than 1000 replicas", { fix = "ask for fewer" })
    end
    if has_prefix(ctx.config.image, "docker.io/") then
      return warn("the image comes from a public registry", { fix = "mirror it" })
    end
    return allow()
  end,
}
