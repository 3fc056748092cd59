-- Sweeps on several machines: the recipes of docs/machines.md, beside two sshd, and beside a Slurm of two nodes.
local helper <const> = require "spec.support.helper"
local topic <const> = require "spec.support.topic"

-- The reason why machines of a kind cannot run here, or nil.
local function lacks(programs)
  local map <const> = io.open "/proc/self/uid_map"
  if not helper.private or not (map and map:read "a":find "^%s*0%s+0%s+4294967295") then
    return "needs a network namespace of the superuser's"
  end
  for _, program in ipairs(programs) do
    if not helper.has("env PATH=$PATH:/usr/sbin sh -c 'command -v " .. program .. "'") then
      return "needs " .. program
    end
  end
  return not helper.plain and helper.not_plain or nil
end

-- The body of a test, or of a pending one where there is a reason.
local function unless(reason, block)
  return not reason and block or function() pending(reason) end
end

-- A block of the page with these words, as a shell script.
local function recipe(words)
  for _, block in ipairs(topic.blocks "docs/machines.md") do
    if block.language == "console" and block.text:find(words, 1, true) then
      return block.text
    end
  end
  error("no such recipe: " .. words)
end

-- A folder with examples/simulator of a copy, where `lua5.4` is this Lua; returns its path, and a function that runs a shell
-- script there beside the machines.
local function machines(kind)
  local copy <const>, scratch = topic.copy(), helper.check "mktemp -d":match "[^\n]+"
  helper.defer(function() helper.run("rm -r " .. scratch) end)
  local folder <const> = copy .. "/examples/simulator"
  local merge <const> = assert(io.open(folder .. "/merge.lua", "w"))
  for _, block in ipairs(topic.blocks "docs/machines.md") do
    merge:write(block.language == "lua" and block.text or "")
  end
  merge:close()
  return folder, function(text)
    local script <const>, beside = helper.script(text), helper.check "pwd":match "[^\n]+" .. "/spec/support/" .. kind
    return helper.check(("cd %s && rm -rf %s/* && PATH=%s/bin:$PATH %s %s bash %s"):format(folder, scratch, copy, beside,
      scratch, script), 200)
  end
end

-- The report of a sweep until its replay, without the line of the machines, and without lines that a login's shell prints.
local function plain(output)
  return (output:match "%d+ of 1000 seeds failed\n.-\nreplay: [^\n]*\n":gsub("\nmcast [%d.]+, Lua [^\n]*", ""))
end

-- Two recipes in one go, since it takes a while to start the machines; returns both outputs, and that of the sweep here.
local function both(run, one, other)
  local output <const> = run(one .. "echo ----\n" .. other .. "echo ----\nlua5.4 sweep.lua\n")
  return output:match "^(.*)%-%-%-%-\n(.*)%-%-%-%-\n(.*)$"
end

helper.describe("GNU parallel over ssh", function()
  local gnu <const> = helper.run("parallel --version"):find "^GNU parallel"
  local reason <const> = lacks { "sshd", "ssh", "ssh-keygen" } or not gnu and "needs GNU parallel" or nil

  it("finds the failures of here, beside a dead machine #slow", unless(reason, function()
    local folder <const>, run = machines "hosts"
    local with_dead <const> = recipe "MCAST_LAUNCH=\"parallel":gsub("one,two", "%0,dead")
    local half <const> = recipe "--resume":gsub("950", "450"):gsub("lua5.4 merge[^\n]*\n", "")
    local launched <const>, merged, here = both(run, with_dead, half .. recipe "--resume")
    assert.equal(plain(here), plain(launched))
    assert.equal(plain(here), plain(merged))
    local jobs <const> = helper.check(("awk 'NR > 1 { print $2 }' %s/log | sort | uniq -c"):format(folder))
    local on_one <const>, on_two = jobs:match "^ *(%d+) one\n *(%d+) two\n$"
    assert.equal(20, on_one + on_two)
  end))
end)

helper.describe("Slurm", function()
  local reason <const> = lacks { "slurmctld", "slurmd", "sbatch", "munged" }

  it("finds the failures of the sweep here #slow", unless(reason, function()
    local _, run = machines "cluster"
    local launched <const>, merged, here = both(run, recipe "./slurm", recipe "sbatch")
    assert.equal(plain(here), plain(launched))
    assert.equal(plain(here), plain(merged))
  end))
end)
