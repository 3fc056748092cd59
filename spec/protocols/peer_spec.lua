-- The LAN of the other specs of this folder.
local helper <const> = require "spec.support.helper"
local peer <const> = require "spec.support.peer"

helper.long("a LAN of two hosts", function()
  it("carries groups of both families from host to host", function()
    local lan <const> = peer.lan()
    for _, group in ipairs { "239.1.2.3", "ff15::1:3" } do
      local receiver <const> = peer.start(lan.there, ("%s spec/lab/hear.lua eth0 10000 %s"):format(helper.lua, group))
      receiver:expect "ready\n"
      helper.check(lan.here .. ("%s spec/lab/say.lua eth0 10000 1 hello %s"):format(helper.lua, group))
      assert.matches("^%S+ " .. group:gsub("%p", "%%%0") .. " 1 hello\n$", receiver:expect "%S+ %S+ 1 hello\n")
    end
  end)

  it("ends a program by a signal", function()
    local program <const> = peer.start(peer.lan().here, "sleep 100")
    assert.equal(9, program:stop "KILL")
    assert.is_nil(program:stop())
  end)
end)
