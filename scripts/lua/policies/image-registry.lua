-- Images come from registries that the operator trusts. Off until settings.allowed_registries is
-- set: a list of patterns over "registry/repository", as in "registry.internal/*".
return policy {
  name = "image-registry",
  summary = "Images come from the allowed registries (settings.allowed_registries)",
  check = function(ctx)
    local allowed = ctx.settings and ctx.settings.allowed_registries
    if not allowed or #allowed == 0 then return allow("no list of allowed registries is set") end
    local name = ctx.config and ctx.config.image or ""
    local parsed, why = image.parse(name)
    if not parsed then
      return deny("'" .. name .. "' is no image name: " .. why,
                  { fix = "write it as registry/repository:tag" })
    end
    local full = parsed.registry .. "/" .. parsed.repository
    for _, pattern in ipairs(allowed) do
      if glob(pattern, full) then return allow() end
    end
    return deny("the image comes from " .. full .. ", which is not allowed", {
      fix = "push it to one of: " .. table.concat(allowed, ", "),
      evidence = { image = full, allowed = allowed },
    })
  end,
}
