-- mcast groups: the memberships of this host.
local holders <const> = require "mcast.cli.holders"
local memberships <const> = require "mcast.cli.memberships"
local watch <const> = require "mcast.cli.watch"

local groups = {
  summary = "Lists the groups that this host has joined",
  description = "Lists the groups that this host has joined: interface, number of sockets, filters, and programs.\n\n"
    .. "The system does not report which socket has joined which group: PROGRAMS are those with a socket that is bound so that "
    .. "it could have. A program of another user is shown by the user's number, unless root runs this.",
  example = "mcast groups --interface eth0 --watch",
}

local KEYS <const> = { "change", "group", "interface", "index", "sockets", "system", "include", "exclude", "programs", "name",
  "pid", "uid", "host", "port" }

function groups.options(parser)
  parser:argument("group", "Only this group."):args "?"
  parser:option("--interface", "Only those of this interface.")
  parser:flag("--all", "Also those that the system itself holds on each interface, such as 224.0.0.1.")
  parser:flag("--watch", "Follow changes, until Ctrl-C.")
end

-- "+10.0.0.1" is a source that is accepted, "-10.0.0.1" one that is excluded; with the number of sockets where not all name it.
local function filters(membership)
  local list <const> = {}
  for sign, sources in pairs { ["+"] = membership.include, ["-"] = membership.exclude } do
    for source, count in pairs(sources) do
      list[#list + 1] = sign .. source .. (count < membership.users and (" (%d)"):format(count) or "")
    end
  end
  table.sort(list)
  return list[1] and table.concat(list, " ") or "any"
end

local function address(program)
  local host <const> = program.host:find ":" and "[" .. program.host .. "]" or program.host
  local port <const> = program.raw and "raw" or program.port
  return (program.host == "0.0.0.0" or program.host == "::") and ":" .. port or host .. ":" .. port
end

local function programs(membership, out)
  local list <const> = {}
  for i, program in ipairs(membership.programs) do
    local name <const> = program.name and ("%s[%d]"):format(out.printable(program.name), program.pid) or "uid " .. program.uid
    list[i] = ("%s %s%s"):format(name, address(program), program.sockets > 1 and " x" .. program.sockets or "")
  end
  return list[1] and table.concat(list, ", ") or holders.issystems(membership) and "the system" or "?"
end

local function cells(membership, out)
  return { membership.group, membership.interface, tostring(membership.users), filters(membership), programs(membership, out) }
end

local object <const> = { __jsontype = "object" }

local function record(membership, out, change)
  return { change = change, group = membership.group, interface = membership.interface, index = membership.index,
    sockets = membership.users, system = holders.issystems(membership), include = setmetatable(membership.include, object),
    exclude = setmetatable(membership.exclude, object), programs = out.list(membership.programs) }
end

-- The memberships that were asked for; raises where the system has no list of them.
local function read(args)
  local all <const>, message <const> = memberships.read()
  if not all then
    error({ status = 1, message = message }, 0)
  end
  local list <const> = {}
  for _, membership in ipairs(all) do
    local wanted <const> = (not args.group or membership.group == args.group)
      and (not args.interface or membership.interface == args.interface)
    local shown <const> = args.all or args.group or not holders.issystems(membership)
    list[#list + 1] = wanted and shown and membership or nil
  end
  return list
end

local function print_list(list, out)
  local rows <const> = {}
  for i, membership in ipairs(list) do
    rows[i] = cells(membership, out)
    out:record(record(membership, out), nil, KEYS)
  end
  out:table({ "GROUP", "INTERFACE", "SOCKETS", "SOURCES", "PROGRAMS" }, rows)
end

local signs <const> = { added = "+", removed = "-", changed = "~" }

function groups.run(args, out)
  if args.group then
    local parsed <const>, message <const> = require "mcast.cli.group".parse(args.group)
    if not parsed then
      return 2, message
    end
    args.group, args.interface = parsed.group, args.interface or parsed.interface
  end
  local list <const> = holders.find(read(args))
  print_list(list, out)
  if args.watch then
    watch.follow({
      read = function() return read(args) end,
      complete = holders.find,
      key = function(membership) return membership.index .. " " .. membership.group end,
      value = function(membership) return membership.users .. filters(membership) end,
      print = function(change, membership)
        local text <const> = ("%s %s %s"):format(os.date "%H:%M:%S", signs[change], table.concat(cells(membership, out), "  "))
        out:record(record(membership, out, change), text, KEYS)
      end,
    }, list)
  end
  return args.group and not args.watch and #list == 0 and 1 or 0
end

return groups
