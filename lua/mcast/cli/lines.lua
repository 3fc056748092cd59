-- With --json, the lines that a script prints are objects, too.
local lines = {}

-- Replaces print.
function lines.objects(out)
  function _G.print(...)
    local words <const> = table.pack(...)
    for i = 1, words.n do
      words[i] = tostring(words[i])
    end
    out:record({ event = "line", text = table.concat(words, "\t") }, nil, { "event", "text" })
  end
end

return lines
