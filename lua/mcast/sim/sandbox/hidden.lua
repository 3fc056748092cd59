-- By metatable of a library's table in a node: the shared functions. Nodes do not see these metatables.
return {}
