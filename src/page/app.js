// The page: filters, buttons, the legend, and several runs side by side.
import { KEYS, legend, states } from "./legend.js";
import { mcast } from "./model.js";
import { decode, escaped } from "./text.js";
import { View } from "./view.js";

mcast.open = options => {
  const models = mcast.runs;
  models.forEach((m, i) => { m.finish(); m.cut = options.cut[i]; });
  const keys = [...new Set(models.flatMap(m => m.keys))];
  const groups = [...new Set(models.flatMap(m => m.groups()))].sort();
  const option = v => `<option>${escaped(v)}</option>`;
  document.title = options.title;
  document.body.innerHTML = `<svg width="0" height="0" style="position:absolute" aria-hidden="true">${DEFS}</svg>`
    + `<h1>${escaped(options.title)}</h1><form>
    <label>Nodes <input name="nodes" placeholder="a, b"></label>
    <label>Group <select name="group"><option value="">all</option>${groups.map(option).join("")}</select></label>
    <label>Text <input name="text" type="search"></label>
    ${keys.length > 1 ? `<label>State <select name="state">${keys.map(option).join("")}</select></label>` : ""}
    <span class="group" role="group" aria-label="Time"><button type="button" name="in" aria-label="Zoom in">+</button>
    <button type="button" name="out" aria-label="Zoom out">−</button><button type="button" name="all">All</button></span>
    <span class="group" role="group" aria-label="Row height"><button type="button" name="taller" aria-label="Increase row height">↕+</button>
    <button type="button" name="flatter" aria-label="Decrease row height">↕−</button></span>
    <button type="button" name="theme">Light/dark</button></form>
    <details><summary>Legend and keys</summary><div class="legend">${legend(models)}</div><div class="legend states"></div>
    <div class="legend">${KEYS.map(([k, t]) => `<span><kbd>${k}</kbd>${t}</span>`).join("")}</div></details>
    ${options.found ? `<p class="found">${escaped(decode(options.found))}</p>` : ""}<main class="runs"></main>`;
  const form = document.forms[0], runs = document.querySelector(".runs");
  document.querySelector("details").open = innerWidth > 700 && innerHeight > 560;
  const dark = matchMedia("(prefers-color-scheme: dark)"), root = document.documentElement;
  const theme = name => { root.dataset.theme = name; for (const v of mcast.views) v.later(); };
  mcast.views = [];
  theme(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));
  models.forEach((model, i) => {
    const section = runs.appendChild(document.createElement("section"));
    section.className = "run";
    section.setAttribute("aria-label", options.titles[i]);
    mcast.views.push(new View(model, section, models.length > 1 ? options.titles[i] : ""));
  });
  const each = f => { for (const v of mcast.views) f(v); };
  each(v => v.onrange = (from, to) => each(o => o !== v && o.range(from, to, true)));
  each(v => v.onlines = (height, scroll) => each(o => { if (o !== v) { o.height = height; o.scroll = scroll; o.later(); } }));
  const stateLegend = () => { document.querySelector(".states").innerHTML = states(models, form.state ? form.state.value : keys[0]); };
  stateLegend();
  form.addEventListener("input", () => {
    each(v => { v.stateKey = form.state ? form.state.value : keys[0];
      v.filter({ nodes: form.nodes.value, group: form.group.value, text: form.text.value }); });
    stateLegend();
  });
  form.addEventListener("submit", e => e.preventDefault());
  const press = { in: () => mcast.views[0].zoom(0.6), out: () => mcast.views[0].zoom(1.6), all: () => each(v => v.fit()),
    taller: () => each(v => v.heights(1.3)), flatter: () => each(v => v.heights(0.77)),
    theme: () => theme(root.dataset.theme === "dark" ? "light" : "dark") };
  form.addEventListener("click", e => { if (press[e.target.name]) press[e.target.name](); });
  document.addEventListener("keydown", e => {
    if (e.key === "/" && e.target.tagName !== "INPUT") { form.text.focus(); e.preventDefault(); }
    if (e.key === "Escape" && e.target.tagName === "INPUT") mcast.views[0].plot.focus();
  });
  if (options.difference !== undefined) mcast.views.forEach((v, i) => {
    const m = models[i], at = Math.min(options.difference, m.count - 1);
    v.difference = at < 0 ? 0 : m.time[at];
    if (at >= 0 && at === options.difference) v.choose(at, 5);
    const wide = Math.max(1e5, (m.end - m.begin) / 8);
    if (at >= 0) v.range(Math.max(m.begin - wide / 8, v.difference - wide), v.difference + wide, i < models.length - 1);
    v.draw(); // the status line needs room, too
  });
  if (options.difference !== undefined) {
    each(v => v.measure());
    const height = Math.min(...mcast.views.map(v => v.fitting(v.height)));
    each(v => { v.height = height; if (v.chosen >= 0) v.show(v.chosen); });
  }
  if (options.span) each(v => { v.choose(-1); v.measure(); v.height = v.fitting(96); v.range(...options.span); });
  if (mcast.views[0]) mcast.views[0].plot.focus({ preventScroll: true });
};
