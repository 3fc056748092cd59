-- Runs the usage of each documented function.
local helper <const> = require "spec.support.helper"

local prelude <const> = [[
  local mcast = require "mcast"
  local sock = assert(mcast.socket { metadata = true, interface = "lo" })
  local a, b = sock, assert(mcast.socket())
  local from, errno = b:getsockname(), mcast.errno.ETIMEDOUT
  local monitor = assert(mcast.monitor())
  assert(sock:join "224.3.29.71")
  assert(b:sendto("hello", "127.0.0.1", sock:getsockname().port))
]]

helper.network("usages in the reference of the module", function()
  local n = 0
  for path in helper.check "ls src/*.c":gmatch "[^\n]+" do
    for block in assert(io.open(path)):read "a":gmatch "/%*%*%*\n(.-)%*/" do
      local name, usage = block:match "@function (%S+)", block:match "@usage%s(.*)"
      if usage then
        n = n + 1
        usage = usage:gsub("\n@.*", "")
        it("runs the usage of " .. (name or "errno"), function()
          local reason <const> = helper.lacks(usage)
          if reason then
            return pending(reason)
          end
          local before = name == "unblock" and 'sock:block("224.3.29.71", "192.168.1.66")' or ""
          helper.check(helper.lua .. " " .. helper.script(prelude .. before .. "\n" .. usage))
        end)
      end
    end
  end

  it("finds the usage of nearly all functions", function()
    assert.is_true(n >= 27, n)
  end)
end)

-- A net for each usage of the simulator's reference.
local simulated <const> = [[
  local sim = require "mcast.sim"
  local net = sim.new { output = function() end }
  local far = net:lan "far"
  local function leaders() return 1 end
  local story = sim.shrink(function() sim.new() error "bad" end, 1)
  local node = net:node("other", function() end)
  net:node("sender", "examples/sender.lua")
  net:node("receiver-1", "examples/receiver.lua")
  %s
  net:run(net:now() + 3)
]]

describe("usages in the reference of the simulator", function()
  local n = 0
  for source in helper.check "find lua/mcast/sim.lua lua/mcast/sim -name '*.lua' | LC_ALL=C sort":gmatch "[^\n]+" do
    local text = assert(io.open(source)):read "a"
    for usage, name in text:gmatch "\n%-%- @usage ([^\n]+)\n%-?%-?([^\n]*)" do
      n = n + 1
      it("runs the usage of " .. (name:match "function (%S+)%(" or usage), function()
        local before = usage:find "receiver%f[\"]" or usage:find "hosts.receiver"
        local text_before = before and usage:find "hosts" and 'net:node("receiver", "examples/receiver.lua")\n' or ""
        local path = os.tmpname()
        local script = simulated:format(text_before .. usage:gsub('"run%.%l+"', '"' .. path .. '"'))
        helper.check(helper.lua .. " " .. helper.script(script))
        os.remove(path)
      end)
    end
  end

  it("finds the usage of nearly all functions", function()
    assert.is_true(n >= 24, n)
  end)
end)

local function read(path)
  local file <const> = io.open(path)
  local text <const> = file and file:read "a"
  if file then
    file:close()
  end
  return text
end

-- The files and headings of the site that one page links, but for those of other sites.
local function targets(text)
  local list <const> = {}
  for _, attribute in ipairs { "href", "src" } do
    for target in text:gmatch(attribute .. '="([^"]*)"') do
      list[#list + 1] = not target:find "^%a+:" and target or nil
    end
  end
  return list
end

local function leads(page, target)
  local path <const>, anchor <const> = target:match "^([^#]*)#?(.*)$"
  local text <const> = read(path == "" and page or page:match ".*/" .. path)
  return text and (anchor == "" or text:find('="' .. anchor .. '"', 1, true))
end

describe("site", function()
  local folder <const> = os.tmpname()
  os.remove(folder)
  local output <const> = helper.check("unset LUA_PATH LUA_CPATH; make -s docs SITE=" .. folder .. " 2>&1")
  local pages <const> = helper.check("find " .. folder .. " -name '*.html'")

  teardown(function()
    helper.check("rm -r " .. folder)
  end)

  it("builds without warnings", function()
    assert.equal("", output)
  end)

  it("has modules, classes, topics and examples", function()
    for _, page in ipairs { "modules/mcast", "classes/socket", "classes/Node", "topics/README.md", "examples/receiver.lua" } do
      assert.is_truthy(read(folder .. "/" .. page .. ".html"), page)
    end
  end)

  it("has the script of each protocol, and its scenario", function()
    for path in helper.check "ls examples/protocols/*.lua":gmatch "[^\n]+" do
      local name <const> = path:match "[^/]+$"
      local page <const> = read(folder .. "/examples/" .. name .. ".html"):gsub("<[^>]*>", "")
      assert.is_truthy(page:find(read(path):match "^[^\n]+", 1, true), path)
      assert.equal(read("examples/simulator/" .. name), read(folder .. "/simulator/" .. name))
    end
  end)

  it("has each topic of the repository", function()
    for name in helper.check "ls *.md docs/*.md":gmatch "([^/\n]+)\n" do
      assert.is_truthy(read(folder .. "/topics/" .. name .. ".html"), name)
    end
  end)

  it("links existing pages and headings only", function()
    for page in pages:gmatch "[^\n]+" do
      for _, target in ipairs(targets(read(page))) do
        assert.is_truthy(leads(page, target), page .. ": " .. target)
      end
    end
  end)
end)
