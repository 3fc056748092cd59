-- The output of a script: each line is an event of the trace and a call of the net's output function.
local lines = {}

local function record(node, line)
  node.net.core:record(node.id, { kind = "log", text = line })
end

-- Adds text to a node's output.
function lines.write(node, text)
  node.line = node.line .. text
  for line in node.line:gmatch "([^\n]*)\n" do
    record(node, line)
    node.net.output(node, line)
  end
  node.line = node.line:match "[^\n]*$"
end

-- Ends a node's output, whose last line may lack its newline; the event is recorded before the node's end.
function lines.finish(node, ending)
  local line <const> = node.line
  node.line = ""
  if line ~= "" then
    record(node, line)
  end
  node.net.core:record(node.id, ending)
  if line ~= "" then
    node.net.output(node, line)
  end
end

return lines
