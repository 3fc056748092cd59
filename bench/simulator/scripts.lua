-- Runs pieces of Lua in a node and outside, one after the other; prints for each kind a line
-- "kind ratio": the time in the node beside the time outside, medians.
-- usage: lua5.4 scripts.lua pieces
local mcast <const> = require "mcast"
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

local function time(work)
  local start <const> = mcast.now()
  work()
  return mcast.now() - start
end

-- A node runs one piece in each virtual second.
local function compare(text)
  local net <const> = sim.new { output = function() end }
  local done = 0
  net:node("one", function()
    local work, sleep = load(text), require "mcast".sleep
    while true do
      sleep(1)
      work()
      done = done + 1
    end
  end)
  net:run(0.5)
  local plain <const>, inside <const>, outside <const> = load(text), {}, {}
  for i = 1, pieces do
    inside[i] = time(function() net:run(i + 0.5) end)
    outside[i] = time(plain)
  end
  assert(done == pieces)
  return median(inside) / median(outside)
end

for kind, text in pairs(kinds) do
  print(("%s %.3f"):format(kind, compare(text)))
end
