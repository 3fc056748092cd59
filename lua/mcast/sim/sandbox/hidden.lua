-- By metatable of a node's table that lacks values: the function that adds them. Nodes do not see these metatables.
return {}
