return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) local t=setmetatable({},{__index=function(t,k) return t[k] end}) return t.x end }
