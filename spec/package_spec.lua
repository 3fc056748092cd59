-- What is installed works without the source tree.
local helper <const> = require "spec.helper"

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
local function try(root, modules, examples)
  local lua = os.getenv "MCAST_LUA"
  local environment = ("cd / && unset LUA_PATH; export LUA_CPATH='%s/?.so;;'; "):format(modules)
  assert.equal(modules .. "/mcast.so\n", helper.check(environment .. lua
    .. [[ -e 'print((package.searchpath("mcast", package.cpath))) assert(require "mcast".socket()):close()']]))
  local output, pid = helper.start(("sh -c %s"):format(helper.quote(
    ("%s exec %s %s/receiver.lua --port 10014"):format(environment, lua, examples))))
  repeat local line = assert(output:read "l") until line == "waiting to receive message"
  assert.matches('received "ack" from 127%.0%.0%.1:10014',
    helper.check(("%s %s %s/sender.lua --port 10014"):format(environment, lua, examples)))
  helper.run("kill " .. pid)
  assert.equal("", helper.check("find " .. root .. " -name '*.c'"))
end

helper.network("the package", function()
  it("works as a rock", function()
    local source, tree = copy(), directory()
    helper.check(("cd %s && luarocks --lua-version 5.4 --tree %s make --deps-mode=none"):format(source, tree))
    helper.check("rm -r " .. source)
    try(tree, tree .. "/lib/lua/5.4", tree .. "/lib/luarocks/rocks-5.4/mcast/scm-1/examples")
  end)

  it("works as make installs it", function()
    local source, root = copy(), directory()
    helper.check(("cd %s && make install DESTDIR=%s PREFIX=/opt/mcast"):format(source, root))
    helper.check("rm -r " .. source)
    try(root, root .. "/opt/mcast/lib/lua/5.4", root .. "/opt/mcast/share/doc/mcast/examples")
  end)

  it("lists each source in the rockspec", function()
    local env = {}
    assert(loadfile("mcast-scm-1.rockspec", "t", env))()
    assert.equal(helper.check "ls src/*.c", table.concat(env.build.modules.mcast, "\n") .. "\n")
  end)
end)
