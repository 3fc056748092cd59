-- Protocols with a planted bug each: a script, in which a comment after a line has the line to put in its place, and a
-- scenario that a run of the correct script never fails.
local sim <const> = require "mcast.sim"

local planted = {}

local folder <const> = debug.getinfo(1, "S").source:match "^@(.*/)" or "./"

local function new(seed, options)
  options.seed, options.output = seed, options.output or function() end
  return sim.new(options)
end

-- The names of the nodes whose last note of a key has a value.
local function noted(net, key, value)
  local names = {}
  for _, node in ipairs(net.nodes) do
    names[#names + 1] = node.notes[key] == value and node.name or nil
  end
  return names
end

local function atmostone(net, key, value, name)
  net:always(function()
    local names <const> = noted(net, key, value)
    return #names <= 1, table.concat(names, " and ")
  end, name)
end

--
-- Scenarios: each is called with a script, and returns the scenario of a sweep.
--

planted.list = {}

local function plant(name, bug, scenario)
  planted.list[#planted.list + 1] = { name = name, bug = bug, scenario = scenario }
end

plant("vote", "a forgotten vote", function(script)
  return function(seed)
    local net <const> = new(seed, { delay = { 0.001, 0.01 }, loss = 0.1 })
    for i = 1, 5 do net:node("node-" .. i, script, { i, 5 }) end
    net:chaos { kinds = { "crash", "partition" }, every = 0.2, length = 0.4 }
    local leaders <const> = {}
    net:always(function()
      for _, node in ipairs(net.nodes) do
        local term <const> = node.notes.leads
        if term then
          leaders[term] = leaders[term] or node.name
          if leaders[term] ~= node.name then
            return false, ("%s and %s lead in term %s"):format(leaders[term], node.name, term)
          end
        end
      end
      return true
    end, "one leader a term")
    net:run(2)
  end
end)

plant("suppress", "a lost wake-up of NACK suppression", function(script)
  return function(seed)
    local net <const> = new(seed, { delay = { 0.001, 0.01 }, loss = 0.005 })
    net:node("source", script, { "source", 20 })
    for i = 1, 3 do net:node("receiver-" .. i, script, { "receiver", 20 }) end
    net:eventually(function() return #noted(net, "received", "20") == 3 end, "all data arrive", { after = 2, within = 1 })
    net:run(3)
  end
end)

plant("window", "an off-by-one in a window", function(script)
  return function(seed)
    local delivered, why = {}, nil
    local net <const> = new(seed, { delay = { 0.001, 0.004 }, loss = 0.06, output = function(node, line)
      local n <const> = (delivered[node] or 0) + 1
      delivered[node] = n
      why = tonumber(line) ~= n and ("%s delivers %s in place of %d"):format(node.name, line, n) or why
    end })
    net:node("sender", script, { "sender", 3 })
    for i = 1, 3 do net:node("receiver-" .. i, script, { "receiver", i }) end
    net:always(function() return not why, why end, "data in order")
    net:run(2)
  end
end)

plant("lease", "a stale lease under drift", function(script)
  return function(seed)
    local net <const> = new(seed, { delay = { 0.001, 0.008 }, loss = 0.05 })
    net:node("server", script, { "server" })
    for i = 1, 3 do net:node("client-" .. i, script, { "client", i }) end
    net:chaos { kinds = { "clock" }, every = 1, length = 2 }
    atmostone(net, "lease", "held", "one client has the lease")
    net:run(5)
  end
end)

plant("once", "a duplicate delivery after a restart", function(script)
  return function(seed)
    local net <const> = new(seed, { delay = { 0.001, 0.004 }, loss = 0.05 })
    net:node("sender", script, { "sender" })
    net:node("receiver", script, { "receiver" })
    net:chaos { kinds = { "crash" }, nodes = { "receiver" }, every = 1, length = 0.3 }
    net:always(function() return net:history():linearizable "queue" end, "messages are delivered once, in order")
    net:run(2)
  end
end)

plant("split", "a split brain after a one-way partition", function(script)
  return function(seed)
    local net <const> = new(seed, { delay = { 0.001, 0.01 }, loss = 0.05 })
    for i = 1, 5 do net:node("node-" .. i, script, { i, 5 }) end
    net:chaos { kinds = { "partition" }, every = 2, length = 1 }
    atmostone(net, "role", "primary", "at most one primary")
    net:run(2)
  end
end)

plant("order", "a reordering of two groups", function(script)
  return function(seed)
    local delivered, why = {}, nil
    local net <const> = new(seed, { delay = { 0.001, 0.004 }, output = function(node, line)
      local group <const>, n <const>, one <const>, two <const> = line:match "^(%d)%s(%d+)%s(%d+)%s(%d+)$"
      local counts <const> = delivered[node] or { ["1"] = 0, ["2"] = 0 }
      delivered[node], counts[group] = counts, tonumber(n)
      if counts["1"] < tonumber(one) or counts["2"] < tonumber(two) then
        why = ("%s delivers %s"):format(node.name, line)
      end
    end })
    for i = 1, 4 do net:node("node-" .. i, script, { i, i <= 2 and i or nil }) end
    net:always(function() return not why, why end, "causes come first")
    net:run(1)
  end
end)

plant("fair", "a starvation", function(script)
  return function(seed)
    local net <const> = new(seed, { delay = { 0.001, 0.005 }, loss = 0.05 })
    net:node("server", script, { "server" })
    for i = 1, 4 do net:node("client-" .. i, script, { "client", i }) end
    local lock, passed = {}, {} -- passed: by client that waits, the others that have entered since
    net:always(function()
      for _, node in ipairs(net.nodes) do
        local now <const> = node.notes.lock
        if now ~= lock[node] then
          lock[node], passed[node] = now, now == "waits" and {} or nil
          for waiting, others in pairs(now == "enters" and passed or {}) do
            if others[node] then
              return false, ("%s passes %s again"):format(node.name, waiting.name)
            end
            others[node] = true
          end
        end
      end
      return true
    end, "nobody is passed twice")
    net:run(1)
  end
end)

plant("epoch", "a number that wraps", function(script)
  return function(seed)
    local net <const>, epochs = new(seed, { delay = { 0.001, 0.01 }, loss = 0.02 }), {}
    for i = 1, 4 do net:node("node-" .. i, script, { i }) end
    net:chaos { kinds = { "crash" }, every = 0.4, length = 0.4 }
    net:always(function()
      for _, node in ipairs(net.nodes) do
        local epoch <const> = tonumber(node.notes.epoch) -- nil in a new life
        if epoch and epoch < (epochs[node] or 0) then
          return false, ("%s goes from epoch %d to %d"):format(node.name, epochs[node], epoch)
        end
        epochs[node] = epoch
      end
      return true
    end, "epochs grow")
    net:run(4)
  end
end)

--
-- Scripts
--

-- The text of a script by its name; with its planted line, where that is asked for.
function planted.text(name, wrong)
  local file <close> = assert(io.open(folder .. name .. ".lua"))
  local text <const>, n = file:read "a":gsub("(\n *)[^\n]* %-%- planted: ([^\n]*)", wrong and "%1%2" or "%0")
  assert(n == 1, name .. ": one planted line expected")
  return text
end

-- The scenario of a protocol, with its script as it is, or with the planted line.
function planted.scenario(protocol, wrong)
  local name <const> = protocol.name
  return protocol.scenario(wrong and assert(load(planted.text(name, true), "=" .. name)) or folder .. name .. ".lua")
end

-- A sweep whose report is not printed; returns the failures.
function planted.sweep(options)
  local print <const> = print
  local _ <close> = setmetatable({}, { __close = function() _G.print = print end })
  _G.print = function() end
  return sim.sweep(options)
end

return planted
