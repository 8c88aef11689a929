-- Personal data does not face the internet.
local personal = { pii = true, restricted = true }
local outside = { external = true, public = true }

return policy {
  name = "pii-exposure",
  summary = "Personal data is not exposed outside in production",
  applies = { environment = "prod" },
  check = function(ctx)
    local data, exposure = ctx.data_classification, ctx.exposure
    if personal[data or ""] and outside[exposure or ""] then
      return deny("data classified '" .. data .. "' must not be exposed as '" .. exposure ..
                  "' in prod", {
        fix = "expose it internally, behind a service that hands out what each caller may see",
        evidence = { data_classification = data, exposure = exposure },
      })
    end
    return allow()
  end,
}
