return policy { name = 'x', applies = { environment = { 'prod' } }, check = function(ctx) table.sort({3,1,2},function(a,b) return a<b end) return deny(table.concat({1,2,3},',')) end }
