return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) return allow() end }
