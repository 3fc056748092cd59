-- The command: its arguments, its exit status and its output. Each subcommand has a spec of its own.
local helper <const> = require "spec.support.helper"
local json <const> = helper.plain and require "dkjson"

helper.long("mcast", function()
  it("lists the subcommands in its help", function()
    local output <const>, status <const> = helper.run "bin/mcast --help"
    assert.equal(0, status)
    assert.matches("\n   interfaces +Lists the interfaces", output)
  end)

  it("prints the version of the module", function()
    assert.equal(require "mcast"._VERSION .. "\n", helper.check "bin/mcast --version")
  end)

  for _, words in ipairs { "", "nonsense", "--nonsense", "interfaces --nonsense", "interfaces one" } do
    it(("ends with 2 and the usage for '%s'"):format(words), function()
      local output <const>, status <const> = helper.run("bin/mcast " .. words)
      assert.equal(2, status)
      assert.matches("^Usage: mcast.*\nmcast: ", output)
    end)
  end

  it("has help with an example for each subcommand", function()
    for name in helper.check "bin/mcast --help":match "Commands:(.*)$":gmatch "\n   (%l+)" do
      local output <const> = helper.check("bin/mcast " .. name .. " --help")
      assert.matches("^Usage: mcast " .. name, output)
      assert.matches("\nExample: mcast " .. name, output)
      assert.matches("%-%-json", output)
    end
  end)

  it("prints a completion script", function()
    assert.matches("complete %-F _mcast", helper.check "bin/mcast --completion bash")
  end)

  it("names the package that it lacks", function()
    local output <const>, status <const> = helper.run(helper.lua
      .. [[ -e 'package.preload.argparse = function() error "no" end arg = { [0] = "bin/mcast" } dofile "bin/mcast"']])
    assert.equal(1, status)
    assert.matches("argparse is missing %(apt%-get install lua%-argparse, or luarocks install argparse%)", output)
  end)

  it("ends well when the reader of its output is gone", function()
    assert.equal("0\n", (helper.run [[
      trap '' PIPE; folder=$(mktemp -d); mkfifo $folder/pipe
      exec 3<>$folder/pipe 4>$folder/pipe 3>&-; rm -r $folder
      bin/mcast interfaces >&4; echo $?
    ]]))
  end)

  it("reports a full disk", function()
    local output <const>, status <const> = helper.run "bin/mcast interfaces >/dev/full"
    assert.equal("mcast: stdout: No space left on device\n", output)
    assert.equal(1, status)
  end)

  it("writes into no socket where stdout is closed", function()
    local output <const>, status <const> = helper.run "bin/mcast send 239.1.2.3:5000%lo news >&-"
    assert.same({ "", 0 }, { output, status })
  end)

  it("fails where --version cannot be written", function()
    assert.equal(1, (select(2, helper.run "bin/mcast --version >/dev/full")))
  end)

  it("runs through a symbolic path and from another folder", function()
    assert.matches("^NAME", helper.check "cd / && $OLDPWD/bin/mcast interfaces")
  end)
end)

helper.long("mcast interfaces", function()
  it("lists each interface with its addresses", function()
    assert.matches("\nlo +1 +up,running[%l,]*loopback +%d+ +127%.0%.0%.1", helper.check "bin/mcast interfaces")
  end)

  it("prints an object a line with --json", function()
    for line in helper.check "bin/mcast interfaces --json":gmatch "[^\n]+" do
      local one <const> = assert(json.decode(line))
      assert.equal("string", type(one.name))
      assert.equal("table", type(one.addresses))
    end
  end)
end)
