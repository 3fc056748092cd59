-- mcast run and mcast timeline: a receiver and a sender on the real network, and the picture of both.
local helper <const> = require "spec.support.helper"
local json <const> = helper.plain and require "dkjson"
local trace <const> = require "mcast.trace"

local receiver <const> = [[
local mcast <const> = require "mcast"
local sock <close> = assert(mcast.socket { port = 10000 })
assert(sock:join("239.1.2.3", { interface = "lo" }))
print "ready"
io.stdout:flush()
for data in sock:datagrams(arg[1] or 2) do
  print(data)
  if data == "v5" then break end
end
]]

local sender <const> = [[
local mcast <const> = require "mcast"
local sock <close> = assert(mcast.socket { interface = "lo" })
for i = 1, 5 do
  assert(sock:sendto("v" .. i, "239.1.2.3", 10000))
end
]]

local function place(ending)
  local path <const> = os.tmpname()
  helper.defer(function()
    os.remove(path)
    os.remove(path .. ending)
  end)
  return path .. ending
end

local function read(path)
  local stream <close> = assert(io.open(path, "rb"))
  return stream:read "a"
end

-- Records a receiver and a sender; returns their traces, and what the receiver printed.
local function record(options)
  local one <const>, two <const> = place ".trace", place ".trace"
  local pipe <const> = helper.start(("timeout 10 bin/mcast run --trace %s --node receiver %s %s"):format(one, options or "",
    helper.script(receiver)))
  assert.equal("ready", pipe:read "l")
  helper.check(("bin/mcast run --trace %s --node sender %s"):format(two, helper.script(sender)))
  return one, two, pipe:read "a"
end

local function count(list, kind)
  local n = 0
  for _, event in ipairs(list) do
    n = n + (event.kind == kind and 1 or 0)
  end
  return n
end

