-- The style sheet of the page.
local look <const> = require "mcast.timeline.look"

return ":root { color-scheme: light; " .. look.variables(look.light) .. " }\n:root[data-theme=dark] { color-scheme: dark; "
  .. look.variables(look.dark) .. " }\n" .. look.rules .. require "mcast.timeline.page".style
