-- Whether resource requests and limits make sense: "deny", "warn" or "allow", a reason, and its fix and
-- evidence.
local quantity = require "quantity"

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

local function no_quantity(path, value)
  return "deny", path .. " is no quantity: '" .. tostring(value) .. "'",
    { fix = "write cpu as '250m' or '2', memory as '512Mi'" }
end

local function check_kind(kind, requests, limits, settings)
  local least, most = quantity(requests[kind]), quantity(limits[kind])
  if requests[kind] and not least then
    return no_quantity("config.resources.requests." .. kind, requests[kind])
  end
  if limits[kind] and not most then
    return no_quantity("config.resources.limits." .. kind, limits[kind])
  end
  if least and most and least > most then
    return "deny", "config.resources asks for more " .. kind .. " (" .. requests[kind] ..
      ") than its limit (" .. limits[kind] .. ")",
      { fix = "raise limits." .. kind .. ", or lower requests." .. kind,
        evidence = { request = requests[kind], limit = limits[kind] } }
  end
  local cap, asked = settings["max_" .. kind], most or least
  if cap and not quantity(cap) then return no_quantity("settings.max_" .. kind, cap) end
  if cap and asked and asked > quantity(cap) then
    local written = limits[kind] or requests[kind]
    return "deny", "config.resources asks for " .. written .. " " .. kind ..
      " a pod; the most is " .. cap,
      { fix = "lower it to " .. cap .. ", or run more replicas",
        evidence = { asked = written, most = cap } }
  end
  return nil
end

return function(ctx, resources, settings)
  local requests, limits = resources.requests or {}, resources.limits or {}
  local class, prod = ctx.data_classification, ctx.environment == "prod"
  if prod and listed(settings.resources_required, class) then
    local absent = missing(requests, limits)
    if absent then
      return "deny", "an application with data classified '" .. class ..
        "' must set config.resources." .. absent .. " in prod",
        { fix = "set cpu and memory of config.resources.requests and .limits",
          evidence = { data_classification = class, missing = absent } }
    end
  end
  for _, kind in ipairs { "cpu", "memory" } do
    local word, reason, more = check_kind(kind, requests, limits, settings)
    if word then return word, reason, more end
  end
  local given = ctx.config and ctx.config.resources
  local least, most = quantity(requests.memory), quantity(limits.memory)
  if prod and given and not most then
    return "warn", "config.resources has no memory limit: one leak takes the node with it",
      { fix = "set config.resources.limits.memory" }
  end
  local overcommit = settings.max_overcommit or 4
  if prod and least and most and most > overcommit * least then
    return "warn", "the memory limit is more than " .. overcommit ..
      " times the request: the node may run out before the limit is reached",
      { fix = "raise config.resources.requests.memory" }
  end
  return "allow"
end
