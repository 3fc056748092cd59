-- mcast groups, and mcast interfaces --watch.
local helper <const> = require "spec.support.helper"
local json <const> = helper.plain and require "dkjson"
local mcast <const> = require "mcast"

-- The objects of a command's lines.
local function objects(command)
  local list = {}
  for line in helper.check(command .. " --json"):gmatch "[^\n]+" do
    list[#list + 1] = assert(json.decode(line))
  end
  return list
end

local function only(list)
  assert.equal(1, #list)
  return list[1]
end

local function socket(options)
  local sock <const> = assert(mcast.socket(options))
  helper.defer(function() sock:close() end)
  return sock
end

-- Reads lines until one matches.
local function await(pipe, pattern)
  local lines = {}
  for line in pipe:lines() do
    if line:find(pattern) then return line end
    lines[#lines + 1] = line
  end
  error(("no line matches %s: %s"):format(pattern, table.concat(lines, "\n")))
end

local function block()
  for _, family in ipairs(helper.families) do
    describe("with " .. family.name, function()
      local function join(options)
        local sock <const> = socket { family = family.name, port = 5001 }
        options = options or {}
        options.interface = "lo"
        assert(sock:join(family.group, options))
        return sock
      end

      it("lists a membership with the program that holds it", function()
        join()
        local one <const> = only(objects("bin/mcast groups " .. family.group))
        assert.same({ family.group, "lo", 1, false }, { one.group, one.interface, one.sockets, one.system })
        local program <const> = only(one.programs)
        assert.equal(5001, program.port)
        assert.equal(io.open "/proc/self/stat":read "n", program.pid)
      end)

      it("counts sockets, and those that name a source", function()
        join { source = family.sources[1] }
        assert(join():block(family.group, family.sources[2], { interface = "lo" }))
        local one <const> = only(objects("bin/mcast groups " .. family.group))
        assert.equal(2, one.sockets)
        assert.same({ [family.sources[1]] = 1 }, one.include)
        assert.same({ [family.sources[2]] = 1 }, one.exclude)
        local text <const> = helper.check("bin/mcast groups " .. family.group)
        assert.is_truthy(text:find(("+%s (1) -%s (1)"):format(family.sources[1], family.sources[2]), 1, true), text)
      end)

      it("lists no program whose socket is bound to another address", function()
        join()
        socket { host = family.own, port = 5002 }
        socket { host = family.other, port = 5003 }
        assert.equal(5001, only(only(objects("bin/mcast groups " .. family.group)).programs).port)
      end)

      it("follows joins, filters and leaves", function()
        local pipe <const> = helper.start "timeout 10 bin/mcast groups --watch"
        await(pipe, "^GROUP")
        local group <const> = family.group:gsub("%p", "%%%0")
        local sock <const> = join()
        await(pipe, "^%d+:%d+:%d+ %+ " .. group .. "  lo  1  any")
        assert(sock:block(family.group, family.sources[1], { interface = "lo" }))
        await(pipe, "^%d+:%d+:%d+ ~ " .. group .. "  lo  1  %-" .. family.sources[1]:gsub("%p", "%%%0"))
        sock:close()
        await(pipe, "^%d+:%d+:%d+ %- " .. group)
      end)
    end)
  end

  it("leaves out groups that the system alone holds", function()
    assert.same({}, objects "bin/mcast groups")
    local all <const> = objects "bin/mcast groups --all --interface lo"
    assert.equal("224.0.0.1", all[1].group)
    assert.is_true(all[1].system)
    assert.same({}, all[1].programs)
  end)

  it("shows the user of a socket whose process may not be read", function()
    local sock <const> = socket { port = 5001 }
    assert(sock:join("239.1.2.3", { interface = "lo" }))
    local output <const> = helper.check "setpriv --bounding-set -all --inh-caps -all bin/mcast groups 239.1.2.3"
    assert.matches("uid %d+ :5001", output)
  end)

  it("ends with 1 where the group is not joined", function()
    assert.equal(1, select(2, helper.run "bin/mcast groups 239.1.2.9"))
    assert.equal(2, select(2, helper.run "bin/mcast groups 10.0.0.1"))
  end)

  it("ends well on Ctrl-C", function()
    local output <const> = helper.check [[
      bin/mcast groups --watch >/dev/null & sleep 0.5; kill -INT $!; wait $!; echo $?]]
    assert.equal("0\n", output)
  end)
end

helper.long("mcast interfaces --watch", helper.private and function()
  it("prints the changes of interfaces and addresses", function()
    local pipe <const> = helper.start "timeout 10 bin/mcast interfaces --watch"
    await(pipe, "^NAME")
    helper.setaddress("lo", "10.8.8.8", true)
    await(pipe, "^%d+:%d+:%d+ lo address added 10%.8%.8%.8$")
    helper.setaddress("lo", "10.8.8.8", false)
    await(pipe, "^%d+:%d+:%d+ lo address removed 10%.8%.8%.8$")
  end)
end or function()
  pending(helper.no_network)
end)

helper.long("mcast groups", helper.private and block or function()
  pending(helper.no_network)
end)
