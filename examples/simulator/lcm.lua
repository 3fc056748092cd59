-- LCM with loss, duplicates, reordering and crashes: messages are delivered whole and once, and to all where nothing is lost.
-- usage: lua5.4 lcm.lua [seeds] [picture.svg], from examples/simulator
local sim <const> = require "mcast.sim"

-- Publishes messages of one to eight fragments, each a text of its own. The system chooses the port (0), or it stays.
local function publisher(script, host, sent, p)
  local mcast <const>, words <const>, run <const> = require "mcast", { "publish", "--datagram", "80", "--rate", "20000" }, {}
  local socket <const> = mcast.socket
  function mcast.socket(options) options.port = p.port return socket(options) end
  sent.runs = sent.runs + 1
  for k = 1, 6 do
    local channel <const>, name <const> = math.random() < 0.5 and "POSE" or "SCAN", "message-" .. k
    local data <const> = ("%03d.%d, "):format(sent.runs, k):rep(math.random(60))
    assert(assert(io.open(name, "w")):write(data)):close()
    run[k] = { host = host, began = mcast.now() }
    sent[channel .. data], words[#words + 1], words[#words + 2] = run[k], channel, name
  end
  assert(loadfile(script, "t", setmetatable({ arg = words }, { __index = _G })))()
  table.move(run, 1, #run, #sent + 1, sent)
end

local function scenario(seed, p)
  local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/lcm.lua"
  local sent <const>, got <const>, wrong = { runs = 0 }, {}, nil
  local net <const> = sim.new { seed = seed, loss = p.loss, duplicate = p.duplicate, reorder = { p.reorder, 0.05 },
    delay = { 0.001, 0.01 }, output = function(node, line)
      local list <const>, channel <const>, host <const> = got[node.name], line:match "^(%S+) %d+ (.*):%d+$"
      if line:find "^subscribed" then
        got[node.name] = { since = node.net:now() }
      elseif channel then
        local message <const> = sent[channel .. node.on:file("got-" .. #list + 1)] or {}
        wrong = wrong or message.host ~= host and "a mixture" or list[message] and "a second time"
        list[#list + 1], list[message] = message, true
      end
    end }
  for i = 1, p.publishers do net:node("publisher-" .. i, publisher, { script, "10.0.0." .. i, sent, p }, { start = 0.01 }) end
  for i = 1, p.subscribers do net:node("subscriber-" .. i, script, { "subscribe", ".*", "got-" }) end
  net:churn { session = { exponential = 0.08 }, away = { 0.001, 0.02 }, from = 0.01, till = 0.3 }
  net:sometimes "a further copy"
  net:sometimes(function() return sent.runs > p.publishers end, "a publisher that is restarted")
  net:always(function() return not wrong, wrong end, "each delivery is one message of its sender, once")
  net:eventually(function()
    for name, list in pairs(got) do
      for _, message in ipairs(p.loss == 0 and sent or {}) do
        if message.began > list.since and not list[message] then return false, name end
      end
    end
    return true
  end, "all messages arrive, where none is lost", { after = 0.4, within = 0.5 })
  net:run(1)
  return net
end

sim.sweep { seeds = { 1, math.tointeger(arg[1] or 1000) }, shrink = true, scenario = scenario, vary = { loss = { 0, 0.3 },
  duplicate = { 0, 0.3 }, reorder = { 0, 0.3 }, publishers = { 1, 3 }, subscribers = { 1, 3 }, port = { 0, 5000 } } }
if arg[2] then
  local function describe(data) return data:match("^%u+", 9) or ("%d/%d"):format(data:byte(18) + 1, data:byte(20)) end
  local net <const> = scenario(2128, { loss = 0.1, duplicate = 0.1, reorder = 0, publishers = 1, subscribers = 2, port = 5000 })
  assert(net:write_svg(arg[2], { describe = describe, width = 720, letters = 17, from = 0.008, till = 0.054 }))
end
