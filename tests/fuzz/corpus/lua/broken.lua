return policy { check = 
