return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) while true do end end }