helper.long("mcast run", function()
  it("shows the script the arguments as lua does", function()
    local path <const> = helper.script 'print(arg[0], arg[-1], #arg, arg[1], ...)'
    local output <const> = helper.check("bin/mcast run " .. path .. " --trace one")
    assert.equal(path .. "\tlua5.4\t2\t--trace\t--trace\tone\n", output)
  end)

  it("ends with 1 and a traceback where the script fails", function()
    local path <const> = place ".trace"
    local output <const>, status <const> = helper.run(("bin/mcast run --trace %s %s"):format(path,
      helper.script 'print "begun" error "no luck"'))
    assert.equal(1, status)
    assert.matches(":1: no luck\nstack traceback:\n\t%[C%]: in function 'error'\n", output)
    local list <const> = assert(trace.read(path))
    assert.matches("no luck", list[#list].reason)
    assert.equal(1, count(list, "log"))
  end)

  it("ends with the exit status of the script", function()
    assert.equal(7, select(2, helper.run("bin/mcast run " .. helper.script "os.exit(7)")))
    assert.equal(1, select(2, helper.run "bin/mcast run /nowhere.lua"))
  end)

  it("ends with 1 where the trace cannot be written", function()
    local output <const>, status <const> = helper.run("bin/mcast run --trace /nowhere/one.trace " .. helper.script "print(1)")
    assert.same({ 1, "mcast: /nowhere/one.trace: No such file or directory\n" }, { status, output })
  end)

  it("names a bad key of --impair", function()
    local output <const>, status <const> = helper.run "bin/mcast run --impair lost=1 x.lua"
    assert.equal(2, status)
    assert.matches("mcast: %-%-impair: unknown key 'lost'", output)
  end)

  it("prints objects with --json", function()
    local lines = {}
    for line in helper.check("bin/mcast run --json " .. helper.script 'print("one", 2)'):gmatch "[^\n]+" do
      lines[#lines + 1] = json.decode(line)
    end
    assert.same({ { event = "line", text = "one\t2" }, { event = "summary", ended = true } }, lines)
  end)
end)

helper.long("mcast run and mcast timeline", helper.private and function()
  it("records each datagram, and each that arrived", function()
    local one <const>, two <const>, printed <const> = record()
    assert.equal("v1\nv2\nv3\nv4\nv5\n", printed)
    assert.equal(5, count(assert(trace.read(one)), "deliver"))
    assert.equal(5, count(assert(trace.read(two)), "send"))
  end)

  it("records no datagram that --impair loses", function()
    local one <const>, _, printed <const> = record "--impair loss=1"
    assert.equal("", printed)
    assert.equal(0, count(assert(trace.read(one)), "deliver"))
  end)

  it("ends on Ctrl-C with all until then", function()
    local path <const> = place ".trace"
    local output <const> = helper.run(([[
      timeout -k 5 -s INT 0.5 bin/mcast run --trace %s %s 60]]):format(path, helper.script(receiver)))
    assert.matches("^ready\nmcast: interrupted\n$", output)
    local list <const> = assert(trace.read(path))
    assert.equal("fail", list[#list].kind)
  end)

  it("draws a page and a still, and prints figures", function()
    local one <const>, two <const> = record()
    local page <const>, still <const> = place ".html", place ".svg"
    local output <const> = helper.check(("bin/mcast timeline %s %s -o %s --stats --title Both"):format(one, two, page))
    assert.matches("^sender: the clock of receiver\nnode +group +sent +delivered", output)
    assert.matches("\nreceiver +239%.1%.2%.3 +0 +5 +0", output)
    assert.matches("\nsender +239%.1%.2%.3 +5 +0 +0", output)
    assert.matches("^<!DOCTYPE html>.*>mcast.rows%(0,.*Both", read(page))
    helper.check(("bin/mcast timeline %s %s -o %s"):format(one, two, still))
    assert.matches("^<svg.*receiver.*sender", read(still))
    assert.matches("^<!DOCTYPE html>", helper.check(("bin/mcast timeline %s %s -o - | cat"):format(one, two)))
  end)

  it("prints figures as objects", function()
    local one <const>, two <const> = record()
    local rows = {}
    for line in helper.check(("bin/mcast timeline %s %s --stats --json"):format(one, two)):gmatch "[^\n]+" do
      local row <const> = assert(json.decode(line))
      rows[row.node .. row.event] = row
    end
    assert.equal(5, rows.receiverfigures.delivered)
    assert.equal(5, rows.senderfigures.sent)
    assert.equal("sender: the clock of receiver", rows.senderclock.text)
  end)

  it("compares with a simulated run", function()
    local one <const>, two <const> = record()
    local scenario <const>, simulated <const>, page <const> = helper.script(([[
      local net <const> = require "mcast.sim".new()
      net:host "host"
      net:node("receiver", %q, {}, { host = "host" })
      net:node("sender", %q, {}, { host = "host", start = 0.1 })
      net:run(5)]]):format(helper.script(receiver:gsub('"lo"', "nil")), helper.script(sender:gsub('interface = "lo"', "")))),
      place ".trace", place ".html"
    helper.check(("bin/mcast sim %s --trace %s"):format(scenario, simulated))
    helper.check(("bin/mcast timeline %s %s --compare %s -o %s"):format(one, two, simulated, page))
    assert.matches("mcast.rows%(1,.*mcast.open", read(page))
  end)

  it("words datagrams by --describe", function()
    local one <const>, two <const> = record()
    local page <const> = place ".html"
    helper.check(("bin/mcast timeline %s %s -o %s --describe %s"):format(one, two, page,
      helper.script 'return function(data) return "the version " .. data, "version" end'))
    assert.matches("the version v5", read(page))
  end)
end or function()
  pending(helper.no_network)
end)

helper.long("mcast timeline", function()
  it("refuses files that are missing or no traces", function()
    local output <const>, status <const> = helper.run "bin/mcast timeline /nowhere.trace --stats"
    assert.same({ 1, "mcast: /nowhere.trace: No such file or directory\n" }, { status, output })
    assert.equal(1, select(2, helper.run("bin/mcast timeline --stats " .. helper.script "no trace")))
    assert.equal(2, select(2, helper.run "bin/mcast timeline one.trace"))
    assert.equal(2, select(2, helper.run "bin/mcast timeline one.trace --compare two.trace -o run.svg"))
  end)

  it("draws a capture", function()
    local capture <const>, page <const> = place ".pcapng", place ".html"
    helper.check(("bin/mcast sim %s --pcapng %s"):format(helper.script [[
      local net <const> = require "mcast.sim".new()
      net:node("one", function()
        local mcast <const> = require "mcast"
        assert(mcast.socket()):sendto("news", "239.1.2.3", 10000)
      end)
      net:run(1)]], capture))
    helper.check(("bin/mcast timeline %s -o %s"):format(capture, page))
    assert.matches("239%.1%.2%.3:10000.*news", read(page))
  end)
end)
