-- examples/protocols/coap.lua with libcoap's server and client, with mutants of their packets, and in the simulator.
local helper <const> = require "spec.support.helper"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"

local path <const> = "examples/protocols/coap.lua"
local script <const> = helper.lua .. " " .. path .. " "

-- libcoap's programs are built with one library for TLS or another, and their names end with it.
local function named(name)
  return peer.lacks(name .. "-notls") and name or name .. "-notls"
end

local server <const>, client <const> = named "coap-server", named "coap-client"

local function await(lan)
  helper.check(lan.there .. "sh -c 'until grep -q :1633 /proc/net/udp /proc/net/udp6; do sleep 0.02; done'") -- port 5683
end

-- Starts libcoap's server for a group there, and our client here, which is returned.
local function ask(uri, words)
  local lan <const> = peer.lan()
  peer.start(lan.there, server .. (words or " -A 0.0.0.0 -g 224.0.1.187 -G eth0"))
  await(lan)
  return peer.start(lan.here, script .. helper.quote(uri) .. " --interface eth0")
end

-- Starts our server there, and libcoap's client here, and returns the output of the latter.
local function serve(words, uri)
  local lan <const> = peer.lan()
  peer.start(lan.there, script .. "serve --interface eth0 --leisure 0.5"):expect "serves"
  return helper.check(("%stimeout 20 %s -w -B 2 %s %s"):format(lan.here, client, words, helper.quote(uri)))
end

helper.long("coap", function()
  peer.it("gets a resource from libcoap's server", { server }, function()
    ask("coap://10.9.0.2/.well-known/core"):expect('2.05 from 10.9.0.2:5683 after 0.%d+ s: .*</time>;if="clock"')
  end)

  peer.it("receives an answer after an empty acknowledgement #slow", { server }, function()
    ask("coap://10.9.0.2/async"):expect "2.05 from 10.9.0.2:5683 after 4.%d+ s: done"
  end)

  peer.it("prints the error of a server", { server }, function()
    ask("coap://10.9.0.2/nothing"):expect "4.04 from 10.9.0.2:5683 after 0.%d+ s: Not Found"
  end)

  peer.it("gets a resource from a group of libcoap's servers #slow", { server }, function()
    ask("coap://224.0.1.187/time"):expect "2.05 from 10.9.0.2:5683 after %d.%d+ s: %u%l%l %d%d %d%d:"
  end)

  peer.it("gets a resource from a group over IPv6 #slow", { server }, function()
    ask("coap://[ff02::fd]:5683/time", " -A :: -g ff02::fd -G eth0")
      :expect "2.05 from %[fe80::[%x:]+%%eth0%]:5683 after %d.%d+ s: %u%l%l %d%d %d%d:"
  end)

  peer.it("serves libcoap's client", { client }, function()
    assert.matches("^%d+%.%d+ s\n", serve("-m get", "coap://10.9.0.2/uptime"))
  end)

  peer.it("serves libcoap's client over IPv6", { client }, function()
    assert.matches("^</uptime>\n", serve("-m get", "coap://[fd09::2]/.well-known/core"))
  end)

  peer.it("serves a group request of libcoap's client", { client }, function()
    assert.matches("^%d+%.%d+ s\n", serve("-N -m get", "coap://224.0.1.187/uptime"))
  end)

  peer.it("serves a group request over IPv6", { client }, function()
    assert.matches("^%d+%.%d+ s\n", serve("-N -m get", "coap://[ff02::fd%eth0]/uptime"))
  end)

  peer.it("answers errors to one client alone", { client }, function()
    assert.matches("^4%.04\n", serve("-m get", "coap://10.9.0.2/nothing"))
    assert.matches("^4%.05\n", serve("-m put -e 1", "coap://10.9.0.2/uptime"))
    assert.matches("^4%.02\n", serve("-A 40 -m get", "coap://10.9.0.2/uptime"))
    assert.equal("", (serve("-N -m get", "coap://224.0.1.187/nothing"):gsub("%s", "")))
  end)

  it("answers mutants by no more than one datagram each #slow", function()
    local result <const> = mutants.run { script = path, args = { "serve" }, packets = mutants.packets "coap", port = 5683,
      group = "224.0.1.187", after = 10 }
    assert.is_true(result.answered > 300 and result.answered <= result.sent, result.answered)
    assert.equal(0, result.unprompted)
  end)

  it("sends no more when mutants answer #slow", function()
    local result <const> = mutants.run { script = path, args = { "coap://224.0.1.187/uptime", "--seconds", "12" }, port = 32768,
      packets = mutants.packets "coap", group = "10.0.0.1", ends = true }
    assert.equal(1, result.unprompted)
    assert.is_true(result.answered <= result.sent)
  end)

  it("holds in the simulator for 1,000 seeds #slow", function()
    assert.equal("0 of 1000 seeds failed\n", helper.check(helper.lua .. " examples/simulator/coap.lua 1000", 300))
  end)

  it("draws the picture of its page", function()
    local picture <const> = helper.script ""
    helper.run(("%s examples/simulator/coap.lua 1 %s"):format(helper.lua, picture))
    assert.equal(io.open "examples/simulator/coap.svg":read "a", io.open(picture):read "a")
  end)

  it("has at most 120 lines", function()
    assert.is_true(select(2, io.open(path):read "a":gsub("\n", "")) <= 120)
  end)
end)
