-- Runs the specs under this interpreter, whatever the first line of busted says.
assert(_VERSION == "Lua 5.4" or _VERSION == "Lua 5.5", "the specs run under Lua 5.4 and 5.5, this is " .. _VERSION)
require "spec.support.borrow"
require "busted.runner" { standalone = false }
