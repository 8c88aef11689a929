return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) return string.rep('x',1e9) end }
