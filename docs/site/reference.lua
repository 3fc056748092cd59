-- Writes the reference as Markdown: one file a module or class, and README.md, their list.
-- usage: REFERENCE=docs/reference LUA_PATH="docs/site/?.lua;;" ldoc --filter reference.write .
-- LDoc may run in any Lua, so nothing here needs Lua 5.4.
local reference = {}

local function trim(text)
  return (tostring(text or ""):gsub("^%s+", ""):gsub("%s+$", ""))
end

-- The text on one line, as an item of a list needs it.
local function oneline(text)
  return (trim(text):gsub("%s*\n%s*", " "))
end

local function firstline(text)
  return trim(text):match "^([^\n]*)\n?(.*)$"
end

local function anchor(heading)
  return (heading:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-"))
end

-- Where each module and item is, by its name.
local function places(modules)
  local list = {}
  for _, module in ipairs(modules) do
    list[module.name] = list[module.name] or module.name .. ".md"
    for _, item in ipairs(module.items) do
      local place = module.name .. ".md#" .. anchor(item.name)
      list[item.name] = list[item.name] or item.name:find "[:.]" and place or nil
      local full = module.name .. "." .. item.name
      list[full] = list[full] or place
    end
  end
  return list
end

-- Links from names in backticks and from `@{name}`. A plain lower-case word is more often a field or an option.
local function linked(text, links)
  text = trim(text):gsub("@{([^}|]+)|?([^}]*)}", function(name, label)
    return links[name] and ("[%s](%s)"):format(label ~= "" and label or name, links[name]) or name
  end)
  return (text:gsub("(.?)`([%w_.:]+)`", function(before, name)
    if before ~= "[" and name:find "[:.%u]" and links[name] then
      return ("%s[`%s`](%s)"):format(before, name, links[name])
    end
  end))
end

-- `string, optional` or `integer, default 1`, from a tag's modifiers.
local function kind(modifiers)
  local parts = {}
  local name = modifiers.type or ""
  local optional = modifiers.opt or name:find "^%?" ~= nil
  name = name:gsub("^%?", ""):gsub("^|", "")
  if name ~= "" then
    parts[1] = "*" .. name .. "*"
  end
  if type(optional) == "string" then
    parts[#parts + 1] = "default `" .. optional .. "`"
  elseif optional then
    parts[#parts + 1] = "optional"
  end
  return table.concat(parts, ", ")
end

local function parameter(item, name, label, indent, links)
  local modifiers = (item.modifiers[item.parameter or "param"] or {})[name] or {}
  local what, text = kind(modifiers), linked(oneline(item.params.map and item.params.map[name]), links)
  return ("%s- `%s`%s%s"):format(indent, label, what ~= "" and " (" .. what .. ")" or "", text ~= "" and ": " .. text or "")
end

local function parameters(out, item, links)
  local sub = item.subparams or {}
  if not item.params or (#item.params == 0 and not next(sub)) then
    return
  end
  out(item.type == "function" and "Parameters:" or "Fields:", "")
  local seen = {}
  local function fields(of)
    for _, name in ipairs(not seen[of] and sub[of] or {}) do
      out(parameter(item, name, name:gsub("^[^.]*%.", ""), "  ", links))
    end
    seen[of] = true
  end
  for _, name in ipairs(item.params) do
    local of = name:match "^([^.]+)%." or name
    if not (name:find ".%." and sub[of]) then
      out(parameter(item, name, name, "", links))
    end
    fields(of)
  end
  out ""
end

local function results(out, item, links)
  for i, group in ipairs(item.retgroups or {}) do
    out(i == 1 and "Returns:" or "or", "")
    for n, result in ipairs(group) do
      local name = (result.type or ""):gsub("^%?", "")
      local optional = (result.type or ""):find "^%?" and ", optional" or ""
      local text = linked(oneline(result.text), links)
      out(("%d. %s%s%s"):format(n, name ~= "" and "*" .. name .. "*" or "", optional, text ~= "" and " " .. text or ""))
    end
    out ""
  end
end

local function each(tag)
  return type(tag) == "table" and tag or { tag }
end

local function tags(out, item, links)
  for _, text in ipairs(each(item.raise)) do
    out("Raises: " .. linked(oneline(text), links), "")
  end
  for _, text in ipairs(each(item.tags and item.tags.follows)) do
    out("Follows: " .. oneline(text), "")
  end
  for _, see in ipairs(each(item.see)) do
    out("See also: " .. linked("@{" .. trim(type(see) == "table" and see.label or see) .. "}", links), "")
  end
  for _, text in ipairs(each(item.usage)) do
    out("```lua", trim(text), "```", "")
  end
end

local function write_item(out, module, item, links)
  out("### " .. item.name, "")
  if item.type == "function" then
    local prefix = module.type == "module" and not item.name:find "[:.]" and module.name .. "." or ""
    out("```lua", prefix .. item.name .. (item.args or "()"), "```", "")
  end
  out(linked(trim(item.summary) .. "\n" .. (item.description or ""):gsub("\n ", "\n"):gsub("^ ", ""), links), "")
  parameters(out, item, links)
  results(out, item, links)
  tags(out, item, links)
end

-- The items by section, in the order of the doc blocks.
local function sections(module)
  local list, byname = {}, {}
  local titles = { ["function"] = "Functions", field = "Fields", table = "Tables" }
  for _, item in ipairs(module.items) do
    local title = firstline(titles[item.section] or item.section or item.type)
    if not byname[title] then
      byname[title] = { title = title, items = {} }
      list[#list + 1] = byname[title]
    end
    table.insert(byname[title].items, item)
  end
  for _, section in pairs(module.sections and module.sections.by_name or {}) do
    local title, rest = firstline(section.display_name)
    local found = byname[title]
    if found then
      found.text = trim(rest .. "\n" .. (section.summary or "") .. "\n" .. (section.description or ""))
    end
  end
  return list
end

local function page(module, links)
  local lines = {}
  local function out(...)
    for _, line in ipairs { ... } do
      lines[#lines + 1] = line
    end
  end
  out("# " .. module.name, "", linked(trim(module.summary) .. "\n\n" .. trim(module.description):gsub("\n ", "\n"), links), "")
  local list = sections(module)
  for _, section in ipairs(list) do
    out(("- [%s](#%s)"):format(section.title, anchor(section.title)))
    for _, item in ipairs(section.items) do
      out(("  - [`%s`](#%s): %s"):format(item.name, anchor(item.name), linked(oneline(item.summary), links)))
    end
  end
  out ""
  for _, section in ipairs(list) do
    out("## " .. section.title, "")
    if section.text and section.text ~= "" then
      out(linked(section.text, links), "")
    end
    for _, item in ipairs(section.items) do
      write_item(out, module, item, links)
    end
  end
  return (table.concat(lines, "\n"):gsub("[ \t]+\n", "\n"):gsub("\n\n\n+", "\n\n"):gsub("%s+$", "\n"))
end

local function save(name, text)
  local file = assert(io.open((os.getenv "REFERENCE" or "docs/reference") .. "/" .. name, "w"))
  assert(file:write(text) and file:close())
end

function reference.write(all)
  local modules = {}
  for _, module in ipairs(all) do
    modules[#modules + 1] = (module.type == "module" or module.type == "classmod") and module or nil
  end
  local links = places(modules)
  local index = { "# Reference", "", "Generated from the doc blocks of the sources by `make reference`.", "" }
  for _, module in ipairs(modules) do
    save(module.name .. ".md", page(module, links))
    index[#index + 1] = ("- [%s](%s.md): %s"):format(module.name, module.name, oneline(module.summary))
  end
  save("README.md", table.concat(index, "\n") .. "\n")
end

return reference
