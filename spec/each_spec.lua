-- The runner of all files of specs: its sums, and its exit status.
local helper <const> = require "spec.support.helper"

-- Runs files of specs with these texts; returns the output and the exit status.
local function each(texts)
  local folder <const> = helper.check "mktemp -d":match "[^\n]+"
  helper.defer(function() helper.run("rm -r " .. folder) end)
  for name, text in pairs(texts) do
    local file <close> = assert(io.open(("%s/%s_spec.lua"):format(folder, name), "w"))
    file:write(text)
  end
  return helper.run(("SPECS=%s spec/each 2 %s spec/run.lua"):format(folder, helper.lua))
end

local passing <const> = [[it("passes", function() end) it("waits", function() pending "needs time" end)]]

helper.long("specs of many files", function()
  it("adds up what each file reports", function()
    local output <const>, status <const> = each { one = passing, two = passing, three = passing }
    assert.equal(0, status)
    assert.matches("/two_spec.lua: 1 passed\n", output)
    assert.equal(3, select(2, output:gsub("\nwaits\n[^\n]*needs time\n", "")))
    assert.matches("\n3 successes / 0 failures / 0 errors / 3 pending : %d+ seconds\n$", output)
  end)

  it("shows a failure after all files", function()
    local output <const>, status <const> = each { one = [[it("fails", function() error "bad" end)]], two = passing }
    assert.not_equal(0, status)
    assert.matches("/one_spec.lua: 0 passed, 1 failed\n", output)
    assert.matches("/two_spec.lua: .*\nError %-> [^\n]*/one_spec.lua @ 1\nfails\n[^\n]*bad\n", output)
    assert.matches("\n1 successes / 0 failures / 1 errors / 1 pending", output)
  end)

  it("counts a file that ends early as an error", function()
    local output <const>, status <const> = each { one = passing, two = [[it("exits", function() os.exit(0) end)]],
      three = [[it("crashes", function() io.popen "kill -9 $PPID":close() end)]] }
    assert.not_equal(0, status)
    assert.matches("Error %-> [^\n]*/two_spec.lua\nended with status 0\n", output)
    assert.matches("Error %-> [^\n]*/three_spec.lua\nended with status 137\n", output)
    assert.matches("\n1 successes / 0 failures / 2 errors / 1 pending", output)
  end)
end)
