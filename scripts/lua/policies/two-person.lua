-- Nobody brings their own change to production alone: settings.two_person = true. The author of the
-- change and whoever sends the request must not be the same person, else another one approves.
local people = require "people"

return policy {
  name = "two-person",
  summary = "A second person stands behind a change in production (settings.two_person)",
  applies = { environment = "prod", ["settings.two_person"] = true },
  check = function(ctx)
    if not people.plain(ctx.author) then
      return needs_approval("the request does not say who made the change",
                            { fix = "set author, or have it approved" })
    end
    if people.same(ctx.author, ctx.actor) then
      return needs_approval("the author of the change, " .. people.plain(ctx.author) ..
                            ", also asks for its deployment",
                            { fix = "have another person send or approve it",
                              evidence = { author = ctx.author, actor = ctx.actor } })
    end
    return allow()
  end,
}
