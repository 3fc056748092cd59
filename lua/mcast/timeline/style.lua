-- The style sheet of the page.
local look <const> = require "mcast.timeline.look"

return ":root { color-scheme: light; " .. look.variables(look.light) .. " }\n:root[data-theme=dark] { color-scheme: dark; "
  .. look.variables(look.dark) .. " }\n" .. look.rules .. [==[
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; background: var(--back); color: var(--text); font: 14px/1.4 system-ui, sans-serif; }
h1 { font-size: 17px; margin: 8px 12px 4px; }
h2 { font-size: 14px; margin: 4px 12px; }
form { display: flex; flex-wrap: wrap; gap: 6px 10px; margin: 4px 12px; align-items: center; }
label { display: inline-flex; gap: 4px; align-items: center; color: var(--weak); }
input, select, button { font: inherit; font-size: 13px; color: var(--text); background: var(--box); border: 1px solid var(--weak);
  border-radius: 4px; padding: 3px 7px; min-height: 28px; }
input { width: 120px; }
select { max-width: 150px; }
button { cursor: pointer; }
button[aria-pressed=true] { border-color: var(--focus); box-shadow: inset 0 0 0 1px var(--focus); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: -2px; }
.group { display: inline-flex; gap: 3px; }
details { margin: 2px 12px; }
summary { cursor: pointer; color: var(--weak); }
.legend { display: flex; flex-wrap: wrap; gap: 3px 16px; padding: 4px 0; }
.legend span { display: inline-flex; align-items: center; gap: 5px; }
.legend svg { flex: none; overflow: visible; }
kbd { font: 12px ui-monospace, monospace; border: 1px solid var(--rule); border-radius: 3px; padding: 0 3px; }
.found { margin: 4px 12px; }
.runs { flex: 1; min-height: 0; display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr);
  grid-template-rows: auto minmax(0, 1fr) auto auto; }
.run { grid-row: 1 / span 4; display: grid; grid-template: auto minmax(0, 1fr) auto auto / minmax(0, 1fr);
  grid-template-rows: subgrid; min-height: 0; }
.run h2 { grid-row: 1; }
.run .plot { grid-row: 2; }
.run .panel { grid-row: 3; }
.run .status { grid-row: 4; }
.run + .run { border-left: 1px solid var(--rule); }
.plot { position: relative; min-height: 180px; overflow: hidden; touch-action: none; cursor: crosshair; }
.plot canvas, .plot > svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.plot > svg { user-select: none; }
.status { margin: 0; padding: 4px 12px; color: var(--weak); font-size: 13px; border-top: 1px solid var(--rule); }
.panel { max-height: 28vh; overflow: auto; padding: 6px 12px; border-top: 1px solid var(--rule); background: var(--box); }
.panel p, .tip p { margin: 0 0 2px; overflow-wrap: anywhere; }
.field { white-space: pre-wrap; }
.causes { display: flex; flex-wrap: wrap; gap: 4px; margin-bottom: 4px; }
.tip { position: absolute; max-width: min(600px, 96%); padding: 6px 9px; background: var(--box); border: 1px solid var(--weak);
  border-radius: 4px; font-size: 13px; pointer-events: none; z-index: 2; }
pre { margin: 2px 0; font: 12px/1.35 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.hex { color: var(--weak); }
.chosen { fill: none; stroke: var(--focus); stroke-width: 2; }
.arrow.dim, .mark.dim { opacity: .16; }
.lit { opacity: 1 !important; }
.arrow.lit { stroke-width: 2; }
.arrow.lit.after { stroke-dasharray: 9 2; }
.arrow.lit.path { stroke-width: 3.6; }
.route { stroke: var(--multicast); stroke-width: 3.6; }
line.difference { stroke: var(--focus); stroke-width: 2; stroke-dasharray: 7 3; }
@media (max-width: 700px) {
  .runs, .run { display: flex; flex-direction: column; }
  .run { flex: 1; }
  .run + .run { border-left: 0; }
  .plot { flex: 1; min-height: 120px; }
  .run:not(:only-child) .panel { max-height: 11vh; }
  input { width: 84px; }
  h1 { font-size: 15px; }
}
]==]
