return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) return deny(tostring(time.fields(ctx.now).hour)..percent(0.5)..tostring(glob('a*','ab'))) end }
