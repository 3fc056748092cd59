-- Memberships on the network: reports on the wire, and a switch that reads them.
local helper <const> = require "spec.support.helper"
local lab <const> = require "spec.lab.lab"

-- The fields of an IGMPv3 (RFC 3376) and of an MLDv2 report (RFC 3810) in tshark's names.
local reports <const> = {
  inet = { filter = "igmp.type == 0x22", type = "igmp.record_type", group = "igmp.maddr", source = "igmp.saddr" },
  inet6 = { filter = "icmpv6.type == 143", type = "icmpv6.mldr.mar.record_type",
    group = "icmpv6.mldr.mar.multicast_address", source = "icmpv6.mldr.mar.source_address" },
}
local to_include <const>, to_exclude <const>, allow <const>, block <const> = 3, 4, 5, 6

local function split(text)
  local words = {}
  for word in text:gmatch "[^,]+" do
    words[#words + 1] = word
  end
  return words
end

-- Does a report have a record of that type and group, and name the sources?
local function matches(line, wanted)
  local types, groups, sources = line:match "^(.*)\t(.*)\t(.*)$"
  for _, source in ipairs(wanted) do
    if not ("," .. sources .. ","):find("," .. source .. ",", 1, true) then return false end
  end
  types, groups = split(types), split(groups)
  for i, type in ipairs(types) do
    if tonumber(type) == wanted.type and groups[i] == wanted.group then return true end
  end
  return false
end

-- A program at a host with a socket, which executes lines of Lua.
local function shell(at, family)
  local script = helper.script([[
    local mcast = require "mcast"
    local sock = assert(mcast.socket { interface = "eth0", port = 10000, family = "]] .. family.name .. [[" })
    local fifo = io.open(arg[1])
    for line in fifo:lines() do
      assert(load("local mcast, sock = ... " .. line, "=line"))(mcast, sock)
    end
  ]])
  local fifo = script .. ".fifo"
  helper.check("mkfifo " .. fifo)
  helper.defer(function() os.remove(fifo) end)
  lab.start(at, ("%s %s %s"):format(helper.lua, script, fifo))
  local input = assert(io.open(fifo, "w"))
  input:setvbuf "line"
  helper.defer(function() input:close() end)
  return function(line, ...) input:write(line:format(...), "\n") end
end

for _, family in ipairs(lab.families) do
  lab.describe("reports on the wire, " .. family.name, function(net)
    local fields <const> = reports[family.name]

    it("reports each change of a membership #slow", function()
      local wire = lab.capture(net().router, "lan2")
      local execute = shell(net().c, family)
      local function reported(type, group, ...)
        local wanted <const> = { type = type, group = group, ... }
        lab.await(("report %d of %s from %s"):format(type, group, table.concat(wanted, " ")), function()
          for _, line in ipairs(wire(fields.filter, fields.type, fields.group, fields.source)) do
            if matches(line, wanted) then return true end
          end
        end)
      end
      execute('assert(sock:join("%s", { source = "%s" }))', family.ssm, family.a)
      reported(allow, family.ssm, family.a)
      execute('assert(sock:leave("%s", { source = "%s" }))', family.ssm, family.a)
      reported(block, family.ssm, family.a)
      execute('assert(sock:join "%s")', family.group)
      reported(to_exclude, family.group)
      execute('assert(sock:block("%s", "%s"))', family.group, family.b)
      reported(block, family.group, family.b)
      execute('assert(sock:leave "%s")', family.group)
      reported(to_include, family.group)
      execute('assert(sock:filter("%s", "include", { "%s", "%s" }))', family.other, family.a, family.b)
      reported(allow, family.other, family.a, family.b)
      execute 'sock:close()'
      reported(block, family.other, family.a, family.b)
    end)
  end)
end

for _, family in ipairs(lab.families) do
  lab.describe("switches that snoop, " .. family.name, function(net)
    -- Does a datagram from A to a group pass the wire of B? A later one to all hosts does,
    -- so that the absence of the first is certain.
    local function passing()
      local _, has = lab.capture(net().b, "eth0")
      local count = 0
      return function(group)
        count = count + 1
        local text <const> = ("number %d "):format(count)
        lab.say(net().a, 1, text .. "to some", group)
        lab.say(net().a, 1, text .. "to all", family.all_hosts)
        lab.await("a datagram to all hosts", function() return has(text .. "to all") end)
        return has(text .. "to some")
      end
    end

    it("forwards a group to the ports that joined it", function()
      local passes = passing()
      lab.await("an end of flooding", function() return not passes(family.group) end)
      local output, pid = lab.hear(net().b, family.group)
      lab.joined(net(), "b", family.group)
      assert.is_true(passes(family.group))
      assert.matches(("^%s %s 1 number %%d+ to some$"):format(family.a, family.group), output:read "l")
      assert.is_false(passes(family.other))
      helper.check("kill " .. pid)
      lab.await("an end of the group", function() return not passes(family.group) end)
    end)

    it("forwards a group to all ports while it does not snoop", function()
      helper.check(net().switch.enter .. "ip link set bridge type bridge mcast_snooping 0")
      local passes = passing()
      local output = lab.hear(net().b, family.group)
      assert.is_true(passes(family.other))
      assert.is_true(passes(family.group))
      assert.matches(("^%s %s 1 number 2 to some$"):format(family.a, family.group), output:read "l")
    end)

    it("records the source of a membership", function()
      lab.hear(net().b, family.ssm, family.a)
      lab.joined(net(), "b", family.ssm, family.a)
    end)
  end)
end
