-- The first version of a protocol, whose mistake is on its page.
local helper <const> = require "spec.support.helper"
local peer <const> = require "spec.support.peer"

-- Returns a folder that has the examples, in which the mend that is the diff of docs/NAME.md is undone; and the page.
return function(name)
  local folder <const>, page <const> = peer.folder(), peer.read("docs/" .. name .. ".md")
  local diff <const> = helper.script(page:match "```diff\n(.-)```")
  helper.check(("cp -r examples %s && patch -s -R %sexamples/protocols/%s.lua %s"):format(folder, folder, name, diff))
  return folder, page
end
