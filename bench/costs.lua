-- Sections that count, and measure no time: instructions in user space, and bytes.
local compare <const> = require "compare"

local few <const>, head <const>, row <const> = compare.few, compare.head, compare.row

local mcast <const>, luasocket <const> = "bench/sockets/with_mcast.lua", "bench/sockets/with_luasocket.lua"

local sections = {}

-- The instructions of a call, within a function of C if one is named: the difference of two
-- counts of calls. The collector is stopped: where its steps fall is chance.
local function instructions(program, case, within)
  local total <const>, count <const> = {}, few(2000, 200)
  for i = 1, 2 do
    local pipe <const> = compare.open(([[valgrind --tool=callgrind --callgrind-out-file=/dev/null %s %s \
      -e 'collectgarbage "stop"' %s %s 64 %d 2>&1]]):format(within and "--toggle-collect=" .. within or "", compare.lua,
      program, case, i * count))
    total[i] = tonumber(pipe:read "a":match "Collected : (%d+)")
    pipe:close()
  end
  return ("%.0f"):format((total[2] - total[1]) / count)
end

function sections.instructions()
  if not compare.has "valgrind" then
    return
  end
  head("Instructions in user space, counted by callgrind, with the collector stopped.", "instructions, 64 bytes", "a call")
  row("mcast, `recvfrom`", instructions(mcast, "calls", "mcast_recvfrom"))
  row("mcast, `sendto`", instructions(mcast, "calls", "mcast_sendto"))
  row("mcast, `recvmsg` into a table", instructions(mcast, "messages", "mcast_recvmsg"))
  row("mcast, a loop of both `sendto` and `recvfrom`", instructions(mcast, "calls"))
  if package.searchpath("socket.core", package.cpath) then
    row("LuaSocket, the same loop", instructions(luasocket, "calls"))
  end
end

function sections.memory()
  local got <const> = compare.run(("%s bench/sockets/memory.lua 64 %d"):format(compare.lua, few(1000)))
  head("Memory of mcast.", "of", "bytes")
  row("garbage of a `sendto`", ("%.0f"):format(got.send))
  row("garbage of a `recvfrom` of 64 bytes", ("%.0f"):format(got.receive))
  row("an idle socket", ("%.0f"):format(got.socket))
end

return sections
