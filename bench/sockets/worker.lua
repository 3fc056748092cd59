-- Functions of the Lua workers. A worker is a script whose arguments are a case, a size
-- and a count; it prints a line "name value" for each figure.
local worker = {}

worker.burst = 64

-- Moves what is allocated from now on by MCAST_LAYOUT bytes. Copies are slower where the
-- places of both in their pages are close, so a worker calls this between its buffers and
-- its data.
function worker.shift()
  local bytes <const> = tonumber(os.getenv "MCAST_LAYOUT" or 0)
  worker.space = { ("x"):rep(65536), ("x"):rep(bytes), ("x"):rep(65536) }
end

-- The seconds between two successive readings of a clock.
function worker.clockcost(now)
  local total = 0
  for _ = 1, 100000 do
    local start = now()
    total = total + (now() - start)
  end
  return total / 100000
end

local BATCH <const> = 512 -- datagrams: some steps of the collector, and less than a slice of the processor

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

-- Returns a function of the times before a round of n sends, between them and n receives, and
-- after these, and one that prints the nanoseconds of a datagram: medians of batches, less
-- the clock's own time.
function worker.timer(now, n)
  local cost <const>, sends <const>, receives <const> = worker.clockcost(now) / n, {}, {}
  local sending, receiving, count = 0, 0, 0
  local function batch()
    sends[#sends + 1], receives[#receives + 1] = sending / count - cost, receiving / count - cost
    sending, receiving, count = 0, 0, 0
  end
  return function(start, middle, finish)
    sending, receiving, count = sending + (middle - start), receiving + (finish - middle), count + n
    if count >= BATCH then
      batch()
    end
  end, function()
    if #sends == 0 then
      batch()
    end
    print(("send %.1f\nreceive %.1f"):format(median(sends) * 1e9, median(receives) * 1e9))
  end
end

-- Announces that the worker has joined.
function worker.ready()
  io.stdout:write "ready\n"
  io.stdout:flush()
end

-- Counts datagrams until a quarter of a second without one; with `many`, a receive returns
-- a list of them.
function worker.hear(now, receive, many)
  worker.ready()
  local data, n, due = receive(10), 0, 0
  local start, last = now(), now()
  while data do
    n = n + (many and #data or 1)
    if n >= due then
      last, due = now(), n + 64
    end
    data = receive(0.25)
  end
  print(("received %d\nseconds %.6f"):format(n, last - start))
end

function worker.quantiles(t)
  table.sort(t)
  print(("p50 %.0f\np99 %.0f\nmin %.0f"):format(t[#t // 2 + 1] * 1e9, t[#t * 99 // 100 + 1] * 1e9, t[1] * 1e9))
end

-- Runs the case that the command line names.
function worker.run(cases)
  assert(cases[arg[1]], "no such case")(tonumber(arg[2]), tonumber(arg[3]), arg[4])
end

return worker
