-- Times of the week and stretches of time, from ctx.now alone.
local names = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" }
local place = { Mon = 1, Tue = 2, Wed = 3, Thu = 4, Fri = 5, Sat = 6, Sun = 7 }

local hours = {}

local function has(list, wanted)
  for _, one in ipairs(list or {}) do
    if one == wanted then return true end
  end
  return false
end

-- Minutes since midnight of "09:30"; nil when it is none.
local function minutes(text)
  local hour, minute = tostring(text):match("^(%d%d?):(%d%d)$")
  if not hour then return nil end
  hour, minute = tonumber(hour), tonumber(minute)
  if hour > 24 or minute > 59 or hour * 60 + minute > 1440 then return nil end
  return hour * 60 + minute
end

-- Whether `now` lies in the week's hours { days, from, to, offset_minutes }. Hours over midnight
-- ("22:00" to "06:00") belong to the day that they begin on. nil and why, when they make no sense.
function hours.within(week, now)
  local from, to = minutes(week.from or "00:00"), minutes(week.to or "24:00")
  if not from or not to then return nil, "hours are written as 09:00" end
  local at = time.fields(now, week.offset_minutes or 0)
  local minute, today = at.hour * 60 + at.minute, place[at.weekday]
  local day = names[today]
  local days = week.days or { "monday", "tuesday", "wednesday", "thursday", "friday" }
  for _, one in ipairs(days) do
    if not has(names, one) then return nil, "'" .. tostring(one) .. "' is no day of the week" end
  end
  if from < to then return has(days, day) and minute >= from and minute < to end
  local before = names[(today + 5) % 7 + 1]
  return (has(days, day) and minute >= from) or (has(days, before) and minute < to)
end

-- The first of `freezes` that holds now for this application and environment: { name, from, to,
-- environments, apps, days, hours }. nil: none; false and why: one that makes no sense.
function hours.freeze(freezes, ctx)
  for _, freeze in ipairs(freezes or {}) do
    local name = freeze.name or "freeze"
    local from = freeze.from and time.parse(freeze.from)
    local to = freeze.to and time.parse(freeze.to)
    if (freeze.from and not from) or (freeze.to and not to) then
      return false, "the freeze '" .. name .. "' has a time that is not as 2026-12-24T00:00:00Z"
    end
    local here = (not freeze.environments or has(freeze.environments, ctx.environment))
    if here and freeze.apps then
      here = false
      for _, pattern in ipairs(freeze.apps) do here = here or glob(pattern, ctx.app_name or "") end
    end
    local holds = here and (not from or ctx.now >= from) and (not to or ctx.now < to)
    if holds and freeze.weekly then
      local within, why = hours.within(freeze.weekly, ctx.now)
      if within == nil then return false, "the freeze '" .. name .. "': " .. why end
      holds = within
    end
    if holds then return freeze end
  end
  return nil
end

return hours
