-- What is installed works without the source tree.
local helper <const> = require "spec.support.helper"

local function directory()
  local path = helper.check("mktemp -d"):match "[^\n]+"
  helper.defer(function() helper.run("rm -rf " .. path) end)
  return path
end

-- A copy of the source tree, as a stranger has it.
local function copy()
  local path = directory()
  helper.check("tar --exclude=./.git --exclude=./build --exclude=./doc -cf - . | tar -xf - -C " .. path)
  return path
end

-- The module, and the pair of examples, from a folder that holds neither.
local function try(root, modules, scripts, examples)
  local lua = os.getenv "MCAST_LUA"
  local environment = ("cd / && export LUA_PATH='%s/?.lua;;' LUA_CPATH='%s/?.so;;'; "):format(scripts, modules)
  assert.equal(modules .. "/mcast.so\n", helper.check(environment .. lua
    .. [[ -e 'print((package.searchpath("mcast", package.cpath))) assert(require "mcast".socket()):close()']]))
  local output, pid = helper.start(("sh -c %s"):format(helper.quote(
    ("%s exec %s %s/receiver.lua --port 10014"):format(environment, lua, examples))))
  repeat local line = assert(output:read "l") until line == "waiting to receive message"
  assert.matches('received "ack" from 127%.0%.0%.1:10014',
    helper.check(("%s %s %s/sender.lua --port 10014"):format(environment, lua, examples)))
  helper.run("kill " .. pid)
  local scenario = helper.script(([[
    local net = require "mcast.sim".new { output = function(_, line) print(line) end }
    net:node("receiver", %q)
    net:node("sender", %q)
    net:run(1)
  ]]):format(examples .. "/receiver.lua", examples .. "/sender.lua"))
  assert.matches('received "ack" from 10%.0%.0%.1:10000', helper.check(environment .. lua .. " " .. scenario))
  assert.matches("^100 acks of 100 receivers", helper.check(("%s %s %s/simulator/thousand.lua 100"):format(environment,
    lua, examples)))
  assert.equal("", helper.check("find " .. root .. " -name '*.c'"))
end

helper.once("the package", function()
  it("works as a rock", function()
    local source, tree = copy(), directory()
    helper.check(("cd %s && luarocks --lua-version 5.4 --tree %s make --deps-mode=none"):format(source, tree))
    helper.check("rm -r " .. source)
    try(tree, tree .. "/lib/lua/5.4", tree .. "/share/lua/5.4", tree .. "/lib/luarocks/rocks-5.4/mcast/scm-1/examples")
  end)

  it("works as make installs it", function()
    local source, root = copy(), directory()
    helper.check(("cd %s && make install DESTDIR=%s PREFIX=/opt/mcast"):format(source, root))
    helper.check("rm -r " .. source)
    local prefix = root .. "/opt/mcast"
    try(root, prefix .. "/lib/lua/5.4", prefix .. "/share/lua/5.4", prefix .. "/share/doc/mcast/examples")
  end)

  it("lists each source in the rockspec", function()
    local env, modules = {}, {}
    assert(loadfile("mcast-scm-1.rockspec", "t", env))()
    assert.equal(helper.check "ls src/*.c", table.concat(env.build.modules.mcast, "\n") .. "\n")
    local core = table.concat(env.build.modules["mcast.sim.core"].sources, "\n") .. "\n"
    assert.equal(helper.check "ls src/sim/*.c", core:match "^.*src/sim/[^\n]+\n")
    for name, source in pairs(env.build.modules) do
      if type(source) == "string" then
        assert.equal(name, (source:match "^lua/(.*)%.lua$":gsub("/", ".")))
        modules[#modules + 1] = source
      end
    end
    table.sort(modules)
    assert.equal(helper.check "find lua -name '*.lua' | LC_ALL=C sort", table.concat(modules, "\n") .. "\n")
  end)
end)
