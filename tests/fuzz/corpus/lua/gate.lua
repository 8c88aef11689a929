return gate { check = function(ctx) return wait('x') end }
