-- A user's mistakes in the words behind a script's name: each is named at once, before the script sends or waits.
local helper <const> = require "spec.support.helper"

local long <const> = ("x"):rep(300)

local mistakes <const> = {
  { "ssmping.lua --help", "usage: ssmping.lua" },
  { "ssmping.lua 127.0.0.1 --interface lo --count x", "usage: ssmping.lua" },
  { "ssmping.lua 127.0.0.1 --interface lo --interval x", "usage: ssmping.lua" },
  { "ssmping.lua fe80::1 --interface lo", "written as fe80::1%eth0" },
  { "lcm.lua publish A / --interface lo", "a file, or a shorter name, expected" },
  { "lcm.lua publish " .. long .. " README.md --interface lo", "a file, or a shorter name, expected" },
  { "lcm.lua publish A README.md --interface lo --rate x", "usage: " },
  { "lcm.lua subscribe A --interface lo --port x", "usage: " },
  { "rip.lua --interface lo/8 --seconds x", "usage: rip.lua" },
  { "rip.lua --interface lo/8 --timeout x", "usage: rip.lua" },
  { "rip.lua --interface lo/99 --seconds 1", "/0 to /32 expected" },
  { "rip.lua --interface lo/8 --announce 10.0.0.0/99 --seconds 1", "/0 to /32 expected" },
  { "rip.lua --interface lo/8 --announce host --seconds 1", "no address" },
  { "rip.lua --interface lo/8 --announce 224.0.0.0/4 --seconds 1", "a prefix of hosts expected" },
  { "rip.lua --interface lo/8 --announce fd00::1 --seconds 1", "a prefix of hosts expected" },
  { "babel.lua --hello 1", "usage: babel.lua" },
  { "babel.lua --interface lo --hello x", "usage: babel.lua" },
  { "babel.lua --interface lo --hello nan", "usage: babel.lua" },
  { "babel.lua --interface lo --hello 300", "usage: babel.lua" },
  { "babel.lua --interface lo --colour red", "usage: babel.lua" },
  { "babel.lua --interface lo --announce", "usage: babel.lua" },
  { "babel.lua --interface lo --announce 10.0.0.0/8", "10.0.0.0/8: no IPv6 prefix" },
  { "babel.lua --interface lo --announce 2001:db8::/129", "no IPv6 prefix" },
  { "babel.lua --interface lo --announce 2001:db8::", "no IPv6 prefix" },
  { "babel.lua --interface eth77", "eth77" },
  { "coap.lua serve --interface lo --leisure x", "usage: coap.lua" },
  { "coap.lua coap://224.0.1.187/ --interface lo --seconds x", "usage: coap.lua" },
  { "coap.lua coap://127.0.0.1/" .. long .. " --interface lo", "usage: coap.lua" },
  { "rtp.lua", "usage: see the top" },
  { "rtp.lua receive --interface lo --seconds x", "usage: see the top" },
  { "reliable.lua --interface lo", "usage: reliable.lua" },
  { "reliable.lua --interface lo --rate x send LICENSE", "usage: reliable.lua" },
  { "reliable.lua --interface lo --grtt 0 receive copy", "usage: reliable.lua" },
  { "reliable.lua --interface lo --colour red send LICENSE", "usage: reliable.lua" },
  { "reliable.lua --interface lo send missing", "missing: No such file" },
  { "swim.lua --interface lo --stay x", "usage: swim.lua" },
  { "swim.lua --interface lo --own x", "usage: swim.lua" },
  { "swim.lua --interface lo --period x", "usage: swim.lua" },
}

helper.long("scripts of protocols", function()
  for _, mistake in ipairs(mistakes) do
    it("names the mistake of " .. mistake[1]:sub(1, 80), function()
      local output <const>, status <const> = helper.run("exec lua5.4 examples/protocols/" .. mistake[1], 5)
      assert.equal(1, status, output)
      assert.matches(mistake[2], output, 1, true)
    end)
  end

  it("asks by ssmping where the count is no positive integer", function()
    for _, count in ipairs { "0", "1.5" } do
      local output <const> = helper.check(
        "lua5.4 examples/protocols/ssmping.lua 127.0.0.1 --interval 0.1 --interface lo --count " .. count, 10)
      assert.matches("multicast: sent %d, answered 0", output)
    end
  end)
end)
