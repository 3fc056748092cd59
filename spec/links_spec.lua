-- Follows the links of the README, the topics and the reference.
local helper <const> = require "spec.support.helper"

local function read(path)
  local file <const> = io.open(path)
  local text <const> = file and file:read "a"
  if file then
    file:close()
  end
  return text
end

-- The text without its examples, in which nothing is a link.
local function prose(text)
  return (("\n" .. text):gsub("\n```.-\n```", "\n"):gsub("`[^`\n]*`", function(code) return code:gsub("[%[%]()#]", "") end))
end

-- The anchors of a Markdown file: its headings, as GitHub writes them.
local function anchors(text)
  local set <const> = {}
  for heading in prose(text):gmatch "\n#+ ([^\n]+)" do
    local anchor <const> = heading:lower():gsub("%[(.-)%]%(.-%)", "%1"):gsub("[^%w%s_-]", ""):gsub("%s", "-")
    set[set[anchor] and anchor .. "-1" or anchor] = true
  end
  return set
end

-- The links of a folder's Markdown files that lead nowhere; how many links there are.
local function dead(folder)
  local list <const>, n = {}, 0
  local names <const> = helper.check(("cd '%s' && ls *.md docs/*.md docs/reference/*.md"):format(folder))
  for name in names:gmatch "[^\n]+" do
    for link in prose(read(folder .. "/" .. name)):gmatch "%]%(([^)]*)%)" do
      local path, anchor = link:match "^([^#]*)#?(.*)$"
      local target <const> = path == "" and name or (name:match "^.*/" or "") .. path
      local text <const> = link:find "^https://" or read(folder .. "/" .. target)
      if not text or (anchor ~= "" and text ~= 1 and not anchors(text)[anchor]) then
        list[#list + 1] = name .. ": " .. link
      end
      n = n + 1
    end
  end
  return list, n
end

helper.long("links", function()
  it("leads to files and headings of the repository", function()
    local list, n = dead "."
    assert.same({}, list)
    assert.is_true(n > 100, n)
  end)

  it("names existing files, and names in them", function()
    local n = 0
    for name in helper.check "ls *.md docs/*.md":gmatch "[^\n]+" do
      local text <const> = ("\n" .. read(name)):gsub("\n```.-\n```", "\n")
      for path in text:gmatch "`(%.?%l+/[%w_./-]+)`" do
        local made <const> = path:find "^share/" or path:find "^build/"
        assert.is_true(made ~= nil or select(2, helper.run("test -e " .. path)) == 0, name .. ": " .. path)
      end
      for path, item in text:gmatch "`(%.?%l+/[%w_./-]+)`, `([%w_.]+)`" do
        assert.is_truthy(read(path):find("%f[%w_]" .. item .. "%f[^%w_]"), name .. ": " .. path .. ", " .. item)
        n = n + 1
      end
    end
    assert.is_true(n > 15, n)
  end)

  it("leads to files and headings of an installation", function()
    local folder <const> = helper.check("mktemp -d"):match "[^\n]+"
    helper.defer(function() helper.run("rm -rf " .. folder) end)
    helper.check("make install PREFIX=/usr DESTDIR=" .. folder)
    local list, n = dead(folder .. "/usr/share/doc/mcast")
    assert.same({}, list)
    assert.is_true(n > 100, n)
  end)
end)
