-- Requests and limits, where they are given, must make sense together. Without a memory limit one
-- leak takes the node. Applications with sensitive data must give them: a neighbour that starves
-- them is an outage of theirs.
--   settings.resources_required = { "pii", "restricted" }: data classes that must give all four
--   settings.max_cpu = "4", settings.max_memory = "8Gi": the most that one pod may take
--   settings.max_overcommit = 4: limit over request of memory that is worth a warning
local quantity = require "quantity"

local function bad(path, value)
  return deny("config.resources." .. path .. " is no quantity: '" .. tostring(value) .. "'",
              { fix = "write cpu as '250m' or '2', memory as '512Mi'" })
end

local function listed(list, wanted)
  for _, one in ipairs(list or {}) do
    if one == wanted then return true end
  end
  return false
end

-- The first of the four that is not given.
local function missing(requests, limits)
  for _, kind in ipairs { "cpu", "memory" } do
    if requests[kind] == nil then return "requests." .. kind end
    if limits[kind] == nil then return "limits." .. kind end
  end
  return nil
end

local function too_large(settings, kind, most, written)
  local cap = settings["max_" .. kind]
  local number = quantity(cap)
  if cap and not number then
    return deny("settings.max_" .. kind .. " is no quantity: '" .. tostring(cap) .. "'",
                { fix = "write cpu as '4', memory as '8Gi'" })
  end
  if number and most and most > number then
    return deny("config.resources asks for " .. written .. " " .. kind .. " a pod; the most is " .. cap,
                { fix = "lower it to " .. cap .. ", or run more replicas",
                  evidence = { asked = written, most = cap } })
  end
  return nil
end

local function check_kind(kind, resources, settings)
  local requests, limits = resources.requests or {}, resources.limits or {}
  local least, most = quantity(requests[kind]), quantity(limits[kind])
  if requests[kind] and not least then return bad("requests." .. kind, requests[kind]) end
  if limits[kind] and not most then return bad("limits." .. kind, limits[kind]) end
  if least and most and least > most then
    return deny("config.resources asks for more " .. kind .. " (" .. requests[kind] ..
                ") than its limit (" .. limits[kind] .. ")",
                { fix = "raise limits." .. kind .. ", or lower requests." .. kind,
                  evidence = resources })
  end
  return too_large(settings, kind, most or least, limits[kind] or requests[kind])
end

return policy {
  name = "resources",
  summary = "Resource requests and limits fit together, and are given where the data asks for it",
  check = function(ctx)
    local settings = ctx.settings or {}
    local resources = ctx.config and ctx.config.resources
    local class = ctx.data_classification
    if ctx.environment == "prod" and listed(settings.resources_required, class) then
      local absent = missing(resources and resources.requests or {}, resources and resources.limits or {})
      if absent then
        return deny("an application with data classified '" .. class .. "' must set config.resources." ..
                    absent .. " in prod",
                    { fix = "set cpu and memory of config.resources.requests and .limits",
                      evidence = { data_classification = class, missing = absent } })
      end
    end
    if not resources then return allow("no resources are given") end
    for _, kind in ipairs { "cpu", "memory" } do
      local verdict = check_kind(kind, resources, settings)
      if verdict then return verdict end
    end
    local least = quantity(resources.requests and resources.requests.memory)
    local most = quantity(resources.limits and resources.limits.memory)
    if ctx.environment == "prod" and not most then
      return warn("config.resources has no memory limit: one leak takes the node with it",
                  { fix = "set config.resources.limits.memory" })
    end
    local overcommit = settings.max_overcommit or 4
    if ctx.environment == "prod" and least and most > overcommit * least then
      return warn("the memory limit is more than " .. overcommit ..
                  " times the request: the node may run out before the limit is reached",
                  { fix = "raise config.resources.requests.memory" })
    end
    return allow()
  end,
}
