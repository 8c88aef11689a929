-- Personal data does not face the internet, unless the controls that the operator asks for stand in
-- front: settings.pii_controls = { "waf", "mtls", "audit-log" }, named by config.controls of the
-- request. Without that setting no control is enough.
local personal = { pii = true, restricted = true }
local outside = { external = true, public = true }

return policy {
  name = "pii-exposure",
  summary = "Personal data is exposed outside in production only behind the controls that are asked",
  applies = { environment = "prod" },
  check = function(ctx)
    local data, exposure = ctx.data_classification, ctx.exposure
    if not (personal[data or ""] and outside[exposure or ""]) then return allow() end
    local wanted = ctx.settings and ctx.settings.pii_controls
    local evidence = { data_classification = data, exposure = exposure }
    local before = "data classified '" .. data .. "' must not be exposed as '" .. exposure .. "' in prod"
    if not wanted or #wanted == 0 then
      return deny(before, {
        fix = "expose it internally, behind a service that hands out what each caller may see",
        evidence = evidence,
      })
    end
    local has, missing = {}, {}
    for _, one in ipairs(ctx.config and ctx.config.controls or {}) do has[one] = true end
    for _, one in ipairs(wanted) do
      if not has[one] then missing[#missing + 1] = one end
    end
    if #missing > 0 then
      evidence.missing = list(missing)
      return deny(before .. " without " .. table.concat(missing, ", "), {
        fix = "put these controls in place and name them in config.controls",
        evidence = evidence,
      })
    end
    return warn("data classified '" .. data .. "' is exposed as '" .. exposure .. "', behind " ..
                table.concat(ctx.config.controls, ", "), { evidence = evidence })
  end,
}
