-- What the Lua workers share: a worker is a script that a case, a size and a count
-- are given to, and that prints a line "name value" for each figure.
local common = {}

common.burst = 64

-- What two readings of a clock, one after the other, are apart; in seconds.
function common.clockcost(now)
  local total = 0
  for _ = 1, 100000 do
    local start = now()
    total = total + (now() - start)
  end
  return total / 100000
end

-- Sends n, then receives n, and so on; nanoseconds for each datagram.
function common.rounds(now, n, count, send, receive)
  local cost = common.clockcost(now)
  local sending, receiving = 0, 0
  for _ = 1, count, n do
    local start = now()
    send(n)
    local middle = now()
    receive(n)
    receiving = receiving + (now() - middle)
    sending = sending + (middle - start)
  end
  print(("send %.1f\nreceive %.1f"):format((sending / count - cost / n) * 1e9, (receiving / count - cost / n) * 1e9))
end

function common.quantiles(t)
  table.sort(t)
  print(("p50 %.0f\np99 %.0f\nmin %.0f"):format(t[#t // 2 + 1] * 1e9, t[#t * 99 // 100 + 1] * 1e9, t[1] * 1e9))
end

-- Runs the case that the command line names.
function common.run(cases)
  assert(cases[arg[1]], "no such case")(tonumber(arg[2]), tonumber(arg[3]), arg[4])
end

return common
