-- The command `mcast`: its subcommands are the modules in lua/mcast/cli/ that are named here. A subcommand is a table:
--
--   summary           a line for the list of subcommands
--   description       optional: further text for its --help
--   example           a command line
--   options(parser)   adds arguments and options to an argparse parser
--   valued            optional: its options that a word follows, of one that runs a script with the words behind its name
--   run(args, out)    does it; returns the exit status, nil for 0, or 1 and a message for stderr
--
-- Exit status: 0, 1 for what was asked for and did not hold, 2 for usage. Further modules there are shared by subcommands.
local cli = {}

local subcommands <const> = {
  "doctor",
  "listen",
  "send",
  "ping",
  "pong",
  "record",
  "replay",
  "bench",
  "interfaces",
  "groups",
  "sim",
  "run",
  "timeline",
}

local PACKAGES <const> = {
  argparse = "lua-argparse", dkjson = "lua-dkjson", term = "lua-term", -- by the name of the module
}

-- The values of options and arguments in usages, by name: the same ones in all subcommands.
local VALUES <const> = {
  bytes = "BYTES", count = "N", decode = "FILE", describe = "FILE", expect = "N", ["for"] = "SECONDS", interface = "IF",
  interval = "SECONDS", ["max-loss"] = "PERCENT", node = "NAME", rate = "N", rcvbuf = "BYTES", receivers = "N", size = "BYTES",
  sndbuf = "BYTES", to = "GROUP", title = "TEXT", ttl = "HOPS", port = "PORT", dscp = "N", speed = "FACTOR", loop = "N",
  group = "GROUP", groups = "GROUP", host = "HOST", file = "FILE", files = "FILE", message = "MESSAGE",
  scenario = "SCENARIO", arguments = "ARGUMENT",
}

-- Has the converter of an option name the option where it refuses a value.
local function name_refusals(option)
  local convert <const> = option.convert
  function option.convert(self, converter)
    return convert(self, type(converter) ~= "function" and converter or function(text)
      local value, message <const> = converter(text)
      return value, message and ("%s: %s"):format(self._name, message)
    end)
  end
end

-- Has a method of a parser, which adds an option or an argument, name its value.
local function name_values(parser, method)
  local add <const> = parser[method]
  parser[method] = function(self, name, ...)
    local element <const> = add(self, name, ...)
    if method == "option" then
      name_refusals(element)
    end
    local value <const> = name and VALUES[name:match "[%w-]+$":gsub("^%-+", "")] -- a flag gets its name later
    return value and element:argname(value) or element
  end
end

local function print_error(message)
  io.stderr:write("mcast: ", message, "\n")
end

-- The name of a package that the command needs and that is missing.
local function missing()
  for module, package in pairs(PACKAGES) do
    if not pcall(require, module) then
      return ("%s is missing (apt-get install %s, or luarocks install %s)"):format(module, package,
        module == "term" and "lua-term" or module)
    end
  end
end

local function add(parser, name)
  local subcommand <const> = require("mcast.cli." .. name)
  local command <const> = parser:command(name):summary(subcommand.summary)
    :description(subcommand.description or subcommand.summary .. ".")
    :epilog("Example: " .. subcommand.example)
  name_values(command, "option")
  name_values(command, "argument")
  subcommand.options(command)
  command:flag("--json", "One JSON object a line.")
  return subcommand
end

local function make_parser()
  local parser <const> = require "argparse" ("mcast", "UDP multicast from a shell.")
    :epilog "Exit status: 0; 1 for a request that did not hold; 2 for usage. mcast SUBCOMMAND --help has the options of each."
    :command_target "subcommand":require_command(true):help_max_width(100):usage_max_width(100):add_complete()
  parser:flag("--version", "Print the version."):action(function()
    os.exit(io.stdout:write(require "mcast"._VERSION, "\n") and io.stdout:flush() and 0 or 1, true)
  end)
  local list <const> = {}
  for _, name in ipairs(subcommands) do
    list[name] = add(parser, name)
  end
  return parser, list
end

-- A message of the module, with options as they are written in a shell; that of a script is as it is.
local function in_shell(message, args)
  if args.script or args.scenario then
    return message
  end
  return (message:gsub('as in (%l+) = "([^"]*)"', "as in --%1 %2"):gsub("with (%l+) = (%w+)", "with --%1 %2"))
end

-- Runs a subcommand; returns its exit status.
local function execute(subcommand, args)
  local out <const> = require "mcast.cli.output".new(args.json)
  local ok, status, message = xpcall(subcommand.run, function(e)
    local interrupted <const> = type(e) == "string" and e:find "interrupted!$"
    return type(e) == "table" and e or { status = interrupted and 130 or 1, message = not interrupted and tostring(e) or nil }
  end, args, out)
  if not ok then -- an end that a function asked for by error {status =, message =}, Ctrl-C, or a mistake
    local e <const> = status
    if e.message then
      print_error(in_shell(e.message, args))
    end
    return e.status
  end
  if message then
    print_error(in_shell(message, args))
  end
  return status or 0
end

-- Marks the end of a subcommand's own options where it runs a script: further words are the script's.
local function divide(words)
  local valued <const> = words[1] and package.loaded["mcast.cli." .. words[1]]
  local list, i = table.move(words, 1, #words, 1, {}), 2
  if type(valued) ~= "table" or not valued.valued then
    return list
  end
  while list[i] and list[i]:find "^%-" do
    i = i + (valued.valued[list[i]] and 2 or 1)
  end
  if list[i] and list[i - 1] ~= "--" then
    table.insert(list, i, "--")
  end
  return list
end

-- Runs the command with the words after its name; returns its exit status.
function cli.main(words)
  for i = 1, 3 do -- where stdin, stdout or stderr is closed, no socket and no file takes its place
    cli[i] = io.open("/dev/null", "r+")
  end
  local lacks <const> = missing()
  if lacks then
    print_error(lacks)
    return 1
  end
  local parser <const>, list <const> = make_parser()
  function parser.error(where, message) -- also for mistakes within a subcommand
    io.stderr:write(where:get_usage(), "\n\nmcast: ", message, "\n")
    os.exit(2, true)
  end
  local args <const> = parser:parse(divide(words))
  return execute(list[args.subcommand], args)
end

return cli
