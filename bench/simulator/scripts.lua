-- Runs pieces of Lua in a node and outside, one after the other; prints for each kind a line
-- "kind ratio": the time in the node beside the time outside, medians.
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

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

-- The seconds of a piece, in the world of its caller.
local clock <const> = os.clock
local function time(work)
  local start <const> = clock()
  work()
  return clock() - start
end

local function compare(text)
  local inside <const>, outside <const> = {}, {}
  local net <const> = sim.new { output = function() end }
  net:node("one", function()
    local work, sleep = load(text), require "mcast".sleep
    for i = 1, pieces do
      inside[i] = time(work)
      sleep(1)
    end
  end)
  local plain <const> = load(text)
  for i = 1, pieces do
    net:run(i - 0.5)
    outside[i] = time(plain)
  end
  assert(#inside == pieces)
  return median(inside) / median(outside)
end

for kind, text in pairs(kinds) do
  print(("%s %.3f"):format(kind, compare(text)))
end
