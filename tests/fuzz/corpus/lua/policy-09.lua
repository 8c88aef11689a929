return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) local i=image.parse(ctx.config.image) return deny(i.repository) end }
