-- mcast doctor: finds why multicast does not work here. Each check in doctor/ is a function of the facts that returns a
-- list of findings, {severity, subject, text, fix}.
local group <const> = require "mcast.cli.group"
local findings <const> = require "mcast.cli.doctor.findings"
local host <const> = require "mcast.cli.doctor.host"
local test <const> = require "mcast.cli.doctor.test"

local doctor = {
  summary = "Finds why multicast does not work here",
  description = "Finds why multicast does not work here, and prints the command that mends it. Without a group it asks "
    .. "about IPv4 multicast in general, and tests each interface with the group of all hosts. A group that is named is "
    .. "joined for the time of the test. All datagrams have TTL 0, so they stay on this host.",
  example = "mcast doctor 239.1.2.3:5000%eth0",
}

-- In the order in which they are mended: a route needs an interface that is up.
local CHECKS <const> = { "interface", "inet6", "route", "limit", "port", "bridge", "firewall", "container" }
local COLOURS <const> = { error = "red", warning = "yellow", note = "dim" }
local KEYS <const> = { "severity", "subject", "text", "fix" }

local function parse(text)
  local one <const>, message = group.parse(text)
  if one then
    one.text = text
  end
  return one, message
end

function doctor.options(parser)
  parser:argument("group", "GROUP[:PORT][%IF] or SOURCE@GROUP[:PORT][%IF]; several ones stand for one socket's."):args("*")
    :convert(parse)
end

-- Does a finding explain that a test failed?
local function explains(facts, finding, result)
  return finding.severity == "error"
    and (finding.subject == result.interface.name or not facts.byname[finding.subject])
end

-- A failed test's finding, where no other one explains it.
local function add_failure(facts, list, result)
  if result.group.family == "inet6" and facts.invalid[result.interface.name] then
    return -- its addresses are named
  end
  local unread = false
  for _, finding in ipairs(list) do
    if explains(facts, finding, result) then
      return
    end
    unread = unread or finding.severity == "note" and finding.subject == "firewall"
  end
  local serious <const> = not facts.named or facts:needs(result.interface, result.group.family)
  list:add(serious and "error" or "note", result.interface.name, ("self-test with %s: %s%s"):format(result.group.group,
    result.message, unread and " (packet filters could not be read)" or ""), unread and facts:again() or nil)
end

local FAMILIES <const> = { inet = "IPv4", inet6 = "IPv6" }

local function add_tests(facts, list)
  local passed <const>, seen <const> = {}, {}
  for _, result in ipairs(facts.tested) do
    local way <const> = ("%s (%s)"):format(result.interface.name, FAMILIES[result.group.family])
    if not result.ok then
      add_failure(facts, list, result)
    elseif not seen[way] then
      seen[way], passed[#passed + 1] = true, way
    end
  end
  list:note("self-test", #passed > 0 and "there and back over " .. table.concat(passed, ", ")
    or "no interface is up and has an address")
end

-- All findings: faults first, then facts.
local function examine(facts)
  local list <const>, sorted <const> = findings.new(), findings.new()
  facts.tested = test(facts)
  for _, name in ipairs(CHECKS) do
    for _, finding in ipairs(require("mcast.cli.doctor." .. name)(facts)) do
      list[#list + 1] = finding
    end
  end
  add_tests(facts, list)
  for _, isnote in ipairs { false, true } do
    for _, finding in ipairs(list) do
      sorted[#sorted + 1] = (finding.severity == "note") == isnote and finding or nil
    end
  end
  return sorted
end

local function print_finding(out, finding)
  local head <const> = out:colour(COLOURS[finding.severity], ("%-8s"):format(finding.severity))
  local text = ("%s %s: %s"):format(head, out.printable(finding.subject), out.printable(finding.text))
  if finding.fix then
    text = ("%s\n         %s"):format(text, out:colour("bold", out.printable(finding.fix)))
  end
  out:record(finding, text, KEYS)
end

local function plural(n, word)
  return ("%d %s%s"):format(n, word, n == 1 and "" or "s")
end

function doctor.run(args, out)
  local facts <const>, message = host.new(args.group)
  if not facts then
    return 1, message
  end
  local n <const> = { error = 0, warning = 0, note = 0 }
  for _, finding in ipairs(examine(facts)) do
    n[finding.severity] = n[finding.severity] + 1
    print_finding(out, finding)
  end
  local text <const> = n.error + n.warning == 0 and "nothing is broken"
    or plural(n.error, "error") .. ", " .. plural(n.warning, "warning")
  out:record({ summary = text, errors = n.error, warnings = n.warning, notes = n.note }, text,
    { "summary", "errors", "warnings", "notes" })
  return n.error > 0 and 1 or 0
end

return doctor
