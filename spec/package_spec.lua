-- Proves that an installed module needs no source tree, and that the rockspecs are complete.
local helper <const> = require "spec.support.helper"

local VERSION <const> = _VERSION:match "%d.%d"
local LUAROCKS <const> = "luarocks --lua-version " .. VERSION
local LIBDIR <const>, LUADIR <const> = "/lib/lua/" .. VERSION, "/share/lua/" .. VERSION

local function directory()
  local path = helper.check("mktemp -d"):match "[^\n]+"
  helper.defer(function() helper.run("rm -rf " .. path) end)
  return path
end

-- A copy of the source tree, as a stranger has it, or as make has built it.
local function copy(is_built)
  local path = directory()
  helper.check(("tar --exclude=./.git --exclude='./build%s' -cf - . | tar -xf - -C %s")
    :format(is_built and "/[!n]*" or "", path))
  helper.lend(path)
  return path
end

-- Runs a command in a folder.
local function within(folder, command)
  return helper.check(("cd %s && %s"):format(helper.quote(folder), command))
end

-- Runs the command from another folder.
local function try_command(root, scripts, examples)
  local command <const> = ("cd / && unset LUA_PATH LUA_CPATH; '%s/bin/mcast' "):format(scripts:match "^(.*)/share/")
  assert.matches("^NAME.*\nlo ", helper.check(command .. "interfaces"))
  local trace <const>, capture <const> = root .. "/sender.trace", root .. "/sender.pcapng"
  helper.check(("%s run --trace '%s' '%s/sender.lua' --timeout 0.1"):format(command, trace, examples))
  assert.matches("very important data", helper.check(("%s timeline '%s' -o -"):format(command, trace)))
  local recorder <const>, number <const> = helper.start(("sh -c %s"):format(helper.quote(
    ("%s record '%s' 224.3.29.71:10015 --count 1"):format(command:gsub("; ", "; exec "), capture))))
  assert.matches("joined", recorder:read "l")
  helper.check(command .. "send 224.3.29.71:10015 news")
  recorder:read "a"
  helper.run("kill " .. number)
  assert.matches("sent 1 datagram", helper.check(("%s replay '%s'"):format(command, capture)))
  helper.check(command .. "bench --rate 50 --for 0.1") -- which starts itself
  helper.check(("rm '%s' '%s'"):format(trace, capture))
end

-- Runs the module, the command and the pair of examples from a folder that holds none of them.
local function try(root, modules, scripts, examples)
  if package.searchpath("argparse", package.path) then
    try_command(root, scripts, examples)
  end
  local lua = os.getenv "MCAST_LUA"
  local environment = ("cd / && export LUA_PATH='%s/?.lua;;' LUA_CPATH='%s/?.so;;'; "):format(scripts, modules)
  assert.equal(modules .. "/mcast.so\n", helper.check(environment .. lua
    .. [[ -e 'print((package.searchpath("mcast", package.cpath))) assert(require "mcast".socket()):close()']]))
  local output, pid = helper.start(("sh -c %s"):format(helper.quote(
    ("%s exec %s '%s/receiver.lua' --port 10014"):format(environment, lua, examples))))
  repeat local line = assert(output:read "l") until line == "waiting to receive message"
  assert.matches('received "ack" from 127%.0%.0%.1:10014',
    helper.check(("%s %s '%s/sender.lua' --port 10014"):format(environment, lua, examples)))
  helper.run("kill " .. pid)
  local scenario = helper.script(([[
    local net = require "mcast.sim".new { output = function(_, line) print(line) end }
    net:node("receiver", %q)
    net:node("sender", %q)
    net:run(1)
  ]]):format(examples .. "/receiver.lua", examples .. "/sender.lua"))
  assert.matches('received "ack" from 10%.0%.0%.1:10000', helper.check(environment .. lua .. " " .. scenario))
  assert.matches("^100 acks of 100 receivers", helper.check(("%s %s '%s/simulator/thousand.lua' 100"):format(environment,
    lua, examples)))
  assert.matches("%d+ of 1000 seeds failed", helper.check(("%s %s '%s/simulator/sweep.lua'"):format(
    environment, lua, examples)))
  assert.matches("it_holds is called outside of busted", (helper.run(environment .. lua
    .. [[ -e 'require "mcast.sim.busted".it_holds("a", {})']])))
  assert.equal("", within(root, "find . -name '*.c'"))
end

-- The documents of the repository that are installed.
local function documents(root)
  return within(root, "find README.md SECURITY.md CHANGELOG.md LICENSE docs examples types bench/*.svg -type f"
    .. " ! -path 'docs/site/*' | LC_ALL=C sort")
end

local no_rocks <const> = "needs a LuaRocks that finds Lua " .. VERSION

-- Does LuaRocks find this version of Lua?
local function isfound()
  local interpreter <const> = helper.run(LUAROCKS .. " config variables.LUA 2>/dev/null")
  return helper.run(interpreter:match "[^\n]*" .. " -e 'io.write(_VERSION)'") == _VERSION
end

