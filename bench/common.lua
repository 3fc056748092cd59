-- Functions of the Lua workers. A worker is a script whose arguments are a case, a size
-- and a count; it prints a line "name value" for each figure.
local common = {}

common.burst = 64

-- The seconds between two successive readings of a clock.
function common.clockcost(now)
  local total = 0
  for _ = 1, 100000 do
    local start = now()
    total = total + (now() - start)
  end
  return total / 100000
end

-- Prints nanoseconds for each of n datagrams in a row, less the clock's own time.
function common.report(now, n, count, sending, receiving)
  local cost = common.clockcost(now) / n
  print(("send %.1f\nreceive %.1f"):format((sending / count - cost) * 1e9, (receiving / count - cost) * 1e9))
end

-- Announces that the worker has joined.
function common.ready()
  io.stdout:write "ready\n"
  io.stdout:flush()
end

-- Counts datagrams until half a second without one.
function common.hear(now, receive)
  common.ready()
  local data, n = receive(10), 0
  local start, last = now(), now()
  while data do
    n = n + 1
    if n % 64 == 0 then
      last = now()
    end
    data = receive(0.5)
  end
  print(("received %d\nseconds %.6f"):format(n, last - start))
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
