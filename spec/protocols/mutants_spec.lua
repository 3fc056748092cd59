-- The mutants of the other specs of this folder, sent to an example that answers each datagram.
local helper <const> = require "spec.support.helper"
local mutants <const> = require "spec.support.mutants"

helper.long("mutants of packets", function()
  it("reaches a script by its group and its address", function()
    local options <const> = { script = "examples/receiver.lua", packets = { "very important data" }, port = 10000,
      group = "224.3.29.71", count = 3000 }
    local result <const> = mutants.run(options)
    assert.equal(3000, result.sent)
    assert.equal(0, result.unprompted)
    assert.is_true(result.answered > 300 and result.answered < 2000, result.answered)
    assert.same(result, mutants.run(options)) -- the same ones each time
  end)

  it("reads captures that name no machine or program", function()
    for path in helper.check "ls spec/protocols/packets/*.pcapng":gmatch "[^\n]+" do
      local file <close> = assert(io.open(path, "rb"))
      local length <const> = string.unpack("<I4", file:read(8), 5)
      assert.equal(28, length, path .. ": options in its section header (write it by mcast.pcapng)")
    end
  end)

  it("shows a script that fails", function()
    local script <const> = helper.script [[
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket { port = 10000 })
      assert(sock:join "224.3.29.71")
      for data in sock:datagrams() do string.unpack(">I8", data) end]]
    assert.error_matches(function()
      mutants.run { script = script, packets = { "very important data" }, port = 10000, group = "224.3.29.71", count = 1000 }
    end, "data string too short")
  end)
end)
