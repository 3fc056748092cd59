// Mouse, touch and keys.
import { BIN, Picture } from "./draw.js";
import { bytes, count, escaped, exact, lower, utf8 } from "./text.js";

const LEGIBLE = 2; // pixels from line to line
let views = 0;

export class View extends Picture {
  // peers are the views of all runs, which have one height of lines.
  constructor(model, root, title, peers) {
    super();
    root.innerHTML = `${title ? `<h2>${escaped(title)}</h2>` : ""}<div class="plot" tabindex="0" role="application"
      aria-label="Space-time diagram. Arrow keys pan, plus and minus zoom, n and p select the next and previous event.">
      <canvas></canvas><svg></svg><div class="tip" hidden></div></div><section class="panel" aria-live="polite" hidden></section>
      <p class="status" role="status"></p>`;
    this.number = views++;
    this.model = model; this.root = root; this.peers = peers;
    peers.push(this);
    for (const name of ["plot", "tip", "panel", "status"]) this[name] = root.querySelector(`.${name}`);
    this.svg = root.querySelector("svg"); this.canvas = root.querySelector("canvas");
    this.scroll = 0; this.chosen = -1; this.lit = null; this.mode = 3;
    this.stateKey = model.keys[0];
    this.select({ nodes: "", group: "", text: "" });
    this.height = 1;
    this.end = model.end;
    this.listen();
  }
  // Shows where things happen: the first difference of two runs, else a violation, else the time in which most happens.
  open() {
    const m = this.model, v = this.difference === undefined && m.violations.length ? m.violations[0] : -1;
    this.range(...this.opening(v >= 0 ? m.time[v] : this.difference), true);
    const at = v >= 0 ? m.culprit(v) : this.differs ?? -1;
    this.choose(at, at >= 0 ? 5 : 3);
    this.seen = this.whole();
  }
  opening(t) {
    const m = this.model, [from, to] = m.active();
    const pad = length => Math.max(1000, length * 0.02);
    if (t === undefined) return from === m.begin && to === m.end ? this.whole() : [from - pad(to - from), to + pad(to - from)];
    const wide = Math.max(pad(0), Math.min((m.end - m.begin) / 8, to - from));
    const start = this.difference === undefined ? Math.min(m.before(t, 500), t - wide / 8) - pad(0) : t - wide;
    return [Math.max(m.begin, start) - (t - start) / 50, t + (this.difference === undefined ? (t - start) / 8 : wide)];
  }
  // The lines at a height at which all are in view, as long as they are legible.
  settle() {
    this.measure();
    this.height = Math.max(LEGIBLE, this.fitting(96));
    const i = this.chosen >= 0 ? this.chosen : this.model.time.findIndex((t, k) => t >= this.from && this.model.counts(k));
    this.scroll = 0;
    if (i >= 0) this.show(i); else this.moved();
  }
  // Back to the violation, of several to the next; or to the first difference.
  back() {
    const m = this.model, n = m.violations.length;
    if (this.difference !== undefined) {
      this.range(...this.opening(this.difference));
      if (this.differs !== undefined) this.choose(this.differs, 5);
    } else if (n) {
      const shown = this.visited ?? 0, v = m.violations[this.chosen === m.culprit(m.violations[shown]) ? (shown + 1) % n : shown];
      this.visited = m.violations.indexOf(v);
      this.range(...this.opening(m.time[v]));
      this.choose(m.culprit(v), 5);
    }
  }
  // After further events: a view of the end moves with it, one of the whole grows, others stay.
  update(filter) {
    const m = this.model, [first, last] = this.seen, was = this.end;
    this.end = m.end;
    this.stateKey ??= m.keys[0];
    this.select(filter);
    if (this.chosen >= 0) this.light(this.chosen);
    if (this.from <= first && this.to >= last) this.range(...this.whole(), true);
    else if (this.to >= was) this.range(this.from + m.end - was, this.to + m.end - was, true);
    this.height = Math.min(this.height, Math.max(LEGIBLE, this.fitting(96)));
    this.seen = this.whole();
    this.later();
  }
  whole() {
    const m = this.model, pad = Math.max(1000, (m.end - m.begin) * 0.02);
    return [m.begin - pad, m.end + pad];
  }
  fitting(most) { // the row height at which all lines of all runs are in view
    return Math.max(0.1, Math.min(most, ...this.peers.map(v => { v.measure(); return (v.H - v.top) / Math.max(1, v.rows.length); })));
  }
  moved() { // runs side by side move their lines, too
    this.later();
    if (this.onlines) this.onlines(this.height, this.scroll);
  }
  filter(filter) { this.select(filter); this.later(); }
  later() {
    if (!this.asked) this.asked = requestAnimationFrame(() => { this.asked = 0; this.draw(); });
  }
  range(from, to, quiet) {
    const [first, last] = this.whole(), most = (last - first) * 1.2;
    const length = Math.max(50, Math.min(to - from, most)), margin = length * 0.9;
    from = Math.max(first - margin, Math.min(from, last - length + margin));
    this.from = from; this.to = from + length;
    this.later();
    if (!quiet && this.onrange) this.onrange(this.from, this.to);
  }
  // About a point of the picture; else about the chosen event, or the middle.
  zoom(factor, x) {
    const chosen = this.chosen >= 0 ? this.model.time[this.chosen] : NaN;
    const t = x === undefined && chosen >= this.from && chosen <= this.to ? chosen : this.from + ((x ?? (this.left + this.W) / 2) - this.left) / this.scale;
    this.range(t - (t - this.from) * factor, t + (this.to - t) * factor);
  }
  pan(pixels) { this.range(this.from + pixels / this.scale, this.to + pixels / this.scale); }
  heights(factor, y = (this.top + this.H) / 2) {
    const line = (y - this.top + this.scroll) / this.height;
    this.height = Math.max(this.fitting(24), Math.min(160, this.height * factor));
    this.scroll = line * this.height - (y - this.top);
    this.moved();
  }
  fit() {
    this.height = this.fitting(96);
    this.scroll = 0;
    this.moved();
    this.range(...this.whole());
  }
  show(i) { // brings an event into view
    const m = this.model, t = m.time[i], row = m.node[i];
    if (t < this.from || t > this.to) this.range(t - (this.to - this.from) / 2, t + (this.to - this.from) / 2);
    if (row >= 0 && this.position[row] >= 0) {
      const y = this.position[row] * this.height, room = this.H - this.top;
      if (y < this.scroll || y + this.height > this.scroll + room) this.scroll = y + this.height / 2 - room / 2;
    }
    this.moved();
  }
  // Highlights an event's possible causes (1), its possible effects (2) and the path to it (4); returns the counts.
  light(i) {
    const m = this.model, mode = this.mode, past = m.past(i), future = m.future(i);
    this.lit = new Uint8Array(m.count);
    for (let k = 0; k < m.count; k++) this.lit[k] = (mode & 1 ? past[k] : 0) | (mode & 2 && future[k] ? 2 : 0);
    this.lit[i] = 1;
    if (mode & 4) for (const k of m.path(i)) this.lit[k] |= 4;
    return [past, future].map(list => list.reduce((a, b) => a + b, 0) - 1);
  }
  // Selects an event.
  choose(i, mode = this.mode) {
    const lines = this.rows.length, fits = lines * this.height <= this.H - this.top + 1;
    this.chosen = i; this.mode = mode;
    this.panel.hidden = i < 0;
    this.lit = null;
    if (i >= 0) {
      const [past, future] = this.light(i);
      const button = (value, text) => `<button data-mode="${value}" aria-pressed="${mode === value}">${text}</button>`;
      this.panel.innerHTML = `<div class="causes">${button(1, `Causes (${past})`)}${button(5, "Path")}${button(2,
        `Effects (${future})`)}${button(3, "Both")}<button data-mode="-1" aria-label="Close">✕</button></div>${this.describe(i, 4096)}`;
      this.measure(); // the panel leaves less room for lines
      if (fits) this.height = this.fitting(this.height);
      this.show(i);
    }
    this.later();
  }
  describe(i, most) {
    const m = this.model, p = m.packet(i), d = m.detail(i), who = m.node[i] >= 0 ? ` · ${m.nodes[m.node[i]]}` : "";
    const out = [`<p><b>${escaped(m.kind[i])}${escaped(who)}</b> · ${exact(m.time[i])} s</p>`];
    if (p) {
      const s = m.sent[i], flight = s >= 0 ? `, ${exact(m.time[i] - m.time[s])} s after ${m.kind[s] === "forward" ? `${m.nodes[m.node[s]]} forwarded it` : "its send"}` : "";
      const place = [p.interface, p.lan].filter(v => v !== undefined).join(" on ");
      out.push(`<p>${escaped(p.from)} → ${escaped(p.to)}${p.reason ? `, <b>lost: ${escaped(p.reason)}</b>` : ""}</p>
        <p>datagram ${p.id}, ${count(p.length, "byte")}${p.ttl >= 0 ? `, TTL ${p.ttl}` : ""}, ${escaped(place)}${p.came ? `, from ${escaped(p.came)}` : ""}${escaped(flight)}${
        m.kind[i] !== "send" && s < 0 ? ", whose send is not in the trace" : ""}</p>${
        p.words || p.kind ? `<p>${escaped(p.words)}${p.kind ? ` (${escaped(p.kind)})` : ""}</p>` : ""}`, this.dump(p, most));
    }
    for (const k of Object.keys(d)) if (String(d[k]).length)
      out.push(`<p class="field">${escaped(k)}: ${escaped([].concat(d[k]).join(", "))}</p>`);
    return out.join("");
  }
  dump(p, most) { // as text and hex
    const all = bytes(p.data), b = all.subarray(0, most), wide = Math.min(this.W < 600 ? 8 : 16, b.length), lines = [];
    for (let i = 0; i < b.length; i += wide) {
      const part = b.subarray(i, i + wide);
      lines.push(i.toString(16).padStart(4, "0") + "  " + [...part].map(v => v.toString(16).padStart(2, "0")).join(" ").padEnd(wide * 3)
        + " " + [...part].map(v => v >= 32 && v < 127 ? String.fromCharCode(v) : ".").join(""));
    }
    const left = p.length - b.length;
    return `<pre class="text">${escaped(utf8.decode(b))}</pre><pre class="hex">${escaped(lines.join("\n"))}</pre>${
      left ? `<p>${count(left, "byte")} more${all.length > b.length ? " (click to show)" : ", not in this file"}</p>` : ""}`;
  }
  nearest(x, y) {
    let best = null, least = 9;
    for (const it of this.items) {
      const dx = it.x2 - it.x1, dy = it.y2 - it.y1, length = dx * dx + dy * dy;
      const k = length ? Math.max(0, Math.min(1, ((x - it.x1) * dx + (y - it.y1) * dy) / length)) : 0;
      const far = Math.hypot(x - it.x1 - k * dx, y - it.y1 - k * dy) - (length ? 0 : 3);
      if (far < least) { least = far; best = it; }
    }
    return best ? best.i : -1;
  }
  hover(x, y) {
    const i = x > this.left && y > this.top ? this.nearest(x, y) : -1, bin = i < 0 && this.binAt(x, y), tip = this.tip;
    tip.hidden = i < 0 && !bin;
    if (tip.hidden) return;
    tip.innerHTML = i >= 0 ? this.describe(i, 64) : bin;
    tip.dataset.event = i;
    const w = tip.offsetWidth, h = tip.offsetHeight;
    tip.style.left = `${Math.max(0, Math.min(x + 14, this.W - w))}px`;
    tip.style.top = `${y + 18 + h > this.H ? Math.max(0, y - h - 12) : y + 18}px`;
  }
  binAt(x, y) {
    const p = Math.floor((y - this.top + this.scroll) / this.height), columns = Math.ceil((this.W - this.left) / BIN);
    const k = Math.floor((x - this.left) / BIN), b = this.bins && k >= 0 && this.bins.get(p * columns + k);
    return b ? `<p><b>${escaped(this.model.nodes[this.rows[p]])}</b> · ${exact(this.from + k * BIN / this.scale)} s</p>
      <p>${b.send} sent, ${b.forward ? `${b.forward} forwarded, ` : ""}${b.deliver} received, ${b.drop} lost in ${exact(BIN / this.scale)} s</p>` : "";
  }
  listen() {
    const plot = this.plot, down = new Map();
    const at = e => { const box = plot.getBoundingClientRect(); return { x: e.clientX - box.left, y: e.clientY - box.top }; };
    let moved = 0;
    plot.addEventListener("wheel", e => {
      e.preventDefault();
      const p = at(e), step = e.deltaY * (e.deltaMode ? 20 : 1);
      if (e.shiftKey) { this.scroll += step || e.deltaX; this.moved(); }
      else if (e.altKey) this.heights(Math.exp(-step / 400), p.y);
      else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) this.pan(e.deltaX);
      else this.zoom(Math.exp(step / 400), p.x);
      this.tip.hidden = true;
    }, { passive: false });
    plot.addEventListener("pointerdown", e => {
      down.set(e.pointerId, at(e));
      moved = 0;
      try { plot.setPointerCapture(e.pointerId); } catch { /* it has ended, or a script made it */ }
    });
    plot.addEventListener("pointermove", e => {
      const p = at(e), was = down.get(e.pointerId);
      if (!was) return this.hover(p.x, p.y);
      const other = [...down].find(([id]) => id !== e.pointerId);
      down.set(e.pointerId, p);
      moved += Math.abs(p.x - was.x) + Math.abs(p.y - was.y);
      if (other) this.pinch(was, p, other[1]);
      else if (moved > 4) { this.pan(was.x - p.x); this.scroll += was.y - p.y; this.moved(); this.tip.hidden = true; }
    });
    const up = e => {
      const p = at(e);
      if (down.delete(e.pointerId) && e.type === "pointerup" && moved <= 4) this.choose(this.nearest(p.x, p.y));
    };
    plot.addEventListener("pointerup", up);
    plot.addEventListener("pointercancel", up);
    plot.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    plot.addEventListener("keydown", e => this.key(e));
    this.panel.addEventListener("click", e => {
      const mode = e.target.dataset.mode;
      if (mode) { if (mode < 0) this.choose(-1); else this.choose(this.chosen, Number(mode)); plot.focus(); }
    });
    new ResizeObserver(() => this.later()).observe(plot);
  }
  pinch(was, is, other) {
    const dx = Math.abs(was.x - other.x), dy = Math.abs(was.y - other.y);
    if (dx > dy) this.zoom(dx / Math.max(10, Math.abs(is.x - other.x)), other.x);
    else this.heights(Math.max(10, Math.abs(is.y - other.y)) / Math.max(10, dy), other.y);
  }
  step(by, same) { // selects the next event, or the next of the same node
    const m = this.model;
    let i = this.chosen < 0 ? lower(m.time, this.from) - (by > 0 ? 1 : 0) : this.chosen;
    const row = this.chosen < 0 ? -1 : m.node[i];
    do i += by; while (i >= 0 && i < m.count && !(this.pass[i] && m.node[i] >= 0 && (!same || row < 0 || m.node[i] === row)));
    if (i >= 0 && i < m.count) this.choose(i);
  }
  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const actions = {
      ArrowLeft: () => this.pan(-80), ArrowRight: () => this.pan(80),
      v: () => this.back(), ArrowUp: () => { this.scroll -= 60; this.moved(); }, ArrowDown: () => { this.scroll += 60; this.moved(); },
      "+": () => this.zoom(0.7), "=": () => this.zoom(0.7), "-": () => this.zoom(1.4), "0": () => this.fit(),
      "]": () => this.heights(1.25), "[": () => this.heights(0.8),
      n: () => this.step(1), p: () => this.step(-1), N: () => this.step(1, true), P: () => this.step(-1, true),
      c: () => this.chosen >= 0 && this.choose(this.chosen, { 3: 1, 1: 5, 5: 2, 2: 3 }[this.mode]), Escape: () => this.choose(-1),
      Home: () => this.range(this.model.begin, this.model.begin + this.to - this.from),
      End: () => this.range(this.model.end - (this.to - this.from), this.model.end),
    };
    if (actions[e.key]) { actions[e.key](); e.preventDefault(); }
  }
}
