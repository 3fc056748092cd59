-- Ctrl-C: `lua` raises "interrupted!" in the script. A subcommand that listens until then prints its summary after it.
local interrupt = {}

-- Calls a function until it returns or Ctrl-C ends it. Returns true where it was Ctrl-C, else false and its results; other
-- errors are raised as they are. A second Ctrl-C ends the process.
function interrupt.run(f, ...)
  local results <const> = table.pack(xpcall(f, function(e)
    return type(e) == "string" and e:find "interrupted!$" and interrupt or e
  end, ...))
  if results[1] then
    return false, table.unpack(results, 2, results.n)
  elseif results[2] == interrupt then
    return true
  end
  error(results[2], 0)
end

return interrupt
