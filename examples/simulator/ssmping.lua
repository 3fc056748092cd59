-- ssmping.lua at the places of a tree: leaves ask the root, by SSM and for any source; the root crashes.
-- usage: lua5.4 ssmping.lua [seeds] [picture.svg]
-- Each printed answer belongs to a query that its host sent, and that was not answered by that path before; the losses that it
-- counts are those of the trace; the root sends at most one unicast and one group answer for each query that reaches it.
local sim <const> = require "mcast.sim"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/ssmping.lua"
local WAIT <const>, COUNT <const> = 1, 8

local function parse(data)
  return data:sub(1, 1), string.unpack(">c4", data, 6), (string.unpack(">I4", data, 14))
end

-- Adds the invariant, which reads each event of the trace. Returns the queries, by asker and number.
local function watch(net)
  local queries, events, seen, wrong = {}, {}, 0, nil

  function events.send(event, kind, query, path, number)
    if kind == "Q" then
      query.asker, query.time = event.node, event.time
      queries[event.node .. number] = query
    else
      query.answers[path] = query.answers[path] + 1
      return query.answers[path] > query.reached and "two answers to one query by " .. path
    end
  end

  function events.deliver(event, kind, query, path)
    if kind == "Q" then
      query.reached = query.reached + 1
    elseif event.node ~= query.asker then
      net:reached "an answer to another host's query"
    elseif query.came[path] then
      net:reached "a second answer"
    elseif event.time > query.time + WAIT then
      net:reached "an answer that comes too late"
    else
      query.came[path] = event.time
    end
  end

  function events.log(event)
    local path, number, milliseconds = event.text:match "^(%l+) from %S+: number (%d+), hops 2, ([%d.]+) ms$"
    local name, answers, lost = event.text:match "^(%l+): sent %d+, answered (%d+), lost (%d+)$"
    if path then
      local query = queries[event.node .. number]
      local right = query.came[path] and not query.printed[path]
        and math.abs(event.time - query.time - milliseconds / 1000) < 1e-6
      query.printed[path] = true
      return not right and event.node .. " prints " .. event.text
    elseif name then
      local came = 0
      for i = 1, COUNT do came = came + (queries[event.node .. i].came[name] and 1 or 0) end
      if came < COUNT then net:reached "a loss" end
      return (came ~= tonumber(answers) or COUNT - came ~= tonumber(lost)) and event.node .. " counts " .. event.text
    end
  end

  -- The type of an event's message, its query, path and number; nothing where the event has no message.
  local function read(event)
    if not event.data then return end
    local kind, client, number = parse(event.data)
    local key = client .. number
    queries[key] = queries[key] or { reached = 0, answers = { unicast = 0, multicast = 0 }, came = {}, printed = {} }
    return kind, queries[key], event.to.multicast and "multicast" or "unicast", number
  end
  net:always(function()
    for i = seen + 1, #net.trace do
      local event = net.trace[i]
      seen, wrong = i, wrong or events[event.kind] and events[event.kind](event, read(event)) or nil
    end
    return not wrong, wrong
  end, "answers belong to queries")
  return queries
end

local function scenario(seed, p)
  local net = sim.new { seed = seed, delay = { 0.001, p.delay }, loss = p.loss, duplicate = p.duplicate,
    reorder = { p.reorder, 1 }, output = function() end }
  local hosts, address = net:tree(2, 2).hosts, p.inet6 and "fd00:0:0:1::1" or "172.16.0.1" -- that of the root
  local root = net:node("root", script, { "answer" }, { host = hosts[1] })
  for i = 1, p.askers do
    local any = i == 3 and (p.inet6 and "ff15::4321:1234" or "239.1.2.234") or "" -- else SSM
    net:node("asker-" .. i, script, { address, "--count", tostring(COUNT), "--interval", "0.3", "--any", any },
      { host = hosts[3 + i], start = 0.1 * i })
  end
  if p.crashes then net:chaos { kinds = { "crash" }, nodes = { root }, length = 0.5 } end
  local queries = watch(net)
  net:eventually(function()
    for i = 1, p.askers do
      local last = queries["asker-" .. i .. COUNT]
      if not (last and last.printed.unicast and last.printed.multicast) then return false end
    end
    return true
  end, "the last query is answered both ways", { after = 2, within = 3 })
  net:run(6)
end

-- Two hosts ask from the same port, so an answer to the group reaches both; the root crashes for a while.
local function draw(path)
  local net = sim.new { seed = 8, delay = { 0.01, 0.02 }, loss = 0.05, output = function() end }
  net:router("router", { net.lans.lan, net:lan "far" })
  local root = net:node("root", script, { "answer" }, { lans = { "far" } })
  for i = 1, 2 do
    net:node("asker " .. i, script, { net.hosts.root.address, "--count", "3", "--interval", "0.3" }, { start = 0.12 * i })
  end
  net:at(0.42, function() root:crash() end)
  net:at(0.55, function() root:restart() end)
  net:run(3)
  assert(net:write_svg(path, { title = "ssmping across a router: an answer to the group reaches both; the root crashes",
    width = 720, letters = 17, from = 0.1, till = 0.75, describe = function(data)
      return (data:sub(1, 1) == "Q" and "query " or "answer ") .. select(3, parse(data))
    end }))
end

if arg[2] then draw(arg[2]) end
sim.sweep { seeds = { 1, math.tointeger(tonumber(arg[1] or 1000)) }, scenario = scenario,
  reach = { "a loss", "a second answer", "an answer that comes too late", "an answer to another host's query" },
  vary = { askers = { 1, 3 }, delay = { 0.002, 0.1, log = true }, loss = { 0, 0.2 }, duplicate = { 0, 0.2 },
    reorder = { 0, 0.2 }, crashes = { false, true }, inet6 = { false, true } } }
