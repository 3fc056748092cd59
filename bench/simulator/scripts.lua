-- Runs pieces of Lua in a node, then outside; prints for each kind a line "kind ratio": the
-- time in the node beside the time outside.
-- usage: lua5.4 scripts.lua pieces
local sim <const> = require "mcast.sim"

local pieces <const> = tonumber(arg[1])

local kinds <const> = {
  arithmetic = [[
    local t, sum = {}, 0
    for i = 1, 200000 do t[i % 100 + 1] = i * 3 % 7 end
    for i = 1, 100 do sum = sum + t[i] end
  ]],
  format = [[
    local n = 0
    for i = 1, 10000 do n = n + #string.format("%d:%s", i, "x") end
  ]],
  match = [[
    local n, s = 0, "123:456"
    for i = 1, 10000 do n = n + #s:match "(%d+):" end
  ]],
  pack = [[
    local n = 0
    for i = 1, 10000 do n = n + string.unpack(">I4", string.pack(">I4", i)) end
  ]],
  pairs = [[
    local n = 0
    for i = 1, 10000 do
      local t = { i, i + 1, x = i }
      for _, v in pairs(t) do n = n + v end
    end
  ]],
  tostring = [[
    local n = 0
    for i = 1, 10000 do n = n + #tostring(i) end
  ]],
  sort = [[
    local t = {}
    for i = 1, 2000 do t[i] = i * 7919 % 2003 end
    table.sort(t)
  ]],
  concat = [[
    for i = 1, 100 do
      local t = {}
      for k = 1, 100 do t[#t + 1] = "ab" .. k end
      local s = table.concat(t, ",")
    end
  ]],
}

-- The seconds of processor time that work takes. (While a net runs, Linux counts them by
-- ticks: work is long.)
local function time(work)
  local start <const> = os.clock()
  work()
  return os.clock() - start
end

-- A node runs one piece in each virtual second.
local function compare(text)
  local net <const> = sim.new { output = function() end }
  local done = 0
  net:node("one", function()
    local work, sleep = load(text), require "mcast".sleep
    while true do
      work()
      done = done + 1
      sleep(1)
    end
  end)
  local inside <const> = time(function() net:run(pieces - 0.5) end)
  assert(done == pieces)
  local plain <const> = load(text)
  return inside / time(function()
    for _ = 1, pieces do
      plain()
    end
  end)
end

for kind, text in pairs(kinds) do
  print(("%s %.3f"):format(kind, compare(text)))
end
