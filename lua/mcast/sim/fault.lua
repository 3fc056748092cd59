-- Faults of copies on their way: of the net, of a LAN, or of a pair of hosts.
local check <const> = require "mcast.check"
local distribution <const> = require "mcast.sim.distribution"

local fault = {}

local HOLDBACK <const> = 0.01 -- seconds by which a reordered copy is late at most

local DELAY <const> = 0.0001 -- seconds, where no delay is set

local SHORTEST <const> = 0.001 -- probability by which a burst ends at least: the core looks back to its beginning

local isseconds <const>, isprobability <const> = check.seconds.accepts, check.probability.accepts

-- The probabilities of loss in the good and the bad state, and those to begin and to end the bad one, of 0.1 or a table;
-- nil for anything else.
local function readloss(form)
  if isprobability(form) then
    return form, 0, 0, 1
  elseif type(form) ~= "table" then
    return nil
  end
  for key in next, form do
    if key ~= "good" and key ~= "bad" and key ~= "to_bad" and key ~= "to_good" then
      return nil
    end
  end
  local good <const>, bad <const>, to_bad <const>, to_good <const> = form.good or 0, form.bad or 1, form.to_bad, form.to_good
  if isprobability(good) and isprobability(bad) and isprobability(to_bad) and isprobability(to_good)
    and to_good >= SHORTEST then
    return good, bad, to_bad, to_good
  end
end

-- A probability and the seconds of holding back, of 0.1 or {0.1, 0.01}; nil for anything else.
local function readreorder(form)
  if type(form) == "number" then
    form = { form, HOLDBACK }
  end
  if type(form) == "table" and isprobability(form[1]) and isseconds(form[2]) then
    return form[1], form[2]
  end
end

fault.kinds = {
  loss = check.kind("probability of 0 to 1 or {to_bad =, to_good = (0.001 or more), good =, bad =}", readloss),
  duplicate = check.probability,
  reorder = check.kind("probability of 0 to 1, or {probability, seconds},", readreorder),
  delay = distribution.kind,
}

local NET <const> = "net"

-- Remembers which faults a net or a LAN was given, and with which delays it first runs.
local function remember(net, where, options)
  local given <const>, base <const> = net.given[where] or {}, net.base[where] or {}
  net.given[where], net.base[where] = given, base
  for name in pairs(fault.net_kinds) do
    local value <const> = options[name]
    if value ~= nil and not net.seeded and (name == "delay" or name == "latency") then
      base[name] = value
    elseif value ~= nil then
      given[name] = true
    end
  end
end

-- Sets those faults that the checked options name; where is nil (the net), a LAN's number, or two hosts' numbers.
function fault.set(net, where, options)
  if type(where) ~= "table" then
    remember(net, where or NET, options)
  end
  local reorder, holdback = readreorder(options.reorder)
  local loss, bad, to_bad, to_good = readloss(options.loss)
  net.core:faults(where, { loss = loss, bad = bad, to_bad = to_bad, to_good = to_good, duplicate = options.duplicate,
    reorder = reorder, holdback = holdback, delay = distribution.read(options.delay) })
end

fault.net_kinds = { latency = check.kind("matrix or function", function(form)
  return type(form) == "table" or type(form) == "function"
end) }
for name, kind in pairs(fault.kinds) do
  fault.net_kinds[name] = kind
end

-- Sets those of the net.
function fault.set_net(net, options)
  fault.set(net, nil, options)
  if options.latency then
    check.call(net.core.latency, net.core, options.latency)
  end
end

-- Does the net have latencies between hosts?
function fault.haslatencies(net)
  return (net.base[NET] and net.base[NET].latency or net.given[NET] and net.given[NET].latency) ~= nil
end

-- Ends those of the net and of its LANs: delays are those with which the net first ran.
function fault.calm(net)
  local delay <const> = net.base[NET].delay or DELAY
  for where, given in pairs(net.given) do
    local options, base <const> = {}, net.base[where]
    for name in pairs(given) do
      options[name] = name ~= "latency" and 0 or nil
    end
    options.delay = given.delay and (base.delay or delay)
    fault.set(net, where ~= NET and where or nil, options)
    if given.latency then
      net.core:latency(base.latency or function() end)
    end
  end
end

return fault
