-- Runs the examples of a Markdown file, and compares their output with the one that the text shows.
--
-- A `lua` block runs as a script; one without `require "mcast` goes on with the one before. `-->` after a statement shows
-- a line that it prints, a `text` block after an example shows all that it prints; `...` stands for any text. A block
-- whose first line is `-- name.lua` is written to that file instead. An `sh` block runs in a copy of the checkout;
-- where a line ends with `&`, the next one waits until that program has its socket, and has joined.
local helper <const> = require "spec.support.helper"

local topic = {}

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

-- The fenced blocks of a file: language, text, line.
function topic.blocks(path)
  local list, block, n = {}, nil, 0
  for line in read(path):gmatch "([^\n]*)\n" do
    n = n + 1
    local language = line:match "^```(.*)$"
    if block and language then
      list[#list + 1], block = block, nil
    elseif language then
      block = { language = language, text = "", where = ("%s:%d"):format(path, n) }
    elseif block then
      block.text = block.text .. line .. "\n"
    end
  end
  assert(not block, path .. ": a block without an end")
  return list
end

-- The lines that `-->` shows in a block.
local function shown(text)
  local lines = {}
  for line in text:gmatch "%-%->([^\n]*)" do
    lines[#lines + 1] = line
  end
  return #lines > 0 and table.concat(lines, "\n")
end

local function plain(text)
  return (text:gsub("[ \t]+", " "):gsub(" ?\n ?", "\n"):gsub("^%s+", ""):gsub("%s+$", ""))
end

-- `...` stands for any text of a line; alone on a line, for any lines.
local function matches(expected, got)
  local pattern = ("\n" .. plain(expected) .. "\n"):gsub("%p", "%%%0")
  pattern = pattern:gsub("\n%%%.%%%.%%%.\n", "\n.-"):gsub("%%%.%%%.%%%.", "[^\n]*")
  return ("\n" .. plain(got) .. "\n"):find("^" .. pattern .. "$") ~= nil
end

local function compare(where, expected, got)
  assert(matches(expected, got), ("%s: shown is\n%s\nprinted is\n%s"):format(where, plain(expected), plain(got)))
end

-- Named files: those of examples/, for lack of others.
local function committed(_, name)
  local file <close> = io.open("examples/" .. name)
  return file and { text = file:read "a" }
end

-- Collects the blocks into examples, {kind, text, expected, where}, and named files.
local function examples(path)
  local list, files, last = {}, setmetatable({}, { __index = committed }), nil
  for _, block in ipairs(topic.blocks(path)) do
    local name = block.language == "lua" and block.text:match "^%-%- ([%w_]+%.lua)\n"
    if name then
      files[name], last = { text = block.text, expected = shown(block.text) }, nil
    elseif block.language == "lua" and last and last.kind == "lua" and not block.text:find 'require "mcast' then
      last.text, last.expected = last.text .. block.text, nil
    elseif block.language == "lua" or block.language == "sh" then
      last = { kind = block.language, text = block.text, where = block.where }
      list[#list + 1] = last
    elseif block.language == "text" and last then
      last.expected, last = block.text, nil
    end
  end
  return list, files
end

local function run_lua(folder, example)
  local output = helper.check(("cd %s && %s %s"):format(folder, helper.lua, helper.script(example.text)))
  compare(example.where, example.expected or shown(example.text) or "", output)
end

-- `count` prints how many memberships, or sockets too, there are; `await` waits until a process has changed it.
local functions <const> = [[
count() {
  awk '/^\t/ { n += $2 } /^[0-9]+ +[a-z0-9]+ +[0-9a-f]+ / { n += $4 } END { print n + 0 }' /proc/net/igmp /proc/net/igmp6
  [ "$1" = join ] || cat /proc/net/udp /proc/net/udp6 | wc -l
}
await() {
  started="$started $1"
  until [ "$(count $2 | xargs)" != "$3" ]; do kill -0 $1; sleep 0.02; done
}
started=
trap 'kill $started 2>/dev/null || true' EXIT
set -e
]]

-- A shell script of a block: programs in the background write to files, and the next line waits for them.
local function shell(text, files)
  local lines, background = {}, {}
  for text_line in text:gmatch "[^\n]+" do
    local line, command = text_line, text_line:match "^(.*) &$"
    if command then
      local name = command:match "([%w_-]+%.lua)" or command:match "%S+"
      local how = (name == "mcast" or files[name] and files[name].text:find ":join") and "join" or "bind"
      background[#background + 1] = name
      local out <const> = ("%s.%d.out"):format(name, #background)
      line = ("before=$(count %s | xargs)\n%s >%s 2>&1 &\nawait $! %s \"$before\""):format(how, command, out, how)
    end
    lines[#lines + 1] = line
  end
  for i, name in ipairs(background) do
    local _, n = (files[name] and files[name].expected or ""):gsub("[^\n]+", "")
    lines[#lines + 1] = ("until [ $(wc -l <%s.%d.out) -ge %d ]; do sleep 0.02; done"):format(name, i, n)
  end
  return functions .. table.concat(lines, "\n") .. "\n", background
end

-- All that the text shows for programs in the foreground, where no block of text does.
local function foreground(text, files)
  local lines = {}
  for name in text:gmatch "lua5.4 ([%w_]+%.lua)[^\n&]*\n" do
    lines[#lines + 1] = files[name] and files[name].expected or nil
  end
  return #lines > 0 and table.concat(lines, "\n")
end

-- Commands that go before a block; make and LuaRocks need none of our modules, nor our interpreter.
local function environment(folder, text)
  local builds = text:find "make" or text:find "luarocks"
  return ("cd %s && export HOME=%s DESTDIR=%s/root SPEC=spec/address_spec.lua; %s; "):format(folder, folder, folder,
    builds and "unset LUA_PATH LUA_CPATH" or ("PATH=%s/bin:$PATH"):format(folder))
end

local function run_shell(folder, example, files)
  local text, background = shell(example.text, files)
  local script = helper.script(text)
  -- In a network of its own: the sockets of other specs are not there.
  local output = helper.check(("%s env -u MCAST_NETWORK -u MCAST_PROCESSES %s/spec/private-network sh %s"):format(
    environment(folder, example.text), folder, script), 300)
  local expected = example.expected or foreground(example.text, files)
  if expected then
    compare(example.where, expected, output)
  end
  for i, name in ipairs(background) do
    local wanted = files[name] and files[name].expected
    if wanted then
      compare(example.where .. " " .. name, wanted, read(("%s/%s.%d.out"):format(folder, name, i)))
    end
  end
end

-- A copy of the checkout, as it is built, with the interpreter that the specs run in as lua5.4, and busted.
function topic.copy()
  local folder = helper.check("mktemp -d"):match "[^\n]+"
  helper.defer(function() helper.run("rm -rf " .. folder) end)
  helper.check("tar --exclude=./.git --exclude='./build/[!n]*' -cf - . | tar -xf - -C " .. folder)
  helper.lend(folder)
  helper.check("mkdir -p " .. folder .. "/bin")
  write(folder .. "/bin/lua5.4", ("#!/bin/sh\nexec %s -e 'io.stdout:setvbuf \"line\"' \"$@\"\n"):format(
    helper.check("command -v " .. helper.lua):match "[^\n]+"))
  write(folder .. "/bin/busted", '#!/bin/sh\nexec lua5.4 spec/run.lua "$@"\n')
  helper.check(("chmod +x %s/bin/*; mkdir %s/.luarocks"):format(folder, folder))
  write(folder .. "/.luarocks/config-5.4.lua", 'deps_mode = "none"\n') -- no server of rocks is reachable from here
  return folder
end

-- Runs all examples of a file; how many there were.
function topic.run(path)
  local folder = topic.copy()
  local list, files = examples(path)
  for name, file in pairs(files) do
    write(folder .. "/" .. name, file.text)
  end
  for _, example in ipairs(list) do
    if example.kind == "lua" then
      run_lua(folder, example)
    else
      run_shell(folder, example, files)
    end
  end
  return #list
end

return topic
