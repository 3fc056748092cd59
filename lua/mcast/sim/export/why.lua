-- Why a node did not receive a datagram, in a sentence: from the trace alone.
local check <const> = require "mcast.check"

local why = {}

local reasons <const> = {
  loss = "it was lost by chance",
  partition = "a partition was between",
  rule = "a rule of the scenario dropped it",
  buffer = "the receive buffer of its socket was full",
  filter = "its socket had not joined the group with this source on this interface",
  ttl = "its TTL had run out",
  queue = "the queue for the bandwidth was full",
  down = "an interface was down",
  mtu = "it was larger than the MTU, and could not be cut",
  scope = "its scope ends there",
  boundary = "a router's boundary kept the group back",
  ["no route"] = "there was no route to its destination",
  ["no socket"] = "no socket was bound to its port",
}

-- Kinds of events that do not change whether a node runs.
local outer <const> = { log = true, note = true, clock = true, interface = true, hold = true, release = true }
local endings <const> = { ["end"] = "ended", fail = "failed", crash = "crashed" }

-- Does the event end the run of a node that waits for the datagram, or its membership?
local function isending(e, send)
  return endings[e.kind] or e.kind == "leave" and e.group == send.to.host and e.port == send.to.port and
    not (e.mode == "exclude" or e.sources[1])
end

-- Everything that the trace has about one datagram and one node.
local function collect(trace, packet, node, host)
  local found = { on_way = {}, joins = {} }
  for i = 1, #trace do
    local e = trace[i]
    local at_target = e.node == node or e.host == found.host and e.node == host
    if e.packet == packet and e.kind == "send" then
      found.send = e
    elseif e.packet == packet and at_target and (e.kind == "deliver" or e.kind == "drop") then
      found[e.kind] = found[e.kind] or e
    elseif e.packet == packet and e.kind == "drop" then
      table.insert(found.on_way, e)
    elseif e.datagram == packet and at_target then
      found.held = e.kind == "hold" and e or nil
    elseif e.datagram == packet then
      found.on_way[e.host] = e.kind == "hold" and e or nil
    elseif e.node == node and found.send and isending(e, found.send) then -- a crash follows its leaves
      found.ending = (not found.ending or found.ending.time == e.time) and e or found.ending
    elseif e.node == node and (e.kind == "join" or e.kind == "leave") then
      table.insert(found.joins, e)
    elseif e.node == node and not e.packet and not found.send then
      found.state = not outer[e.kind] and e.kind or found.state
    end
  end
  return found
end

local function drop_text(e)
  local routed <const> = not e.socket and e.reason == "filter" and "no member behind the router accepts its source"
  return ("%s at %.6f s (%s)"):format(routed or reasons[e.reason] or "it was dropped", e.time, e.reason)
end

-- The memberships in the group that the node has at the time of the send, and the first later join.
local function memberships(found)
  local sockets, list, later = {}, {}, nil
  for _, e in ipairs(found.joins) do
    local key = e.group == found.send.to.host and ("%d %s"):format(e.socket, e.interface)
    if key and e.time <= found.send.time then
      sockets[key] = (e.mode == "exclude" or e.sources[1]) and e or nil
    elseif key and e.kind == "join" then
      later = later or e
    end
  end
  for _, e in pairs(sockets) do
    list[#list + 1] = e
  end
  table.sort(list, function(a, b) return a.port < b.port or a.port == b.port and a.interface < b.interface end)
  return list, later
end

local function pick(list, key, value)
  for _, e in ipairs(list) do
    if e[key] == value then
      return e
    end
  end
end

local function held_text(e)
  return ("it is held since %.6f s"):format(e.time)
end

-- Drops, and copies that are held, by other hosts.
local function way_text(found)
  local list, names = {}, {}
  for key, e in pairs(found.on_way) do
    names[#names + 1] = key == e.host and key or nil
  end
  table.sort(names)
  for _, e in ipairs(found.on_way) do
    list[#list + 1] = ("at %s, %s"):format(e.host, drop_text(e))
  end
  for _, name in ipairs(names) do
    list[#list + 1] = ("at %s, %s"):format(name, held_text(found.on_way[name]))
  end
  return #list > 0 and "on its way " .. table.concat(list, "; ")
end

local function ending_text(found, node)
  local e <const> = found.ending
  return e and ("%s %s at %.6f s, before a copy arrived"):format(node, endings[e.kind] or "left the group", e.time)
end

local function group_text(found, node)
  local send <const> = found.send
  local list, later = memberships(found)
  if #list == 0 then
    return ("%s was not a member of %s then%s"):format(node, send.to.host,
      later and (" (it joined at %.6f s)"):format(later.time) or "")
  elseif not pick(list, "port", send.to.port) then
    return ("%s was a member by port %d, not %d"):format(node, list[1].port, send.to.port)
  elseif node == send.node then
    return ("%s sent it itself, without loopback"):format(node)
  elseif send.ttl == 0 then
    return "TTL 0 stays within its host"
  end
  local where <const> = pick(list, "port", send.to.port)
  if where.lan ~= send.lan then
    return way_text(found) or ("%s was a member on %s, and no router forwards there from %s"):format(node,
      where.lan or where.interface, send.lan or send.interface)
  end
end

local function unicast_text(found, node, isown)
  if not isown(found.send.to.host) then
    return ("it was sent to %s, no address of %s"):format(found.send.to.host, node)
  end
end

local function reason(found, node, isown)
  local send <const> = found.send
  if found.drop then
    return drop_text(found.drop)
  elseif found.held then
    return held_text(found.held)
  elseif not found.state then
    return node .. " had not started then"
  elseif endings[found.state] then
    return node .. " had " .. endings[found.state] .. " then"
  end
  return (send.to.multicast and group_text or unicast_text)(found, node, isown) or way_text(found)
    or ending_text(found, node) or "no copy has arrived by the end of the run"
end

-- The sentence for an event of the datagram, or its number, and a node.
function why.of(trace, event, node)
  local packet <const> = type(event) == "table" and event.packet or event
  local found <const> = collect(trace, packet, node.name, node.on.name)
  check.expect(math.type(packet) == "integer" and found.send, "bad argument #1 to 'why' (event of a datagram expected)")
  local send <const> = found.send
  local what <const> = ("datagram %d of %s to %s at %.6f s"):format(packet, send.node, tostring(send.to), send.time)
  if found.deliver then
    return ("%s received %s at %.6f s."):format(node.name, what, found.deliver.time)
  end
  local function isown(address)
    return node.net.core:owner(address) == node.on.id
  end
  return ("%s did not receive %s: %s."):format(node.name, what, reason(found, node.name, isown))
end

return why
