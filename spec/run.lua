-- Runs the specs under this interpreter, whatever the first line of busted says.
assert(_VERSION == "Lua 5.4", "the specs run under Lua 5.4, this is " .. _VERSION)
require "busted.runner" { standalone = false }
