-- @NAME@: a plugin in one file. It is read again when it changes.
return plugin {
  name = "@NAME@",
  version = "0.1.0",
  summary = "Greets people",
  operations = {
    ["@NAME@.greet"] = {
      route = "POST /@NAME@/greet",
      summary = "Greet somebody",
      needs = "any",
      effect = "reads",
      input = { { name = "name", type = "string", required = true, help = "who is greeted" } },
      output = { { name = "message", type = "string", help = "the greeting" } },
      run = function(call, input)
        return { message = "Hello, " .. input.name .. "!" }
      end,
    },
  },
}
