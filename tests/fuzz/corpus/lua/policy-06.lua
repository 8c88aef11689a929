return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) return needs_approval(string.format('%5s %d %%',ctx.environment,3)) end }
