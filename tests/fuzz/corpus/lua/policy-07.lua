return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) for k,v in pairs(ctx) do if type(v)=='table' then for a,b in pairs(v) do end end end return allow() end }
