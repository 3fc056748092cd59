// The page: filters, buttons, the legend, and several runs side by side.
import { KEYS, legend, states } from "./legend.js";
import { mcast } from "./model.js";
import { arrange, ORDERS } from "./order.js";
import { decode, escaped } from "./text.js";
import { View } from "./view.js";

const option = (value, text = value) => `<option value="${escaped(value)}">${escaped(text)}</option>`;
const each = f => { for (const v of mcast.views) f(v); };

// The page without what depends on the events, which refresh fills in.
function frame(options) {
  return `<svg width="0" height="0" style="position:absolute" aria-hidden="true">${DEFS}</svg><h1>${escaped(options.title)}</h1><form>
    <label>Nodes <input name="nodes" placeholder="a, b"></label>
    <label>Rows <select name="order">${ORDERS.map(([value, text]) => option(value, text)).join("")}</select></label>
    <label>Group <select name="group">${option("", "all")}</select></label>
    <label>Text <input name="text" type="search"></label>
    <label>State <select name="state"></select></label>
    <span class="group" role="group" aria-label="Time"><button type="button" name="in" aria-label="Zoom in">+</button>
    <button type="button" name="out" aria-label="Zoom out">−</button><button type="button" name="all">All</button></span>
    <span class="group" role="group" aria-label="Row height"><button type="button" name="taller" aria-label="Increase row height">↕+</button>
    <button type="button" name="flatter" aria-label="Decrease row height">↕−</button></span>
    <button type="button" name="back"></button><button type="button" name="theme">Light/dark</button></form>
    <details><summary>Legend and keys</summary><div class="legend signs"></div><div class="legend states"></div>
    <div class="legend keys"></div></details>
    ${options.found ? `<p class="found">${escaped(decode(options.found))}</p>` : ""}<main class="runs"></main>`;
}

// Adds the values that a list of the form lacks.
function extend(select, values) {
  const known = new Set([...select.options].map(o => o.value));
  select.insertAdjacentHTML("beforeend", values.filter(v => !known.has(v)).map(v => option(v)).join(""));
}

// Brings the lists of the form and the legend up to date.
function refresh(models, form) {
  extend(form.group, [...new Set(models.flatMap(m => m.groups()))].sort());
  extend(form.state, [...new Set(models.flatMap(m => m.keys))]);
  form.state.parentNode.hidden = form.state.options.length < 2;
  const differ = mcast.views.some(v => v.difference !== undefined), fail = models.some(m => m.violations.length);
  form.back.hidden = !differ && !fail;
  form.back.textContent = differ ? "First difference" : "✗ Violation";
  document.querySelector(".signs").innerHTML = legend(models);
  document.querySelector(".states").innerHTML = states(models, form.state.value);
  document.querySelector(".keys").innerHTML = KEYS.filter(([k]) => k !== "v" || !form.back.hidden)
    .map(([k, text]) => `<span><kbd>${k}</kbd>${text}</span>`).join("");
}

const chosen = form => ({ nodes: form.nodes.value, group: form.group.value, text: form.text.value });

function listen(form, models, theme) {
  form.addEventListener("input", e => {
    if (e.target.name === "order") arrange(models, form.order.value);
    each(v => { v.stateKey = form.state.value || undefined; v.filter(chosen(form)); });
    if (e.target.name === "order") mcast.views[0].settle();
    document.querySelector(".states").innerHTML = states(models, form.state.value);
  });
  form.addEventListener("submit", e => e.preventDefault());
  const press = { in: () => mcast.views[0].zoom(0.6), out: () => mcast.views[0].zoom(1.6), all: () => each(v => v.fit()),
    taller: () => each(v => v.heights(1.3)), flatter: () => each(v => v.heights(0.77)), back: () => each(v => v.back()), theme };
  form.addEventListener("click", e => { if (press[e.target.name]) press[e.target.name](); });
  document.addEventListener("keydown", e => {
    if (e.key === "/" && e.target.tagName !== "INPUT") { form.text.focus(); e.preventDefault(); }
    if (e.key === "Escape" && e.target.tagName === "INPUT") mcast.views[0].plot.focus();
  });
}

function themes() {
  const dark = matchMedia("(prefers-color-scheme: dark)"), root = document.documentElement;
  const theme = name => { root.dataset.theme = name; each(v => v.later()); };
  theme(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));
  return () => theme(root.dataset.theme === "dark" ? "light" : "dark");
}

// The views of the runs: one moves and zooms the others.
function show(models, options, form) {
  const runs = document.querySelector(".runs");
  models.forEach((model, i) => {
    const section = runs.appendChild(document.createElement("section"));
    section.className = "run";
    section.setAttribute("aria-label", options.titles[i]);
    const v = new View(model, section, models.length > 1 ? options.titles[i] : "", mcast.views);
    if (options.difference === undefined) return;
    const at = Math.min(options.difference, model.count - 1);
    v.difference = at < 0 ? 0 : model.time[at];
    if (at === options.difference) v.differs = at;
  });
  each(v => { v.onrange = (from, to) => each(o => o !== v && o.range(from, to, true)); });
  each(v => { v.onlines = (height, scroll) => each(o => { if (o !== v) { o.height = height; o.scroll = scroll; o.later(); } }); });
  refresh(models, form);
  each(v => v.open());
  if (options.span) each(v => { v.choose(-1); v.range(...options.span); });
  else if (models.length) mcast.views[0].range(Math.min(...mcast.views.map(v => v.from)), Math.max(...mcast.views.map(v => v.to)));
  each(v => v.draw()); // the status lines, which need room, too
  if (models.length) mcast.views[0].settle();
}

mcast.open = options => {
  const models = mcast.runs;
  models.forEach((m, i) => { m.finish(); m.cut = options.cut[i]; });
  arrange(models, "made");
  document.title = options.title;
  document.body.innerHTML = frame(options);
  document.querySelector("details").open = innerWidth > 700 && innerHeight > 560;
  mcast.views = [];
  const form = document.forms[0];
  listen(form, models, themes());
  show(models, options, form);
  if (models.length) mcast.views[0].plot.focus({ preventScroll: true });
  let asked = 0;
  const redraw = () => {
    asked = 0;
    for (const m of models) m.finish();
    arrange(models, form.order.value);
    refresh(models, form);
    each(v => v.update(chosen(form)));
  };
  // Draws further rows: in the next frame, or at once, since a page in the background has no frames.
  mcast.update = now => {
    if (now) {
      cancelAnimationFrame(asked);
      redraw();
    } else if (!asked) asked = requestAnimationFrame(redraw);
  };
};
