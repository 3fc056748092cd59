std = "lua54"
max_line_length = 128
files["spec"] = { std = "lua54+busted" }
exclude_files = { "build" }
files["types"] = { ignore = { "211", "212", "241" } } -- declarations have no bodies
files["lua/mcast/timeline"] = { max_string_line_length = false } -- the style of pictures
files["spec/sim_library_spec.lua"] = { max_string_line_length = false } -- a chunk a line
files["spec/sim_script_spec.lua"] = { ignore = { "142", "143" } }
files["spec/sim_spec.lua"] = { ignore = { "111", "112", "113", "142", "143" } } -- nodes set their own globals
