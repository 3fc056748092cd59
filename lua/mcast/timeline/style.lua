-- The page's style sheet. Colours are told apart by the colour-blind (blue, vermilion
-- and reddish purple), and none says what a shape or a word does not.
return [==[
:root { color-scheme: light; --back: #fff; --text: #1b1f24; --weak: #59636e; --rule: #d5dae0; --box: #f4f6f8;
  --multicast: #0060a8; --unicast: #9c3f7c; --lost: #c24700; --focus: #0060a8; --stop: #b8000f;
  --s0: #008a64; --s1: #937100; --s2: #3a93cc; --s3: #7a3e00; --s4: #b35c8e; --s5: #555; --s6: #0072b2; --s7: #d55e00; }
:root[data-theme=dark] { color-scheme: dark; --back: #14171b; --text: #e6e8ea; --weak: #a2abb5; --rule: #363c44; --box: #1f242a;
  --multicast: #6cb6ff; --unicast: #e59ac9; --lost: #ff9d5c; --focus: #6cb6ff; --stop: #ff7a80;
  --s0: #2fc79a; --s1: #e6c229; --s2: #9ad0f5; --s3: #c98a5a; --s4: #e39ac6; --s5: #b0b0b0; --s6: #56b4e9; --s7: #ff8c42; }
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
.runs { flex: 1; min-height: 0; display: flex; }
.run { flex: 1; min-width: 0; display: flex; flex-direction: column; min-height: 0; }
.run + .run { border-left: 1px solid var(--rule); }
.plot { position: relative; flex: 1; min-height: 180px; overflow: hidden; touch-action: none; cursor: crosshair; }
.plot canvas, .plot > svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.plot > svg { user-select: none; }
.status { margin: 0; padding: 4px 12px; color: var(--weak); font-size: 13px; border-top: 1px solid var(--rule); }
.panel { max-height: 34%; overflow: auto; padding: 6px 12px; border-top: 1px solid var(--rule); background: var(--box); }
.panel p, .tip p { margin: 0 0 2px; overflow-wrap: anywhere; }
.field { white-space: pre-wrap; }
.causes { display: flex; flex-wrap: wrap; gap: 4px; margin-bottom: 4px; }
.tip { position: absolute; max-width: min(600px, 96%); padding: 6px 9px; background: var(--box); border: 1px solid var(--weak);
  border-radius: 4px; font-size: 13px; pointer-events: none; z-index: 2; }
pre { margin: 2px 0; font: 12px/1.35 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.hex { color: var(--weak); }
svg text { font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; fill: var(--text); }
svg .name { text-anchor: end; }
svg text.tick { text-anchor: middle; fill: var(--weak); }
line.tick, line.axis { stroke: var(--rule); }
.line { stroke: var(--weak); stroke-dasharray: 1 5; }
.life { stroke: var(--weak); stroke-width: 1.5; }
.label { paint-order: stroke; stroke: var(--back); stroke-width: 4px; stroke-linejoin: round; }
.label.violation { font-weight: bold; fill: var(--stop); }
.label.value, .label.shaded { font-size: 10.5px; }
.arrow { fill: none; stroke-width: 1.4; }
.multicast { stroke: var(--multicast); }
.unicast { stroke: var(--unicast); stroke-width: 1.8; }
.lost { stroke: var(--lost); stroke-dasharray: 4 3; }
.dense .arrow { stroke-width: 1; opacity: .5; }
#multicastEnd path { fill: var(--multicast); }
#unicastEnd path { fill: var(--back); stroke: var(--unicast); stroke-width: 1.4; }
#lostEnd path { fill: none; stroke: var(--lost); stroke-width: 2; }
.mark { fill: var(--back); stroke: var(--text); stroke-width: 1.4; }
.mark.send, .mark.start, .mark.restart, .mark.log { fill: var(--text); stroke: none; }
.mark.note { fill: var(--text); stroke-width: 1; }
.mark.fail, .mark.crash { stroke: var(--stop); stroke-width: 2.4; }
.mark.join, .mark.leave { stroke: var(--weak); stroke-width: 1.2; }
.mark.drop { stroke: var(--lost); }
.chosen { fill: none; stroke: var(--focus); stroke-width: 2; }
.arrow.dim, .mark.dim { opacity: .16; }
.lit { opacity: 1 !important; }
.arrow.lit { stroke-width: 2; }
.arrow.lit.after { stroke-dasharray: 9 2; }
.arrow.lit.path { stroke-width: 3.6; }
.route { stroke: var(--multicast); stroke-width: 3.6; }
.shade.crash { fill: url(#crashFill); }
.shade.pause { fill: url(#pauseFill); }
.shade.partition { fill: url(#cutFill); }
.shade.partition.other { fill: url(#cutFill2); }
pattern path { fill: none; stroke-width: 2; stroke: var(--stop); stroke-opacity: .4; }
#pauseFill path { stroke: var(--weak); stroke-opacity: .55; }
#cutFill path, #cutFill2 path { stroke: var(--s1); stroke-opacity: .55; }
line.violation { stroke: var(--stop); stroke-width: 2; }
line.difference { stroke: var(--focus); stroke-width: 2; stroke-dasharray: 7 3; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); } .s3 { stroke: var(--s3); }
.s4 { stroke: var(--s4); } .s5 { stroke: var(--s5); } .s6 { stroke: var(--s6); } .s7 { stroke: var(--s7); }
@media (max-width: 700px) {
  .runs { flex-direction: column; }
  .run + .run { border-left: 0; }
  .plot { min-height: 120px; }
  .run:not(:only-child) .panel { max-height: 24%; }
  input { width: 84px; }
  h1 { font-size: 15px; }
}
]==]