-- Installs a rock from a copy of the sources, which goes; the tree and the rock's folder.
local function rock(rockspec, version)
  local source, tree = copy(), directory()
  within(source, ("%s --tree %s make --deps-mode=none %s CFLAGS='-O0 -fPIC'"):format(LUAROCKS, tree, rockspec))
  helper.check("rm -r " .. source)
  return tree, ("%s/lib/luarocks/rocks-%s/mcast/%s"):format(tree, VERSION, version)
end

local function load(path)
  local rockspec = {}
  assert(loadfile(path, "t", rockspec))()
  return rockspec
end

helper.once("the package", function()
  it("works as a rock #slow", function()
    if not isfound() then
      return pending(no_rocks)
    end
    local tree, folder = rock("mcast-scm-1.rockspec", "scm-1")
    try(tree, tree .. LIBDIR, tree .. LUADIR, folder .. "/examples")
    assert.equal(documents ".", documents(folder))
  end)

  it("works as the rock of the release #slow", function()
    if not isfound() then
      return pending(no_rocks)
    end
    local version = require "mcast"._VERSION:match "%S+$" .. "-1"
    local tree, folder = rock(("rockspecs/mcast-%s.rockspec"):format(version), version)
    try(tree, tree .. LIBDIR, tree .. LUADIR, folder .. "/examples")
    assert.equal(documents ".", documents(folder))
  end)

  it("works as make installs it, despite umask and spaces", function()
    local source, root = copy(true), directory() .. "/a root"
    within(source, "mkdir -p build/site && echo > build/site/index.html")
    within(source, ("umask 077 && chmod -R go= . && make install DESTDIR='%s' PREFIX=/opt/mcast"):format(root))
    helper.check("rm -r " .. source)
    local prefix = root .. "/opt/mcast"
    local folder = prefix .. "/share/doc/mcast"
    try(root, prefix .. LIBDIR, prefix .. LUADIR, folder .. "/examples")
    assert.equal(documents ".", documents(folder))
    within(folder, "test -f site/index.html")
    assert.equal("", within(prefix, "find . -type d ! -perm 755"))
    assert.equal(("./bin/mcast\n.L/mcast.so\n.L/mcast/sim/core.so\n.L/mcast/sim/worker.so\n"):gsub("L", LIBDIR)
      .. ("./E/demo\n./E/private-network\n./E/simulator/slurm\n"):gsub("E", "share/doc/mcast/examples"),
      within(prefix, "find . -type f ! -perm 644 | LC_ALL=C sort"))
    local programs <const> = ("E/demo E/private-network E/simulator/slurm"):gsub("E", "share/doc/mcast/examples")
    assert.equal("", within(prefix, ("find lib %s -type f ! -perm 755"):format(programs)))
  end)

  it("is removed by make uninstall", function()
    local root = directory() .. "/a root"
    helper.check(("make install uninstall DESTDIR='%s'"):format(root))
    assert.equal("", within(root, "find . ! -type d -o -name '*mcast*'"))
  end)

  it("keeps other files in the folders of an installation", function()
    local root = directory()
    local others = { "./doc/other", "./lib/mcast/other.so" }
    within(root, "mkdir -p doc lib/mcast && touch " .. table.concat(others, " "))
    helper.check(("make install uninstall DESTDIR=%s INST_LIBDIR=/lib INST_LUADIR=/lua INST_DOCDIR=/doc PREFIX=/"):format(root))
    assert.equal(table.concat(others, "\n") .. "\n", within(root, "find . ! -type d | LC_ALL=C sort"))
  end)

  it("leaves nothing in a checkout that git shows or make clean forgets #slow", function()
    if not helper.has "git" or not isfound() then
      return pending("needs git, and " .. no_rocks)
    end
    local source = copy()
    within(source, "git init -q && git add -A")
    within(source, ("%s --tree %s make --deps-mode=none CFLAGS='-O0 -fPIC'"):format(LUAROCKS, directory()))
    assert.equal("", within(source, "git ls-files --others --exclude-standard"))
    within(source, "make clean")
    assert.equal("", within(source, "git ls-files --others"))
  end)

  it("has rockspecs as make rockspec writes them", function()
    local source = copy()
    within(source, "make -s rockspec")
    for path in helper.check "ls mcast-scm-1.rockspec rockspecs/*.rockspec":gmatch "[^\n]+" do
      helper.check(("diff %s %s/%s"):format(path, source, path))
      helper.check("luarocks lint " .. path)
    end
  end)

  it("lists each source in the rockspec", function()
    local build, modules = load "mcast-scm-1.rockspec".build, {}
    assert.equal(helper.check "ls src/*.c", table.concat(build.modules.mcast, "\n") .. "\n")
    local core = table.concat(build.modules["mcast.sim.core"].sources, "\n") .. "\n"
    assert.equal(helper.check "ls src/sim/*.c", core:match "^.*src/sim/[^\n]+\n")
    assert.equal(helper.check "ls src/worker/*.c", table.concat(build.modules["mcast.sim.worker"], "\n") .. "\n")
    for name, source in pairs(build.modules) do
      if type(source) == "string" then
        assert.equal(name, (source:match "^lua/(.*)%.lua$":gsub("/", ".")))
        modules[#modules + 1] = source
      end
    end
    table.sort(modules)
    assert.equal(helper.check "find lua -name '*.lua' | LC_ALL=C sort", table.concat(modules, "\n") .. "\n")
  end)
end)
