-- No step is taken while a freeze holds (settings.freezes, as in policies/freeze.lua). A rollback is.
local hours = require "hours"

return gate {
  name = "freeze",
  summary = "No promotion while a freeze holds (settings.freezes)",
  check = function(ctx)
    if ctx.rollback then return allow("a rollback never waits") end
    local freeze, why = hours.freeze(ctx.settings and ctx.settings.freezes, ctx)
    if freeze == false then return deny(why, { fix = "mend settings.freezes" }) end
    if not freeze then return allow() end
    return wait("a freeze holds (" .. (freeze.name or "freeze") .. ")", {
      fix = freeze.to and ("it ends at " .. freeze.to) or "wait for its end",
      evidence = { freeze = freeze.name, to = freeze.to },
    })
  end,
}
