-- Calls that are made only as long as faults have not ended (calm.lua).
local temporary = {}

-- Calls a function at a time, but not once all faults have ended.
function temporary.at(net, time, f)
  local calms <const> = net.calms
  net.core:call(time, function()
    if net.calms == calms then
      f()
    end
  end)
end

function temporary.after(net, seconds, f)
  temporary.at(net, net:now() + seconds, f)
end

return temporary
