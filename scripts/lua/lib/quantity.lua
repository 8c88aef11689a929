-- Kubernetes quantities: "250m" cores, "512Mi" bytes.
local scale = {
  [""] = 1, m = 0.001, k = 1e3, M = 1e6, G = 1e9, T = 1e12,
  Ki = 1024, Mi = 1024 ^ 2, Gi = 1024 ^ 3, Ti = 1024 ^ 4,
}

-- The number behind a quantity, or nil.
return function(text)
  if type(text) == "number" then return text end
  if type(text) ~= "string" then return nil end
  local number, unit = text:match("^(%d+%.?%d*)(%a*)$")
  if not number or not scale[unit] then return nil end
  return tonumber(number) * scale[unit]
end
