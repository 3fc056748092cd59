-- Made by make from src/page.
return {
style = [==[
/* The page; the colours and the signs of the picture are in lua/mcast/timeline/look.lua. */
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
form .group { display: inline-flex; gap: 3px; }
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
.run + .run { border-left: 1px solid var(--rule); }
.plot { position: relative; min-height: 180px; overflow: hidden; touch-action: none; cursor: crosshair; }
.plot canvas, .plot > svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.plot > svg { user-select: none; }
.status { margin: 0; padding: 4px 12px; color: var(--weak); font-size: 13px; border-top: 1px solid var(--rule); }
.panel { max-height: 28vh; overflow: auto; padding: 6px 12px; border-top: 1px solid var(--rule); background: var(--box); }
.run h2 { grid-row: 1; }
.run .plot { grid-row: 2; }
.run .panel { grid-row: 3; }
.run .status { grid-row: 4; }
.panel p, .tip p { margin: 0 0 2px; overflow-wrap: anywhere; }
.field { white-space: pre-wrap; }
.causes { display: flex; flex-wrap: wrap; gap: 4px; margin-bottom: 4px; }
.tip { position: absolute; max-width: min(600px, 96%); padding: 6px 9px; background: var(--box); border: 1px solid var(--weak);
  border-radius: 4px; font-size: 13px; pointer-events: none; z-index: 2; }
pre { margin: 2px 0; font: 12px/1.35 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.hex { color: var(--weak); }
.chosen { fill: none; stroke: var(--focus); stroke-width: 2; }
.arrow.dim, .mark.dim { opacity: .16; }
.arrow.lit, .mark.lit { opacity: 1; }
.arrow.lit { stroke-width: 2; }
.arrow.lit.after { stroke-dasharray: 9 2; }
.arrow.lit.path, .arrow.path { stroke: var(--path); stroke-width: 3.6; stroke-dasharray: none; }
.arrow.lost.path { stroke-dasharray: 7 4; }
.route { stroke: var(--path); stroke-width: 3.6; }
line.group { stroke: var(--rule); }
text.label.group { fill: var(--weak); font-weight: bold; }
label[hidden] { display: none; }
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
]==],
script = [==[
"use strict";
// Texts, numbers and lists.
const utf8 = new TextDecoder();

function bytes(s) { return Uint8Array.from(s, c => c.charCodeAt(0)); }
function decode(s) { return /[\x80-\xff]/.test(s) ? utf8.decode(bytes(s)) : s; }

const escaped = s => String(s).replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`)
  .replace(/\p{Cc}/gu, c => c < " " && c !== "\t" && c !== "\n" ? String.fromCharCode(0x2400 + c.charCodeAt(0)) : c);
const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const exact = ns => (ns / 1e9).toFixed(9).replace(/0+$/, "").replace(/\.$/, "");

// The first i of a sorted list for which list[i] >= value.
function lower(list, value, get) {
  let a = 0, b = list.length;
  while (a < b) {
    const m = (a + b) >> 1;
    if ((get ? get(list[m]) : list[m]) < value) a = m + 1; else b = m;
  }
  return a;
}
// Reads the trace, and computes spans, causes and effects.

const mcast = { runs: [], kinds: new Map() }; // kinds of datagrams, of all runs, with their numbers
const LIFE = new Set(["start", "restart", "end", "fail", "crash"]), HAPPENS = new Set(["note", "fault", "violation"]);

function decodeAll(v) {
  return typeof v === "string" ? decode(v) : Array.isArray(v) ? v.map(decodeAll) : v;
}

class Model {
  constructor() {
    this.strings = []; this.packets = new Map();
    this.made = []; // the nodes in the order of their making, where it is known
    this.nodes = []; this.rowOf = new Map(); this.hostRows = new Map();
    this.kind = []; this.time = []; this.node = []; this.row = [];
    this.sent = []; // of a copy: the number of the event that sent or forwarded it, or -1
    this.sendOf = new Map(); this.forwards = new Map();
    this.lans = []; // of lines: the names of the LANs on which they have events
  }
  string(i) { return i < 0 ? undefined : this.strings[i]; }
  line(name, host) { // the number of a node's line
    if (name === undefined) return -1;
    let row = this.rowOf.get(name);
    if (row === undefined) {
      row = this.nodes.push(name) - 1;
      this.rowOf.set(name, row);
      this.lans.push(new Set());
      this.place(name, row);
    }
    if (host !== undefined) this.place(host, row);
    return row;
  }
  // The line of an event: that of a host with one node is on the node's line.
  lineOf(name, host) {
    const rows = this.rowOf.has(name) ? undefined : this.hostRows.get(name);
    return rows?.size === 1 ? [...rows][0] : this.line(name, host);
  }
  place(host, row) {
    if (!this.hostRows.has(host)) this.hostRows.set(host, new Set());
    this.hostRows.get(host).add(row);
  }
  add(rows) {
    for (const r of rows) {
      if (r[0] === 0) this.strings.push(decode(r[1]));
      else if (r[0] === 1) this.datagram(r);
      else if (r[0] === 4) this.made.push(this.strings[r[1]]);
      else this.event(r);
    }
  }
  datagram(r) { // its last field is the number of its kind's colour, if it has one
    this.packets.set(r[1], r);
    const kind = this.string(r[9]);
    if (kind === undefined) return;
    if (!mcast.kinds.has(kind)) mcast.kinds.set(kind, mcast.kinds.size);
    if (mcast.kinds.get(kind) < KINDS) r.push(mcast.kinds.get(kind));
  }
  // The text of a datagram: that of describe, which may be the data itself.
  words(p) { return p[8] === 0 ? "" : decode(p[8] === 1 ? p[7] : p[8]); }
  event(r) {
    const i = this.kind.length, kind = this.strings[r[1]];
    const host = r[0] === 2 ? this.string(r[5]) : r[4].host && decode(r[4].host);
    if (r[0] === 3) for (const k in r[4]) r[4][k] = decodeAll(r[4][k]);
    this.kind.push(kind); this.time.push(r[2]); this.row.push(r);
    const line = this.lineOf(this.string(r[3]), host);
    this.node.push(line);
    const lan = r[0] === 2 ? this.string(r[9]) : r[4].lan;
    if (line >= 0 && lan) this.lans[line].add(lan);
    this.sent.push(r[0] === 2 && kind !== "send" ? this.origin(r, kind === "forward" ? r[10] : r[9]) : -1);
    if (r[0] === 2 && kind === "send") this.sendOf.set(r[4], i);
    if (kind === "forward") {
      if (!this.forwards.has(r[4])) this.forwards.set(r[4], []);
      this.forwards.get(r[4]).push(i);
      this.lans[line].add(this.string(r[10]));
    }
  }
  // The event that put a copy on its LAN: a router's, else the send.
  origin(r, lan) {
    const hops = this.forwards.get(r[4]);
    for (let k = hops ? hops.length - 1 : -1; k >= 0; k--) if (this.row[hops[k]][9] === lan) return hops[k];
    return this.sendOf.get(r[4]) ?? -1;
  }
  isCopy(i) { return this.row[i][0] === 2 && this.kind[i] !== "send"; }
  detail(i) { return this.row[i][0] === 3 ? this.row[i][4] : {}; }
  packet(i) { // the datagram of an event
    const r = this.row[i];
    if (r[0] !== 2) return null;
    const p = this.packets.get(r[4]);
    return { id: r[4], from: this.string(p[2]), to: this.string(p[3]), group: this.string(p[4]), multicast: !!p[5],
      length: p[6], data: p[7], host: this.string(r[5]), interface: this.string(r[6]), ttl: r[7], reason: this.string(r[8]),
      lan: this.string(r[9]), came: r[10] === undefined ? undefined : this.string(r[10]),
      words: p[8] === 1 ? "" : this.words(p), kind: this.string(p[9]) };
  }
  text(i) { // the text that a filter searches
    const r = this.row[i];
    if (r[0] === 3) return Object.values(r[4]).join(" ").toLowerCase();
    const p = this.packets.get(r[4]);
    if (p.lower === undefined) p.lower = `${decode(p[7])} ${p[8] === 1 ? "" : this.words(p)}`.toLowerCase();
    return p.lower;
  }
  groups() {
    const all = new Set();
    for (const p of this.packets.values()) if (p[5]) all.add(this.string(p[4]));
    for (let i = 0; i < this.kind.length; i++) if (this.detail(i).group) all.add(this.detail(i).group);
    return [...all].sort();
  }
  finish() {
    const n = this.kind.length;
    this.count = n;
    this.end = n ? this.time[n - 1] : 0;
    this.begin = n ? this.time[0] : 0;
    this.earliest = new Float64Array(n + 1); // the first send of the copies from here on
    this.earliest[n] = Infinity;
    for (let i = n - 1; i >= 0; i--)
      this.earliest[i] = Math.min(this.earliest[i + 1], this.sent[i] < 0 ? Infinity : this.time[this.sent[i]]);
    this.others = []; // all events but copies received and lost: marks on the lines
    this.activity = new Int32Array(this.nodes.length);
    for (let i = 0; i < n; i++) {
      if (this.kind[i] === "forward" || !this.isCopy(i)) this.others.push(i);
      if (this.node[i] >= 0) this.activity[this.node[i]]++;
    }
    this.spans();
  }
  // Spans: lives, states, crashes, pauses and partitions.
  spans() {
    this.lives = []; this.states = []; this.shades = []; this.keys = []; this.values = new Map();
    this.violations = [];
    const open = new Map(), holds = new Map();
    const begin = (list, id, span) => { list.push(span); open.set(id, span); };
    const stop = (id, t) => { const s = open.get(id); if (s) { s.to = t; open.delete(id); } };
    for (let i = 0; i < this.count; i++) {
      const k = this.kind[i], t = this.time[i], row = this.node[i], d = this.detail(i);
      if (LIFE.has(k)) {
        for (const key of this.keys) stop(`state ${row} ${key}`, t);
        for (const id of ["life ", "crash ", "pause "]) stop(id + row, t);
        if (k === "start" || k === "restart") begin(this.lives, `life ${row}`, { row, from: t, to: this.end });
        if (k === "crash") begin(this.shades, `crash ${row}`, { rows: [row], from: t, to: this.end, kind: k, text: "crashed" });
      } else if (k === "pause") {
        begin(this.shades, `pause ${row}`, { rows: [row], from: t, to: this.end, kind: k, text: "paused" });
      } else if (k === "resume") stop(`pause ${row}`, t);
      else if (k === "hold" || k === "release") {
        const held = holds.get(row) || new Set();
        holds.set(row, held);
        if (k === "hold" && !held.size) begin(this.shades, `hold ${row}`, { rows: [row], from: t, to: this.end, kind: k, text: "holds copies" });
        if (k === "hold") held.add(d.datagram); else held.delete(d.datagram);
        if (!held.size) stop(`hold ${row}`, t);
      }
      else if (k === "note" && d.key !== undefined) {
        if (!this.keys.includes(d.key)) { this.keys.push(d.key); this.values.set(d.key, []); }
        const values = this.values.get(d.key), value = String(d.value);
        if (!values.includes(value)) values.push(value);
        const was = open.get(`state ${row} ${d.key}`);
        if (was && was.value === value) continue;
        stop(`state ${row} ${d.key}`, t);
        begin(this.states, `state ${row} ${d.key}`, { row, key: d.key, value, from: t, to: this.end });
      } else if (k === "partition" || k === "heal") {
        const id = `partition ${JSON.stringify([d.from, d.to])}`;
        stop(id, t);
        if (k === "partition") for (const side of ["from", "to"]) {
          const rows = [].concat(d[side]).flatMap(h => [...this.hostRows.get(h) || []]);
          if (side === "to") open.get(id).other = rows;
          else begin(this.shades, id, { rows, from: t, to: this.end, kind: k,
            text: `cut: ${d.from.join(", ")} ${d.oneway ? "→" : "|"} ${d.to.join(", ")}` });
        }
      } else if (k === "violation") this.violations.push(i);
    }
  }
  // Do things happen at this event? The page opens where most of these are.
  counts(i) { return this.row[i][0] === 2 || HAPPENS.has(this.kind[i]); }
  // The time in which things happen: the shortest one with four fifths of these events, and those close to
  // them, if it is a small part of all; else that of all these events, if it is less than half of the run; else the run.
  active() {
    const times = this.time.filter((_, i) => this.counts(i)), n = times.length, k = Math.ceil(n * 0.8);
    const whole = [this.begin, this.end], busy = n ? [times[0], times[n - 1]] : whole;
    let a = 0, b = n - 1;
    for (let i = 0; i + k <= n; i++) if (times[i + k - 1] - times[i] < times[b] - times[a]) [a, b] = [i, i + k - 1];
    const length = times[b] - times[a];
    if (length * 4 < busy[1] - busy[0]) {
      while (times[a] - times[a - 1] <= length / 8) a--;
      while (times[b + 1] - times[b] <= length / 8) b++;
      return [times[a], times[b]];
    }
    return busy[1] - busy[0] < (this.end - this.begin) / 2 ? busy : whole;
  }
  // The time before an event in which some of the others happen.
  before(t, most) {
    let from = t;
    for (let i = lower(this.time, t), n = 0; i >= 0 && n < most; i--) if (i < this.count && this.counts(i)) { from = this.time[i]; n++; }
    return from;
  }
  // Can an event have effects? A dropped datagram and an event without a node cannot.
  links(i) { return this.node[i] >= 0 && this.kind[i] !== "drop"; }
  // All possible causes of an event: the earlier events of its node, the sends of the datagrams received in these, and
  // so on.
  past(e) {
    const marks = new Uint8Array(this.count), last = new Int32Array(this.nodes.length).fill(-1);
    const need = s => { if (s >= 0) last[this.node[s]] = Math.max(last[this.node[s]], s); };
    marks[e] = 1;
    if (this.links(e)) last[this.node[e]] = e;
    need(this.sent[e]);
    for (let i = e; i >= 0; i--)
      if (this.links(i) && i <= last[this.node[i]]) { marks[i] = 1; need(this.sent[i]); }
    return marks;
  }
  future(e) {
    const marks = new Uint8Array(this.count), first = new Int32Array(this.nodes.length).fill(this.count);
    marks[e] = 1;
    if (!this.links(e)) return marks;
    first[this.node[e]] = e;
    for (let i = e; i < this.count; i++) {
      const s = this.sent[i], row = this.node[i];
      if (s >= 0 && marks[s]) { marks[i] = 1; if (this.links(i)) first[row] = Math.min(first[row], i); }
      else if (this.links(i) && i >= first[row]) marks[i] = 1;
    }
    return marks;
  }
  // The path back to the beginning: from a datagram received to its send, from other events to the one before on the
  // same node.
  path(e) {
    const path = [];
    while (e >= 0) {
      path.push(e);
      e = this.sent[e] >= 0 ? this.sent[e] : this.previous(e);
    }
    return path.reverse();
  }
  previous(e) {
    for (let i = e - 1; i >= 0; i--) if (this.node[i] === this.node[e] && this.links(i)) return i;
    return -1;
  }
  // Invariants are checked after each event, so the event before a violation caused it.
  culprit(violation) {
    for (let i = violation - 1; i >= 0; i--) if (this.links(i)) return i;
    return violation;
  }
}


// Accepts rows of a run; a page that is open shows them.
mcast.rows = (run, rows) => {
  mcast.runs[run] ??= new Model();
  mcast.runs[run].add(rows);
  if (mcast.update) mcast.update();
};
// The order of the lines, which is the same in all runs of a page.

const ORDERS = [["made", "as made"], ["activity", "by activity"], ["lan", "by LAN"]];

// The LANs of each node in all runs as a text, and the place of its group: routers stand after the first of their LANs.
function places(names, models) {
  const lans = new Map(names.map(name => [name, [...new Set(models.flatMap(m => [...m.lans[m.rowOf.get(name)]]))]]));
  const all = [...new Set([...lans.values()].sort((a, b) => a.length - b.length).flat())];
  return new Map(names.map(name => {
    const own = lans.get(name).sort((a, b) => all.indexOf(a) - all.indexOf(b));
    const rank = own.length ? all.indexOf(own[0]) + 1 - 1 / own.length : Infinity;
    return [name, { text: own.join(" + ") || "no LAN", rank }];
  }));
}

// Sorts by the number of events.
function byActivity(names, models) {
  const total = name => models.reduce((n, m) => n + (m.activity[m.rowOf.get(name)] || 0), 0);
  const totals = new Map(names.map(name => [name, total(name)]));
  names.sort((a, b) => totals.get(b) - totals.get(a));
}

// Sorts by LANs; returns the names that begin a group, with its heading.
function byLan(names, models) {
  const known = places(names, models), heads = new Map();
  names.sort((a, b) => known.get(a).rank - known.get(b).rank || known.get(a).text.localeCompare(known.get(b).text));
  names.forEach((name, i) => {
    const { text } = known.get(name);
    if (i === 0 || text !== known.get(names[i - 1]).text) heads.set(name, text);
  });
  return heads;
}

// Sets the order of each run's lines: that of the nodes' making, or another one.
function arrange(models, how) {
  const names = [...new Set(models.flatMap(m => m.nodes))];
  for (const m of models) for (const name of names) m.line(name);
  const made = [...new Set(models.flatMap(m => m.made))], rank = new Map(made.map((name, i) => [name, i]));
  names.sort((a, b) => (rank.get(a) ?? made.length) - (rank.get(b) ?? made.length));
  if (how === "activity") byActivity(names, models);
  const heads = how === "lan" ? byLan(names, models) : new Map();
  for (const m of models) {
    m.order = names.map(name => m.rowOf.get(name));
    m.heads = new Map([...heads].map(([name, text]) => [m.rowOf.get(name), text]));
  }
}
// The scales of a picture: times, names of lines, and the counts of what they leave out.

class Scale {
  x(t) { return this.left + (t - this.from) * this.scale; }
  y(row) { return this.top + this.position[row] * this.height - this.scroll + this.height / 2; }
  near(row) { const p = this.position[row]; return p < this.first ? -1 : p > this.last ? 1 : 0; }
  measure() {
    const box = this.plot.getBoundingClientRect(), longest = Math.max(4, ...this.model.nodes.map(n => n.length));
    this.W = box.width; this.H = box.height;
    this.left = Math.round(Math.min(longest * 7 + 16, this.W * 0.3, 200));
    this.top = this.peers.some(v => v.model.violations.length || v.difference !== undefined) ? 44 : 26;
    this.right = 14;
  }
  names() {
    const out = [], step = Math.ceil(12 / this.height), most = Math.floor((this.left - 10) / 6.6);
    const middle = p => this.top + (p + 0.5) * this.height - this.scroll, shown = [];
    for (const { p, text } of this.heads) {
      if (p < this.first || p > this.last || p - shown.at(-1) < step) continue;
      shown.push(p);
      out.push(`<line class="group" x1="0" x2="${this.W}" y1="${middle(p)}" y2="${middle(p)}"/>`, `<text class="label group" x="6"
        y="${Math.min(Math.max(middle(p) + 4, this.top + 10), this.H - 3)}">${escaped(text)}</text>`);
    }
    for (let p = Math.ceil(this.first / step) * step; p <= this.last; p += step) {
      if (this.rows[p] < 0 || shown.some(q => Math.abs(q - p) < step)) continue;
      const name = this.model.nodes[this.rows[p]], y = this.y(this.rows[p]) + 4;
      if (y < this.top + 6 || y > this.H - 3) continue;
      out.push(`<text class="name" x="${this.left - 6}" y="${y}">${escaped(name.length > most ? `${name.slice(0, most - 1)}…` : name)}<title>${escaped(name)}</title></text>`);
    }
    return `<g class="names">${out.join("")}</g>`;
  }
  axis() {
    const room = 96 / this.scale, unit = 10 ** Math.floor(Math.log10(room)), out = [];
    const step = Math.max(1, [1, 2, 5, 10].map(k => k * unit).find(s => s >= room));
    const digits = Math.max(0, -Math.floor(Math.log10(step / 1e9) + 1e-9));
    for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) {
      const x = this.x(t), text = `${(t / 1e9).toFixed(digits)} s`;
      out.push(`<line class="tick" x1="${x}" x2="${x}" y1="20" y2="${this.top}"/>`);
      if (x + 50 < this.W && x - 24 > this.left - 40) out.push(`<text class="tick" x="${x}" y="15">${text}</text>`);
    }
    const m = this.model;
    for (const v of m.violations) out.push(this.label("violations", Math.max(this.left, Math.min(this.x(m.time[v]) + 3, this.W - 6.6 *
      (m.detail(v).text || "").length - 20)), 37, `✗ ${m.detail(v).text || "violation"}`, "violation"));
    if (this.difference !== undefined && this.difference >= this.from && this.difference <= this.to)
      out.push(this.label("violations", Math.min(this.x(this.difference) + 3, this.W - 130), 37, "first difference", "difference"));
    return `<g class="axis"><line class="axis" x1="${this.left}" x2="${this.W}" y1="${this.top}" y2="${this.top}"/>${out.join("")}</g>`;
  }
  // The text of the status line: counts of everything shown, out of view and left out.
  report() {
    const m = this.model, said = this.said, outside = [];
    const before = lower(m.time, this.from), after = m.count - lower(m.time, this.to + 1e-3);
    if (before) outside.push(`${count(before, "event")} before`);
    if (after) outside.push(`${count(after, "event")} after`);
    const seen = this.rows.slice(this.first, this.last + 1).filter(row => row >= 0).length, lines = this.rows.length - this.heads.length;
    if (seen < lines) outside.push(`${count(lines - seen, "line")} (${this.first + 1} to ${this.last + 1} in view: scroll)`);
    const parts = [`${count(this.inView.length, "arrow")} in view; ${count(m.count, "event")} of ${count(m.nodes.length, "node")} in all.`];
    if (this.passed < m.count) said.push(`${count(m.count - this.passed, "event")} filtered out`);
    if (lines < m.nodes.length) said.push(`${count(m.nodes.length - lines, "node")} filtered out`);
    if (this.hidden) said.push(`${count(this.hidden, "arrow")} from lines that are not shown`);
    if (this.drawn < this.inView.length)
      said.push(`${count(this.inView.length - this.drawn, "arrow")}, too dense (shades count all events, lost ones at the bottom; zoom in)`);
    if (this.marksLeft) said.push(`${count(this.marksLeft, "mark")} not drawn`);
    if (this.labels.left) said.push(`${count(this.labels.left, "label")} not drawn (zoom in or hover)`);
    if (this.labels.wordless) said.push(`${count(this.labels.wordless, "text")} of datagrams (hover)`);
    if (m.cut) said.push(m.cut);
    return parts.concat(outside.length ? [`Out of view: ${outside.join(", ")}.`] : [], said.length ? [`Left out: ${said.join("; ")}.`] : []).join(" ");
  }
}
// The texts of datagrams at their arrows, where nothing else is.

const CELL = 4; // pixels
const SHORT = 20; // characters of a text that is longer, where the whole has no room

// The cells of a plot that are covered.
class Cells {
  constructor(width, height) {
    this.across = Math.ceil(width / CELL) + 1; this.down = Math.ceil(height / CELL) + 1;
    this.covered = new Uint8Array(this.across * this.down);
  }
  some(x1, y1, x2, y2, f) {
    const right = Math.min(this.across - 1, Math.floor(x2 / CELL)), bottom = Math.min(this.down - 1, Math.floor(y2 / CELL));
    for (let row = Math.max(0, Math.floor(y1 / CELL)); row <= bottom; row++)
      for (let column = Math.max(0, Math.floor(x1 / CELL)); column <= right; column++)
        if (f(row * this.across + column)) return true;
    return false;
  }
  cover(x1, y1, x2, y2) { this.some(x1, y1, x2, y2, k => { this.covered[k] = 1; return false; }); }
  isFree(x1, y1, x2, y2) { return !this.some(x1, y1, x2, y2, k => this.covered[k] === 1); }
  // Covers the part of a straight line that is in the plot.
  line(it) {
    const dx = it.x2 - it.x1, dy = it.y2 - it.y1, width = this.across * CELL, height = this.down * CELL;
    let from = 0, to = 1;
    for (const [d, start, most] of [[dx, it.x1, width], [dy, it.y1, height]]) {
      if (d === 0) continue;
      from = Math.max(from, Math.min(-start / d, (most - start) / d));
      to = Math.min(to, Math.max(-start / d, (most - start) / d));
    }
    const step = (CELL - 1) / Math.max(Math.abs(dx), Math.abs(dy));
    for (let k = from; k < to + step; k += step) {
      const x = it.x1 + dx * Math.min(k, to), y = it.y1 + dy * Math.min(k, to);
      this.cover(x, y, x, y);
    }
  }
}

function covered(picture) {
  const cells = new Cells(picture.W, picture.H);
  for (const it of picture.items)
    if (it.x1 === it.x2 && it.y1 === it.y2) cells.cover(it.x1 - 7, it.y1 - 9, it.x1 + 7, it.y1 + 9);
    else cells.line(it);
  for (let p = picture.first; p <= picture.last; p++) {
    const y = picture.top + (p + 0.5) * picture.height - picture.scroll, high = picture.rows[p] < 0 ? 8 : 3;
    cells.cover(0, y - high, picture.W, y + high);
  }
  for (const b of picture.labels.boxes) cells.cover(b.x - 2, b.y - 10, b.x + b.width + 4, b.y + 4);
  return cells;
}

// The arrows of each datagram that has a text, by its send.
function carriers(picture) {
  const m = picture.model, list = new Map();
  for (const it of picture.items) {
    const s = m.sent[it.i];
    if (!(s >= 0 && it.y1 !== it.y2 && m.kind[s] === "send" && m.time[s] >= picture.from) || picture.lit && !picture.lit[it.i]) continue;
    if (!list.has(s)) list.set(s, []);
    list.get(s).push(it);
  }
  return list;
}

// The left and right edge of arrows between two heights, if any goes through both.
function edges(arrows, y1, y2) {
  let left = Infinity, right = -Infinity;
  for (const a of arrows) if (Math.min(a.y1, a.y2) <= y1 && Math.max(a.y1, a.y2) >= y2) for (const y of [y1, y2]) {
    const x = a.x1 + (a.x2 - a.x1) * (y - a.y1) / (a.y2 - a.y1);
    left = Math.min(left, x); right = Math.max(right, x);
  }
  return [left, right];
}

// The place of a text beside its arrows, from the sender on, between two rows.
function place(picture, cells, s, arrows, text) {
  const from = picture.position[picture.model.node[s]], width = text.length * 6.6;
  const most = Math.max(Math.abs(from - picture.first), Math.abs(from - picture.last)) + 1; // beyond it, nothing is in view
  for (let away = 1; away <= most; away++) for (const gap of [from + away, from - away + 1]) {
    const y = picture.top + gap * picture.height - picture.scroll + 3;
    if (gap < 1 || gap >= picture.rows.length || y < picture.top + 10 || y > picture.H - 4) continue;
    const [left, right] = edges(arrows, y - 9 - CELL, y + 3 + CELL);
    for (const x of [right + 6, left - width - 6])
      if (x >= picture.left && x + width <= picture.W - 4 && cells.isFree(x - 2, y - 9, x + width + 2, y + 3)) return { x, y, width };
  }
  return null;
}

// The texts as SVG, once for all copies of a datagram; counts those without room.
function words(picture) {
  const m = picture.model, cells = covered(picture), out = [];
  for (const [s, arrows] of carriers(picture)) {
    const text = m.words(m.packets.get(m.row[s][4]));
    if (!text) continue;
    let shown = text, at = place(picture, cells, s, arrows, text);
    if (!at && text.length > SHORT) {
      shown = `${text.slice(0, SHORT - 1)}…`;
      at = place(picture, cells, s, arrows, shown);
    }
    if (!at) { picture.labels.wordless++; continue; }
    cells.cover(at.x - 2, at.y - 9, at.x + at.width + 4, at.y + 3);
    out.push(`<text class="label sent" x="${at.x}" y="${at.y}" data-send="${s}">${escaped(shown)}</text>`);
  }
  return out.join("");
}
// Draws the events in view.

const BIN = 4;
const MOST_ARROWS = 2000, MOST_MARKS = 2000;
const ABOVE = new Set(["crash", "fail", "pause", "resume", "clock", "interface", "fault"]); // marks over the others

// The change of a clock, such as "+0.5 s, +100 ppm".
function setting(d) {
  const signed = v => `${v < 0 ? "−" : "+"}${Math.abs(v)}`;
  const parts = [[d.skew, "s"], [Number(((d.drift || 0) * 1e6).toPrecision(6)), "ppm"]].filter(([v]) => v);
  return parts.map(([v, unit]) => `${signed(v)} ${unit}`).join(", ") || "set right";
}

class Picture extends Scale {
  // Applies the filters: which lines are shown, and which events.
  select(filter) {
    const m = this.model, names = filter.nodes.split(",").map(s => s.trim().toLowerCase()).filter(s => s);
    this.rows = [];
    this.position = new Int32Array(m.nodes.length).fill(-1);
    let head; // of a group: a line of its own, before the first one that is shown
    this.heads = [];
    for (const row of m.order) {
      head = m.heads.get(row) ?? head;
      if (names.length && !names.some(n => m.nodes[row].toLowerCase().includes(n))) continue;
      if (head !== undefined) this.heads.push({ p: this.rows.push(-1) - 1, text: head });
      head = undefined;
      this.position[row] = this.rows.push(row) - 1;
    }
    this.pass = new Uint8Array(m.count);
    const text = filter.text.toLowerCase();
    for (let i = 0; i < m.count; i++) {
      if (m.node[i] >= 0 && this.position[m.node[i]] < 0) continue;
      if (filter.group) {
        const r = m.row[i];
        const g = r[0] === 2 ? m.string(m.packets.get(r[4])[4]) : r[4].group;
        if (g !== filter.group && (r[0] === 2 || g !== undefined)) continue;
      }
      if (text && !m.text(i).includes(text)) continue;
      this.pass[i] = 1;
    }
    this.passed = this.pass.reduce((a, b) => a + b, 0);
  }
  draw() {
    this.measure();
    const total = this.rows.length * this.height, room = this.H - this.top;
    this.scroll = Math.max(0, Math.min(this.scroll, total - room));
    this.scale = (this.W - this.left - this.right) / (this.to - this.from);
    this.first = Math.floor(this.scroll / this.height);
    this.last = Math.min(this.rows.length, Math.ceil((this.scroll + room) / this.height)) - 1;
    this.items = []; this.labels = { said: 0, left: 0, wordless: 0, ends: new Map(), boxes: [] }; this.said = [];
    const arrows = this.arrows(), marks = this.marks();
    this.shadeCounts();
    this.svg.setAttribute("viewBox", `0 0 ${this.W} ${this.H}`);
    this.svg.innerHTML = `<g clip-path="url(#clip${this.number})">${this.shades()}${this.lines()}${arrows}${marks}${this.texts()}</g>`
      + this.names() + this.axis() + `<clipPath id="clip${this.number}"><rect x="${this.left}" y="${this.top}"
        width="${Math.max(0, this.W - this.left)}" height="${Math.max(0, room)}"/></clipPath>`;
    this.status.textContent = this.report();
  }
  // Copies in view. A copy whose send is not in the trace is a mark.
  copies() {
    const m = this.model, list = [];
    this.hidden = 0; this.lone = [];
    for (let i = lower(m.time, this.from); i < m.count && (m.earliest[i] <= this.to || m.time[i] <= this.to); i++) {
      if (!this.pass[i] || !m.isCopy(i)) continue;
      const s = m.sent[i];
      if (s < 0) { if (m.time[i] <= this.to && !this.near(m.node[i])) this.lone.push(i); continue; }
      if (m.time[s] > this.to) continue;
      if (this.position[m.node[s]] < 0) { this.hidden++; continue; }
      const a = this.near(m.node[s]), b = this.near(m.node[i]);
      if (a && a === b) continue;
      list.push(i);
    }
    return list;
  }
  thin(list, most) { // highlighted ones first, then an even selection
    if (list.length <= most) return list;
    const lit = this.lit ? list.filter(i => this.lit[i]) : [], rest = this.lit ? list.filter(i => !this.lit[i]) : list;
    const select = (l, n) => { const step = Math.ceil(l.length / Math.max(1, n)); return n > 0 ? l.filter((_, k) => k % step === 0) : []; };
    const kept = select(lit, most);
    return kept.concat(select(rest, most - kept.length));
  }
  arrows() {
    const m = this.model, all = this.copies();
    this.inView = all;
    this.dense = all.length > MOST_ARROWS || this.height < 4;
    const list = this.thin(all, MOST_ARROWS);
    this.drawn = list.length;
    if (this.lit) list.sort((a, b) => (this.lit[a] & 4) - (this.lit[b] & 4)); // the path over the others
    const out = list.map(i => {
      const s = m.sent[i], p = m.packets.get(m.row[i][4]);
      const x1 = this.x(m.time[s]), y1 = this.y(m.node[s]), x2 = this.x(m.time[i]), y2 = this.y(m.node[i]);
      this.items.push({ i, x1, y1, x2, y2 });
      const kind = m.kind[i] === "drop" ? "lost" : p[5] ? "multicast" : "unicast";
      const bend = m.node[s] === m.node[i] ? `Q${(x1 + x2) / 2} ${y1 - Math.min(24, this.height * 0.8)} ` : "L";
      const sort = p[10] === undefined ? "" : `k${p[10]}`; // its kind has a colour
      const head = this.lit && this.lit[i] & 4 && kind !== "lost" ? "path" : sort + kind;
      return `<path class="arrow ${kind} ${sort}${this.lighting(i)}" d="M${x1} ${y1}${bend}${x2} ${y2}" marker-end="url(#${head}End)"
        data-event="${i}" data-send="${s}" data-from="${escaped(m.nodes[m.node[s]])}" data-to="${escaped(m.nodes[m.node[i]])}"/>`;
    });
    return `<g class="arrows${this.dense ? " dense" : ""}">${out.join("")}</g>`;
  }
  lighting(i) { return !this.lit ? "" : !this.lit[i] ? " dim" : this.lit[i] & 4 ? " lit path" : this.lit[i] & 2 ? " lit after" : " lit before"; }
  marks() {
    const m = this.model, at = i => m.time[i], list = [], flags = [];
    for (let k = lower(m.others, this.from, at); k < m.others.length && m.time[m.others[k]] <= this.to; k++) {
      const i = m.others[k];
      if (m.node[i] < 0 || !this.pass[i] || this.near(m.node[i])) continue;
      if (m.kind[i] === "note" && m.detail(i).key !== undefined) { this.items.push(this.point(i)); continue; }
      if ((m.kind[i] === "send" || m.kind[i] === "forward") && this.dense && !(this.lit?.[i])) continue;
      list.push(i);
    }
    const all = list.concat(this.lone), kept = this.height < 4 ? [] : this.thin(all, MOST_MARKS);
    kept.sort((a, b) => ABOVE.has(m.kind[a]) - ABOVE.has(m.kind[b]));
    this.clocks = kept.filter(i => m.kind[i] === "clock");
    this.marksLeft = all.length - kept.length;
    const small = Math.min(1, this.height / 22);
    const out = kept.map(i => {
      const p = this.point(i), kind = m.kind[i];
      this.items.push(p);
      if (kind === "note" || kind === "fault" || kind === "log" || kind === "interface") flags.push(i);
      return `<path class="mark ${escaped(kind)}${this.lighting(i)}" d="${SYMBOLS[kind] || OTHER}" data-event="${i}"
        transform="translate(${p.x1} ${p.y1})${small < 1 ? ` scale(${small.toFixed(2)})` : ""}"/>`;
    });
    this.flags = flags;
    const chosen = this.chosen >= 0 && m.node[this.chosen] >= 0 && this.position[m.node[this.chosen]] >= 0 && this.point(this.chosen);
    return `<g class="marks">${this.route()}${out.join("")}</g>${chosen ? `<circle class="chosen" r="9" cx="${chosen.x1}" cy="${chosen.y1}"/>` : ""}`;
  }
  // The part of the path to an event along the lines.
  route() {
    const m = this.model, path = this.lit && this.mode & 4 ? m.path(this.chosen) : [];
    return path.slice(1).map((i, k) => {
      const row = m.node[i], a = this.x(m.time[path[k]]), b = this.x(m.time[i]);
      if (row < 0 || row !== m.node[path[k]] || this.position[row] < 0 || b < this.left || a > this.W) return "";
      const y = this.y(row);
      return `<line class="route" x1="${Math.max(a, this.left - 9)}" x2="${Math.min(b, this.W + 9)}" y1="${y}" y2="${y}" data-event="${i}"/>`;
    }).join("");
  }
  point(i) {
    const x = this.x(this.model.time[i]), y = this.y(this.model.node[i]);
    return { i, x1: x, y1: y, x2: x, y2: y };
  }
  // Where the picture is dense: shades that count events, each a few pixels wide.
  shadeCounts() {
    const c = this.canvas, ratio = window.devicePixelRatio || 1, m = this.model;
    c.width = this.W * ratio; c.height = this.H * ratio;
    this.bins = null;
    if (!this.dense) return;
    const columns = Math.ceil((this.W - this.left) / BIN), bins = new Map();
    this.bins = bins;
    for (let i = lower(m.time, this.from); i < m.count && m.time[i] <= this.to; i++) {
      const row = m.node[i];
      if (row < 0 || !this.pass[i] || m.row[i][0] !== 2 || this.near(row)) continue;
      const key = this.position[row] * columns + Math.floor((this.x(m.time[i]) - this.left) / BIN);
      let b = bins.get(key);
      if (!b) {
        b = { send: 0, forward: 0, deliver: 0, drop: 0 };
        bins.set(key, b);
      }
      b[m.kind[i]]++;
    }
    const g = c.getContext("2d"), style = getComputedStyle(document.documentElement);
    const blue = style.getPropertyValue("--multicast"), red = style.getPropertyValue("--lost"), h = Math.max(1, this.height * 0.7);
    g.scale(ratio, ratio);
    for (const [key, b] of bins) {
      const x = this.left + (key % columns) * BIN, y = this.y(this.rows[Math.floor(key / columns)]) - h / 2;
      if (y + h < this.top) continue;
      const all = b.send + b.forward + b.deliver + b.drop;
      g.globalAlpha = Math.min(0.8, 0.12 + 0.16 * Math.log2(1 + all));
      g.fillStyle = blue; g.fillRect(x, y, BIN, h);
      if (b.drop) { g.fillStyle = red; g.globalAlpha = 0.9; g.fillRect(x, y + h * (1 - b.drop / all), BIN, h * b.drop / all); }
    }
  }
  lines() {
    const m = this.model, out = [], key = this.stateKey;
    const shown = s => !this.near(s.row) && this.position[s.row] >= 0 && s.to >= this.from && s.from <= this.to;
    for (let p = this.first; p <= this.last; p++) {
      if (this.rows[p] < 0) continue;
      const y = this.y(this.rows[p]);
      out.push(`<line class="line" x1="${this.left}" x2="${this.W}" y1="${y}" y2="${y}" data-node="${escaped(m.nodes[this.rows[p]])}"/>`);
    }
    const draw = (s, kind, more) => {
      const y = this.y(s.row), a = Math.max(this.x(s.from), this.left - 9), b = Math.min(this.x(s.to), this.W + 9);
      out.push(`<line class="${kind}" x1="${a}" x2="${Math.max(b, a + 1)}" y1="${y}" y2="${y}" ${more || ""}/>`);
    };
    for (const s of m.lives) if (shown(s)) draw(s, "life");
    this.segments = m.states.filter(s => s.key === key && shown(s));
    if (this.segments.length > MOST_MARKS) this.said.push(`${count(this.segments.length - MOST_MARKS, "state")} not drawn`);
    for (const s of this.segments.slice(0, MOST_MARKS))
      draw(s, `state s${m.values.get(key).indexOf(s.value) % STATES}`, `stroke-width="${Math.min(7, this.height * 0.7)}"
        data-state="${escaped(s.value)}" data-row="${escaped(m.nodes[s.row])}"`);
    return `<g class="lines${this.dense ? " dense" : ""}">${out.join("")}</g>`;
  }
  shades() {
    const out = [];
    this.shaded = [];
    for (const s of this.model.shades) {
      if (s.to < this.from || s.from > this.to) continue;
      const a = Math.max(this.x(s.from), this.left), b = Math.min(this.x(s.to), this.W), placed = { ...s, x: a, width: b - a };
      const held = s.kind === "hold", high = held ? Math.min(7, this.height / 3) : this.height; // held copies: below the line
      for (const [rows, side] of [[s.rows, "one"], [s.other || [], "other"]]) for (const row of rows) {
        if (this.position[row] < 0 || this.near(row)) continue;
        out.push(`<rect class="shade ${s.kind} ${side}" x="${a}" width="${Math.max(1, b - a)}" y="${this.y(row) + (held ? high / 3 : -high / 2)}"
          height="${high}" data-node="${escaped(this.model.nodes[row])}"><title>${escaped(s.text)}</title></rect>`);
        if (side === "one" && row === s.rows[0] && !held) this.shaded.push({ ...placed, row });
      }
    }
    for (const v of this.model.violations) out.push(this.upright("violation", this.model.time[v]));
    if (this.difference !== undefined) out.push(this.upright("difference", this.difference));
    return `<g class="shades">${out.join("")}</g>`;
  }
  upright(kind, t) { const x = this.x(t); return `<line class="${kind}" x1="${x}" x2="${x}" y1="${this.top}" y2="${this.H}"/>`; }
  // A label, unless it would touch another one of its lane: then it is left out, and counted.
  label(lane, x, y, text, kind, within) {
    const width = text.length * 6.6 + 4, ends = this.labels.ends, end = ends.get(lane) ?? this.left;
    if (x + width < this.left || x > this.W || lane !== "violations" && (y < this.top + 10 || y > this.H - 2)) return "";
    if (x < end || x + width > Math.min(this.W, within ?? Infinity)) { this.labels.left++; return ""; }
    ends.set(lane, x + width);
    this.labels.boxes.push({ x, y, width });
    this.labels.said++;
    return `<text class="label ${kind}" x="${x}" y="${y}">${escaped(text)}</text>`;
  }
  // Labels from left to right; a row's words are not repeated while they stay the same. Then the texts of datagrams.
  texts() {
    const m = this.model, list = [], out = [];
    if (this.height < 30) {
      this.labels.left += this.flags.length + this.segments.length + this.shaded.length;
      return "";
    }
    const next = new Map(); // a text ends before the next flag of its line
    for (const i of this.flags.sort((a, b) => b - a)) {
      const p = this.point(i), row = m.node[i], kind = m.kind[i];
      const after = next.get(row); // of two at one time, the first is labelled
      p.end = after && after.x1 - p.x1 < 1 ? after.end : after?.x1;
      next.set(row, p);
      list.push({ lane: "above", row, x: p.x1 + (kind === "note" || kind === "fault" ? 9 : 5), y: p.y1 - 7, text: m.detail(i).text ?? "", kind, end: p.end });
    }
    list.reverse();
    const below = (row, x, text, kind, end) => list.push({ lane: "below", row, x, y: this.y(row) + 15, text, kind, end });
    for (const s of this.segments) below(s.row, Math.max(this.x(s.from), this.left) + 2, s.value, "value", this.x(s.to));
    for (const s of this.shaded) below(s.row, s.x + 3, s.text, "shaded");
    for (const i of this.clocks) below(m.node[i], this.x(m.time[i]) + 5, setting(m.detail(i)), "shaded");
    const said = new Map(); // by lane, the text that was labelled last
    for (const t of list.sort((a, b) => a.x - b.x)) {
      if (["above", "below"].some(lane => said.get(lane + t.row) === t.text)) continue;
      const label = this.label(t.lane + t.row, t.x, t.y, t.text, t.kind, t.end);
      if (label) said.set(t.lane + t.row, t.text);
      out.push(label);
    }
    return `<g class="texts">${out.join("")}${this.dense ? "" : words(this)}</g>`;
  }
}
// Mouse, touch and keys.

const LEGIBLE = 2; // pixels from line to line
let views = 0;

class View extends Picture {
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
// The legends, and the list of keys.

const KEYS = [["←→↑↓", "pan"], ["+ −", "zoom time"], ["[ ]", "row height"], ["0", "all"],
  ["v", "back to the violation or difference"], ["n p", "next/previous event"], ["N P", "next/previous on this node"], ["c", "causes, path, effects"], ["Esc", "clear selection"], ["/", "find text"]];

function legend(models) {
  const seen = new Set(), item = (picture, text) => `<span><svg width="26" height="16">${picture}</svg>${escaped(text)}</span>`, out = [];
  for (const m of models) for (let i = 0; i < m.count; i++) {
    const r = m.row[i], p = r[0] === 2 && m.packets.get(r[4]);
    seen.add(m.kind[i] === "note" && r[4].key !== undefined ? "state" : m.kind[i] === "deliver" ? p[5] ? "multicast" : "unicast" : m.kind[i]);
  }
  const arrow = kind => `<path class="arrow ${kind}" d="M0 8H21" marker-end="url(#${kind}End)"/>`;
  for (const [kind, text] of ARROWS) if (seen.has(kind === "lost" ? "drop" : kind)) out.push(item(arrow(kind), text));
  if (models.some(m => m.count)) for (const [kind, text] of CHOSEN) out.push(item(arrow(kind), text));
  [...mcast.kinds.keys()].slice(0, KINDS).forEach((kind, k) => { out.push(item(`<path class="arrow k${k}" d="M2 8H24"/>`, kind)); });
  if (mcast.kinds.size > KINDS) out.push(`<span>${mcast.kinds.size - KINDS} more kinds have no colour</span>`);
  for (const kind of Object.keys(SYMBOLS)) if (seen.has(kind) && kind !== "restart")
    out.push(item(`<path class="mark ${kind}" d="${SYMBOLS[kind]}" transform="translate(11 ${PLACES[kind]})"/>`, kind));
  for (const [kind, text] of SHADES) if (seen.has(kind))
    out.push(item(`<rect class="shade ${kind}" width="26" height="16"/>`, text));
  return out.join("");
}

function states(models, key) {
  const values = new Set(models.flatMap(m => m.values.get(key) || [])), m = models.find(o => o.values.has(key));
  if (!m) return "";
  const shown = [...values].slice(0, 24);
  return `<span>${escaped(key)}:</span>` + shown.map(v => `<span><svg width="20" height="16"><line class="s${m.values.get(key).indexOf(v) % STATES}"
    x1="0" x2="20" y1="8" y2="8" stroke-width="7"/></svg>${escaped(v)}</span>`).join("")
    + (values.size > STATES ? `<span>(values share ${STATES} colours: read the labels)</span>` : "")
    + (values.size > shown.length ? `<span>and ${values.size - shown.length} more</span>` : "");
}
// The page: filters, buttons, the legend, and several runs side by side.

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
]==],
}
