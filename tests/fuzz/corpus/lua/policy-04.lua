return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) return warn(('a'):rep(99):gsub('a*b?','%0')) end }
