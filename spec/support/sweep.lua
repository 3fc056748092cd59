local sim <const> = require "mcast.sim"

-- A sweep in this process, whose report is not printed; returns the list and the report.
return function(options)
  local print <const>, lines = print, {}
  _G.print = function(line) lines[#lines + 1] = line end
  local ok, failed = pcall(sim.sweep, options)
  _G.print = print
  return ok and failed or error(failed, 0), table.concat(lines, "\n")
end
