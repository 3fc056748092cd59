local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno
local family <const> = helper.families[1]

helper.network("waiting", function()
  it("waits for ever without a timeout, or with a huge one", function()
    local script = helper.script [[
      local mcast = require "mcast"
      local sock = assert(mcast.socket())
      local waits = {
        function() sock:recvfrom() end, function() sock:recvfrom(math.huge) end, function() sock:recvfrom(1e300) end,
        function() mcast.poll { sock } end, function() mcast.poll({ sock }, 1e300) end,
        function() mcast.sleep(math.huge) end, function() mcast.sleep(9223372036.5) end,
        function() for _ in sock:datagrams() do end end,
      }
      waits[tonumber(arg[1])]()
    ]]
    for i = 1, 8 do
      local output, status = helper.run(("timeout -s KILL 0.2 %s %s %d"):format(helper.lua, script, i))
      assert.equal(128 + 9, status, output) -- killed, neither ended nor failed
    end
  end)

  it("ends when a datagram arrives", function()
    local receiver = helper.pair(family)
    local script = helper.script(([[
      local mcast = require "mcast"
      mcast.sleep(0.1)
      assert(mcast.socket()):sendto("late", "127.0.0.1", %d)
    ]]):format(receiver:getsockname().port))
    helper.start(helper.lua .. " " .. script)
    assert.same({ receiver }, mcast.poll({ receiver }, 10))
    assert.equal("late", (receiver:recvfrom(10)))
  end)

  it("waits for the whole timeout despite signals", function()
    if not package.searchpath("luv", package.cpath) then -- not loaded here: it does not survive busted's unloading
      pending "needs the rock luv, which can handle a signal without a hook"
      return
    end
    local script = helper.script [[
      local mcast, luv = require "mcast", require "luv"
      luv.new_signal():start("sigusr1", function() end)
      local sock = assert(mcast.socket())
      print "ready"
      io.stdout:flush()
      local start = mcast.now()
      print(sock:recvfrom(0.5))
      print(mcast.now() - start)
    ]]
    local output, pid = helper.start(("strace -f -o %s.trace -e trace=ppoll,poll %s %s")
      :format(script, helper.lua, script))
    helper.defer(function() os.remove(script .. ".trace") end)
    assert.equal("ready", output:read "l")
    local lua = helper.check("cat /proc/" .. pid .. "/task/" .. pid .. "/children"):match "%d+"
    helper.check("for _ in $(seq 20); do kill -USR1 " .. lua .. " || break; sleep 0.005; done")
    assert.equal("nil\ttimeout\t" .. E.ETIMEDOUT, output:read "l")
    local took = output:read "n"
    assert.is_true(took >= 0.5 and took < 2, took)
    assert.matches("SIGUSR1", helper.check(("cat %s.trace"):format(script)))
  end)

  local interruptible <const> = [==[
    local mcast = require "mcast"
    local sock = assert(mcast.socket { spin = arg[1] == "spin" and 10 or 0 })
    local waits = {
      recvfrom = function() sock:recvfrom() end,
      spin = function() sock:recvfrom() end,
      poll = function() mcast.poll { sock } end,
      sleep = function() mcast.sleep(100) end,
      datagrams = function() for _ in sock:datagrams() do end end,
      coroutine = function() assert(coroutine.resume(coroutine.create(function() sock:recvfrom() end))) end,
      wrap = function() coroutine.wrap(function() mcast.sleep(100) end)() end,
      pcall = function()
        local ok, message = pcall(coroutine.wrap(function() sock:recvfrom() end))
        assert(not ok and not debug.gethook())
        print(message .. " and caught")
      end,
    }
    print "ready"
    io.stdout:flush()
    waits[arg[1]]()
  ]==]

  -- Returns once a process waits in the kernel, or has spun for 0.05 s.
  local function settle(pid, spins)
    helper.check((spins and "until [ $(cut -d' ' -f14 /proc/%s/stat) -ge 5 ]; do :; done"
      or "until grep -q '^State:.S' /proc/%s/status; do :; done"):format(pid))
  end

  for _, wait in ipairs { "recvfrom", "spin", "poll", "sleep", "datagrams", "coroutine", "wrap", "pcall" } do
    it("ends on Ctrl-C at once in " .. wait, function()
      local output, pid = helper.start(("%s %s %s"):format(helper.lua, helper.script(interruptible), wait))
      assert.equal("ready", output:read "l")
      settle(pid, wait == "spin")
      helper.check("kill -INT " .. pid)
      local start = mcast.now()
      assert.matches(wait == "pcall" and "interrupted! and caught\n$" or "interrupted!", output:read "a")
      assert.is_true(mcast.now() - start < 5)
    end)
  end

  it("notices that a hook closed its socket", function()
    local script = helper.script [[
      local mcast = require "mcast"
      local sock = assert(mcast.socket())
      debug.sethook(function() sock:close() debug.sethook() end, "l") print(pcall(sock.recvfrom, sock, 10))
    ]]
    local output = helper.check(("strace -o /dev/null -e inject=ppoll,poll:error=EINTR:when=1 %s %s")
      :format(helper.lua, script))
    assert.matches("closed socket", output)
  end)

  it("leaves a hook that counts undisturbed", function()
    local fired, co = 0, coroutine.wrap(function()
      while true do
        coroutine.yield(mcast.sleep(1e-6))
      end
    end)
    debug.sethook(function() fired = fired + 1 end, "", 1000)
    for _ = 1, 3000 do
      co()
    end
    debug.sethook()
    assert.is_true(fired > 3)
  end)

  it("returns a clock that advances", function()
    local before = mcast.now()
    assert.equal("float", math.type(before))
    mcast.sleep(0.001)
    assert.is_true(mcast.now() > before)
  end)
end)
