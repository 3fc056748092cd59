-- Runs what the README shows.
local helper <const> = require "spec.support.helper"

local readme <const> = assert(io.open "README.md"):read "a"

local function blocks(language)
  local list = {}
  for block in readme:gmatch("```" .. language .. "\n(.-)```") do
    list[#list + 1] = block
  end
  return list
end

helper.once("the README", function()
  it("opens with a pair that works", function()
    local receiver, sender = table.unpack(blocks "lua")
    local output = helper.start(helper.lua .. " " .. helper.script('io.stdout:setvbuf "line" ' .. receiver))
    helper.check "until grep -q 471D03E0 /proc/net/igmp; do sleep 0.02; done"
    assert.matches("^127%.0%.0%.1:10000\tack\n$", helper.check(helper.lua .. " " .. helper.script(sender)))
    assert.matches("^19\t127%.0%.0%.1:%d+\tvery important data$", output:read "l")
  end)

  it("has snippets that run", function()
    local list = blocks "lua"
    assert.equal(6, #list)
    for i = 3, #list do
      helper.check(helper.lua .. " " .. helper.script(list[i]))
    end
  end)

  it("has commands that run, and links that lead somewhere", function()
    local path = helper.check("mktemp -d"):match "[^\n]+"
    helper.defer(function() helper.run("rm -rf " .. path) end)
    helper.check("tar --exclude=./.git --exclude=./build --exclude=./doc -cf - . | tar -xf - -C " .. path)
    local commands = table.concat(blocks "sh")
    assert.equal(10, select(2, commands:gsub("\n", "")))
    for command in commands:gmatch "[^\n]+" do
      -- one spec stands for all, which would run this one without end
      local own = command:find "lua5.4" and "" or "unset LUA_PATH LUA_CPATH; " -- which ldoc's Lua is not to see
      helper.check(("cd %s && %sDESTDIR=%s/root SPEC=spec/address_spec.lua %s"):format(path, own, path, command))
    end
    for link in readme:gmatch "%]%(([^)]+)%)" do
      local file, anchor = link:match "^([^#]+)#?(.*)$"
      local text = assert(io.open(path .. "/" .. file), link):read "a"
      assert.is_truthy(anchor == "" or text:find(('name = "%s"'):format(anchor), 1, true), link)
    end
  end)
end)
