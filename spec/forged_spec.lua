-- The receivers that users copy, and datagrams with forged sources: each one is survived, and none begins a loop.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"
local topic <const> = require "spec.support.topic"

local port <const> = 10000
local known <const> = {
  inet = { group = "224.3.29.71", near = "10.9.%d.1", far = "10.9.%d.2",
    strange = { "10.9.%d.255", "192.0.2.77", "0.0.0.0", "255.255.255.255", "224.1.1.1", "240.0.0.1", "127.0.0.1" } },
  inet6 = { group = "ff05::71", near = "fd09:%d::1", far = "fd09:%d::2",
    strange = { "fd09:%d::ffff", "2001:db8::77", "::", "ff02::1", "::1", "fe80::77", "::ffff:10.9.1.1" } },
}

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- The README's receiver, as a file.
local function copied()
  for _, block in ipairs(topic.blocks "README.md") do
    if block.text:find "^%-%- receiver%.lua" then return helper.script('io.stdout:setvbuf "no"\n' .. block.text) end
  end
end

helper.each_family(function(family)
  local own <const> = known[family.name]
  local host, outputs

  -- Starts a script at the far end of the wire; returns the file of its output.
  local function start(command)
    local output <const> = os.tmpname()
    helper.defer(function() os.remove(output) end)
    helper.start(("%s sh -c 'exec %s %s > %s 2>&1'"):format(host.enter, helper.lua, command, output))
    return output
  end

  -- Do all receivers answer a question?
  local function live(timeout)
    local sock <close> = assert(mcast.socket { family = family.name, interface = host.near })
    assert(sock:sendto("hello", own.group, port))
    for _ = 1, #outputs do
      if sock:recvfrom(timeout) ~= "ack" then return false end
    end
    return true
  end

  local function add(command)
    outputs[#outputs + 1] = start(command)
  end

  local function await()
    for _ = 1, 500 do
      if live(0.02) then return end
    end
    error "the receivers do not start"
  end

  local function example()
    return ("examples/receiver.lua --interface %s --group %s"):format(host.far, own.group)
  end

  -- Another host with n of the examples' receivers, and with the README's where the group is its own.
  local function receive(n)
    host, outputs = helper.host(), {}
    helper.run(("%s sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.%s.rp_filter=0"):format(host.enter, host.far))
    for _ = 1, n do add(example()) end
    if family.name == "inet" then add(copied()) end
    await()
  end

  -- Sends datagrams by raw frames; returns how many come back from the receivers' port.
  local function forge(datagrams)
    local lines <const> = {}
    for i, d in ipairs(datagrams) do
      local hex <const> = d.data:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
      lines[i] = ("%s %d %s\n"):format(d.from:format(host.number), d.port, hex)
    end
    return tonumber(helper.check(("python3 spec/support/forge.py %s %s %d < %s"):format(host.near, own.group, port,
      helper.script(table.concat(lines)))))
  end

  local function each(sources, ports, texts)
    local list <const> = {}
    for _, from in ipairs(sources) do
      for _, number in ipairs(ports) do
        for _, data in ipairs(texts) do list[#list + 1] = { from = from, port = number, data = data } end
      end
    end
    return list
  end

  it("survives datagrams from sources that cannot be answered", function()
    receive(1)
    local sources <const> = { own.near, own.far, table.unpack(own.strange) }
    local forged <const> = each(sources, { 0, 1, 4444, port, 65535 }, { "", "hello", "\0\255" })
    assert.is_true(forge(forged) <= #outputs * #forged)
    assert.is_true(live(5))
  end)

  it("answers no answer, and nothing from the receivers' port", function()
    receive(2)
    assert.equal(0, forge(each({ own.near }, { 4444, port }, { "ack" })))
    assert.equal(0, forge(each({ own.near }, { port }, { "hello", "" })))
    assert.equal(#outputs, forge { { from = own.near, port = 4444, data = "hello" } })
  end)

  -- The receivers are bound after the sender, so answers to its port reach them.
  it("begins no loop between receivers of one host", function()
    local go <const> = os.tmpname()
    os.remove(go)
    helper.defer(function() os.remove(go) end)
    host, outputs = helper.host(), {}
    local output <const> = start(helper.script(([[
      local mcast = require "mcast"
      io.stdout:setvbuf "no"
      local sock = assert(mcast.socket { family = %q, port = %d, interface = %q })
      print "bound"
      repeat mcast.sleep(0.01) until io.open(%q)
      assert(sock:sendto("hello", %q, %d))
      mcast.sleep(0.3)
      for line in io.lines("/proc/net/%s") do print(line) end
    ]]):format(family.name, port, host.far, go, own.group, port, family.name == "inet" and "snmp" or "snmp6")))
    repeat until read(output):find "bound"
    for _ = 1, 2 do add(example()) end
    if family.name == "inet" then add(copied()) end
    await()
    assert(io.open(go, "w")):close()
    repeat until read(output):find "UdpLite6?OutDatagrams" or read(output):find "UdpLite:.*\n.*UdpLite:"
    local sent <const> = read(output):match "Udp6OutDatagrams%s+(%d+)" or read(output):match "Udp: %d+ %d+ %d+ (%d+)"
    assert.is_true(tonumber(sent) < 1000, sent)
  end)

  it("begins no loop with a program that answers anything", function()
    host, outputs = helper.host(), {}
    add(example())
    await()
    local other <close> = assert(mcast.socket { family = family.name, host = own.near:format(host.number) })
    local got <const> = forge { { from = own.near, port = other:getsockname().port, data = "hello" } }
    assert.equal(1, got)
    local n = 0
    for data, from in other:datagrams(0.3) do
      n = n + 1
      assert(n < 100 and other:sendto("what is " .. data, from))
    end
    assert.equal(1, n)
  end)

  it("prints no byte that a terminal obeys", function()
    receive(1)
    forge(each({ own.near }, { 4444 }, { "\27[2J\27]0;title\7", "\155\0\r\n\8forged line", "\xc2\x9b2J" }))
    for _, output in ipairs(outputs) do
      local text <const> = read(output)
      assert.matches("forged line", text)
      assert.is_nil(text:find "[^ -~\n\t]")
      assert.is_nil(text:find "\nforged line")
    end
  end)
end)

describe("a simulated receiver", function()
  it("begins no loop with another one of its host", function()
    for _, family in ipairs(helper.families) do
      local net <const> = sim.new { output = function() end }
      local host <const> = net:host "host"
      local group <const> = known[family.name].group
      for i = 1, 2 do net:node("receiver-" .. i, "examples/receiver.lua", { "--group", group }, { host = host }) end
      net:node("sender", function()
        local simulated <const> = require "mcast"
        local sock <close> = assert(simulated.socket { family = family.name, port = port })
        simulated.sleep(0.001)
        assert(sock:sendto("hello", group, port))
      end, {}, { host = host })
      net:run(0.01)
      local sends = 0
      for _, event in ipairs(net.trace) do sends = sends + (event.kind == "send" and 1 or 0) end
      assert.equal(1, sends)
    end
  end)
end)
