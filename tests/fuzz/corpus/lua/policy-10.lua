return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) pcall(error,{}) return xpcall(error,function(e) return e end,1) end }
