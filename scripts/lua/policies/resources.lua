-- Requests and limits, where they are given, must make sense together. Without a memory limit one
-- leak takes the node.
local quantity = require "quantity"

local function bad(path, value)
  return deny("config.resources." .. path .. " is no quantity: '" .. tostring(value) .. "'",
              { fix = "write cpu as '250m' or '2', memory as '512Mi'" })
end

return policy {
  name = "resources",
  summary = "Resource requests and limits fit together, when they are given",
  check = function(ctx)
    local resources = ctx.config and ctx.config.resources
    if not resources then return allow("no resources are given") end
    local requests, limits = resources.requests or {}, resources.limits or {}
    for _, kind in ipairs { "cpu", "memory" } do
      local least, most = quantity(requests[kind]), quantity(limits[kind])
      if requests[kind] and not least then return bad("requests." .. kind, requests[kind]) end
      if limits[kind] and not most then return bad("limits." .. kind, limits[kind]) end
      if least and most and least > most then
        return deny("config.resources asks for more " .. kind .. " (" .. requests[kind] ..
                    ") than its limit (" .. limits[kind] .. ")",
                    { fix = "raise limits." .. kind .. ", or lower requests." .. kind,
                      evidence = resources })
      end
    end
    if ctx.environment == "prod" and limits.memory == nil then
      return warn("config.resources has no memory limit: one leak takes the node with it",
                  { fix = "set config.resources.limits.memory" })
    end
    return allow()
  end,
}
