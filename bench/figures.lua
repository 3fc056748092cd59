-- Draws the figures of a run of make bench, and puts them into pages. A table of a page is that
-- of the run whose first heading is the same; it may have fewer rows and columns, which are
-- found by their names. A line that begins with "Measured on" becomes that of the run.
-- usage, from make figures: lua5.4 bench/figures.lua figures.md ratios.svg page.md ...
local draw <const> = require "draw"

local function cells(line)
  local list <const> = {}
  for cell in line:gmatch "| ([^|]+) %f[|]" do
    list[#list + 1] = cell
  end
  return list
end

-- The tables of a run by their first heading: rows by their first cell, of cells by heading;
-- and the line that says where and when it was.
local function read(path)
  local tables <const>, measured, names = {}, nil, nil
  for line in io.lines(path) do
    local list <const> = cells(line)
    if line:find "^Measured on " then
      measured = line
    elseif #list == 0 then
      names = nil
    elseif not names then
      names = list
      tables[names[1]] = {}
    elseif not line:find "^| %-%-%-" then
      local row <const> = {}
      for i, name in ipairs(names) do
        row[name] = list[i]
      end
      tables[names[1]][list[1]] = row
    end
  end
  return tables, assert(measured, path .. ": no run of make bench")
end

-- The row of a page with the cells of a run.
local function fill(names, rows, line)
  local list <const> = cells(line)
  local row <const> = assert(rows[list[1]], "the run has no row " .. list[1])
  for i, name in ipairs(names) do
    list[i] = assert(row[name], "the run has no column " .. name)
  end
  return "| " .. table.concat(list, " | ") .. " |"
end

local function write(path, tables, measured)
  local out <const>, names = {}, nil
  for line in io.lines(path) do
    if line:find "^Measured on " then
      line = measured
    elseif not line:find "^|" then
      names = nil
    elseif not names then
      names = cells(line)
    elseif not line:find "^| %-%-%-" and tables[names[1]] then
      line = fill(names, tables[names[1]], line)
    end
    out[#out + 1] = line
  end
  local file <close> = assert(io.open(path, "w"))
  file:write(table.concat(out, "\n"), "\n")
end

local tables <const>, measured <const> = read(arg[1])
draw(arg[2], tables["ratio to C at 64 / 1,200 / 8,192 bytes"])
for i = 3, #arg do
  write(arg[i], tables, measured)
end
