return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) return deny('x',{fix='y',evidence=ctx}) end }
