-- What runs in production is named exactly: a tag that moves cannot be rolled back to.
return policy {
  name = "no-latest",
  summary = "Production images carry a tag of their own, not 'latest'",
  applies = { environment = "prod" },
  check = function(ctx)
    local name = ctx.config and ctx.config.image
    if not name then
      return deny("the request names no image", { fix = "set config.image" })
    end
    local parsed, why = image.parse(name)
    if not parsed then
      return deny("'" .. name .. "' is no image name: " .. why,
                  { fix = "write it as registry/repository:tag" })
    end
    local moving = parsed.tag == nil or parsed.tag == "latest"
    if moving and parsed.digest then
      if parsed.tag then
        return warn("the tag says 'latest', but the digest decides what runs")
      end
      return allow()
    end
    if moving then
      local how = parsed.tag and "uses the tag 'latest'" or "has no tag, which means 'latest'"
      return deny("the image " .. name .. " " .. how .. ": prod deployments must not use :latest", {
        fix = "name the version, as in " .. parsed.repository .. ":1.4.2, or pin it by digest",
        evidence = { image = name, tag = parsed.tag or "latest" },
      })
    end
    return allow()
  end,
}
