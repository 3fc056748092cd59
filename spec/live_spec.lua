-- The live view: mcast run --live, mcast listen --live and mcast timeline --live.
local diagram <const> = require "spec.support.diagram"
local helper <const> = require "spec.support.helper"
local found <const>, socket = pcall(require, "socket")

-- A receiver that ends a second after the last datagram, and a sender.
local receiver <const> = [[
local mcast <const> = require "mcast"
local sock <close> = assert(mcast.socket { port = 10000 })
assert(sock:join("239.1.2.3", { interface = "lo" }))
for data in sock:datagrams() do
  mcast.note("newest", data)
  if data == "end" then break end
end
]]

local sender <const> = [[
local mcast <const> = require "mcast"
local sock <close> = assert(mcast.socket { interface = "lo" })
for _, text in ipairs(arg) do assert(sock:sendto(text, "239.1.2.3", 10000)) end
]]

local function send(...)
  helper.check(("%s %s %s"):format(helper.lua, helper.script(sender), table.concat({ ... }, " ")))
end

-- Starts a command whose view has any free port; returns its pipe, its process and the port.
local function start(command)
  local pipe <const>, pid <const> = helper.start(command)
  local lines, port = {}
  repeat
    local line <const> = assert(pipe:read "l", table.concat(lines, "\n"))
    lines[#lines + 1] = line
    port = line:match "^live view: http://127%.0%.0%.1:(%d+)/$"
  until port
  return pipe, pid, tonumber(port)
end

local function watch()
  return start("bin/mcast run --live 0 " .. helper.script(receiver))
end

local function connect(port, text)
  local sock <const> = assert(socket.connect("127.0.0.1", port))
  helper.defer(function() sock:close() end)
  sock:settimeout(10)
  assert(sock:send(text))
  return sock
end

local function request(port, line, host)
  return connect(port, ("%s\r\nHost: %s\r\n\r\n"):format(line, host or "127.0.0.1:" .. port))
end

-- The status of a request.
local function status(...)
  return tonumber(request(...):receive "*l":match "^HTTP/1%.1 (%d+)")
end

-- Reads a stream until a line matches; returns the number of its piece, and all lines until then.
local function await(sock, pattern)
  local lines, number = {}, nil
  repeat
    local line <const> = assert(sock:receive "*l")
    lines[#lines + 1], number = line, line:match "^id: (%d+)$" or number
  until line:find(pattern)
  return number, table.concat(lines, "\n")
end

local function block()
  it("serves the page on loopback alone", function()
    local _, _, port <const> = watch()
    local text <const> = request(port, "GET / HTTP/1.1"):receive "*a"
    assert.matches("^HTTP/1%.1 200 OK\r\n.*\r\nContent%-Security%-Policy: default%-src 'none'", text)
    assert.matches("\r\n\r\n<!DOCTYPE html>.*EventSource", text)
    helper.setaddress("lo", "10.8.8.9", true)
    helper.defer(function() helper.setaddress("lo", "10.8.8.9", false) end)
    assert.is_nil((socket.connect("10.8.8.9", port)))
    send "end"
  end)

  it("streams events while the script runs, and their end", function()
    local _, _, port <const> = watch()
    local sock <const> = request(port, "GET /events HTTP/1.1")
    await(sock, '"join"')
    send "one"
    await(sock, '"newest"')
    send "end"
    await(sock, '^event: end')
    assert.equal("data:\n\n", sock:receive "*a")
  end)

  it("goes on where a client was cut off", function()
    local _, _, port <const> = watch()
    send "one"
    local number <const> = await(request(port, "GET /events HTTP/1.1"), '"newest"')
    send "two"
    local sock <const> = request(port, "GET /events HTTP/1.1\r\nLast-Event-ID: " .. number)
    local _, text <const> = await(sock, '"two"')
    assert.matches("\nid: " .. number + 1 .. "\n", text)
    assert.is_nil(text:find '"join"')
    send "end"
  end)

  it("refuses other hosts, paths and methods", function()
    local _, _, port <const> = watch()
    assert.equal(403, status(port, "GET / HTTP/1.1", "evil.example:" .. port))
    assert.equal(403, status(port, "GET /events HTTP/1.1", "evil.example"))
    assert.equal(403, status(port, "GET / HTTP/1.1", "127.0.0.1:1"))
    assert.equal(200, status(port, "GET / HTTP/1.1", "localhost:" .. port))
    for _, path in ipairs { "/etc/passwd", "/../../etc/passwd", "//", "/events/..", "http://127.0.0.1/" } do
      assert.equal(404, status(port, "GET " .. path .. " HTTP/1.1"), path)
    end
    assert.equal(405, status(port, "POST / HTTP/1.1"))
    assert.equal(400, status(port, "nonsense"))
    assert.equal(400, tonumber(connect(port, ("x"):rep(8192)):receive "*l":match " (%d+)"))
    send "end"
  end)

  it("delays no script by clients that are slow, many or gone", function()
    local pipe <const>, _, port <const> = watch()
    for i = 1, 40 do
      local sock <const> = connect(port, i % 2 == 0 and "GET /ev" or
        ("GET /events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n"):format(port))
      if i % 4 == 1 then sock:close() end
    end
    for _ = 1, 20 do
      send("one", "two", "three")
    end
    local begun <const> = socket.gettime()
    send "end"
    pipe:read "a"
    assert.is_true(socket.gettime() - begun < 4)
  end)

  it("ends with the script, however that ends", function()
    for _, signal in ipairs { "INT", "KILL" } do
      local pipe <const>, pid <const>, port <const> = watch()
      local sock <const> = request(port, "GET /events HTTP/1.1")
      await(sock, '"join"')
      helper.run(("kill -%s %s"):format(signal, pid))
      await(sock, "^event: end")
      pipe:read "a"
      assert.is_nil((socket.connect("127.0.0.1", port)))
    end
  end)

  it("waits for the script's last events on Ctrl-C", function()
    local pipe <const>, pid <const>, port <const> = watch()
    local sock <const> = request(port, "GET /events HTTP/1.1")
    await(sock, '"join"')
    local view <const> = helper.check("ps -o pid= --ppid " .. pid):match "%d+"
    helper.run("kill -INT " .. view)
    socket.sleep(0.3)
    helper.run("kill -INT " .. pid)
    await(sock, '"fail"')
    await(sock, "^event: end")
    pipe:read "a"
  end)

  it("serves a trace file that grows", function()
    local path <const> = os.tmpname()
    helper.defer(function() os.remove(path) end)
    helper.start(("timeout 50 bin/mcast run --trace %s %s"):format(path, helper.script(receiver)))
    helper.check(("until [ -s %s ]; do sleep 0.02; done"):format(path))
    local _, pid <const>, port <const> = start(("bin/mcast timeline %s --live 0"):format(path))
    local sock <const> = request(port, "GET /events HTTP/1.1")
    await(sock, '"join"')
    send "end"
    await(sock, '"end"')
    helper.run("kill -INT " .. pid)
  end)

  it("serves what mcast listen receives", function()
    local _, _, port <const> = start "bin/mcast listen 239.1.2.3:10000%lo --count 2 --live 0"
    local sock <const> = request(port, "GET /events HTTP/1.1")
    await(sock, '"join"')
    send "one"
    await(sock, '"one"')
    send "two"
    await(sock, "^event: end")
  end)

  it("names a port that is in use, and a bad one", function()
    local _, _, port <const> = watch()
    local output <const>, code <const> = helper.run(("bin/mcast run --live %d %s"):format(port, helper.script(receiver)))
    assert.same({ 1, ("mcast: --live 127.0.0.1:%d: address already in use\n"):format(port) }, { code, output })
    assert.equal(2, select(2, helper.run "bin/mcast run --live 70000 x.lua"))
    send "end"
  end)

  it("names the package that it lacks", function()
    local output <const>, code <const> = helper.run(helper.lua .. [[ -e 'package.preload.socket = function() error "no" end
      arg = { [0] = "bin/mcast", "run", "--live", "0", "x.lua" } dofile "bin/mcast"']])
    assert.equal(1, code)
    assert.matches("luasocket is missing %(apt%-get install lua%-socket, or luarocks install luasocket%)", output)
  end)

  it("draws the run in a browser while it goes on", diagram.browser and function()
    local _, _, port <const> = watch()
    local browser <const> = helper.start(("timeout 50 sh -c %s"):format(helper.quote(("exec %s --headless --no-sandbox "
      .. "--disable-gpu --window-size=1366,768 --virtual-time-budget=20000 --dump-dom http://127.0.0.1:%d/ 2>/dev/null")
      :format(diagram.browser, port))))
    helper.check(([[ # the page, and then the stream, which stays
      n=0
      until [ $n -ge 10 ]; do
        grep -q ':%04X [0-9A-F]*:[0-9A-F]* 01' /proc/net/tcp && n=$((n + 1)) || n=0
        sleep 0.03
      done]]):format(port))
    for i = 1, 5 do
      send("version-" .. i)
      socket.sleep(0.2)
    end
    send "end"
    local dom <const> = diagram.unescape(browser:read "a")
    assert.matches('<body data%-live="ended"', dom)
    -- Start, join, leave and end; six times send, arrival and note.
    assert.equal("22 events of 2 nodes in all", dom:match "%d+ events of %d+ nodes in all")
    assert.matches('class="arrow multicast', dom)
    assert.matches('data%-state="version%-5"', dom)
  end or function()
    pending "needs Chromium, headless"
  end)
end

local why <const> = not helper.private and helper.no_network or not found and "needs the rock luasocket"
helper.long("the live view", why and function() pending(why) end or block)
