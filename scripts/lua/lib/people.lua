-- Who is who: the same person by "user:ada", "Ada <ada@example.org>" or "ada".
local people = {}

function people.plain(name)
  if type(name) ~= "string" then return nil end
  local mail = name:match("<([^>]*)>")
  name = (mail or name):lower()
  name = name:match("^%a+:(.*)$") or name
  name = name:match("^([^@]*)@") or name
  name = trim(name)
  return name ~= "" and name or nil
end

function people.same(a, b)
  a, b = people.plain(a), people.plain(b)
  return a ~= nil and a == b
end

-- How many persons of the list are neither of `others`; each counts once.
function people.count_others(list, others)
  local seen, count = {}, 0
  for _, one in ipairs(list or {}) do
    local name = people.plain(type(one) == "string" and one or one.actor or one.by)
    local other = name and not seen[name]
    for _, not_this in ipairs(others) do other = other and not people.same(name, not_this) end
    if other then
      seen[name] = true
      count = count + 1
    end
  end
  return count
end

return people
