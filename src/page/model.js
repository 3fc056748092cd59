// Reads the trace, and computes spans, causes and effects.
import { decode, lower } from "./text.js";

export const mcast = { runs: [], kinds: new Map() }; // kinds of datagrams, of all runs, with their numbers
const LIFE = new Set(["start", "restart", "end", "fail", "crash"]), HAPPENS = new Set(["note", "fault", "violation"]);

function decodeAll(v) {
  return typeof v === "string" ? decode(v) : Array.isArray(v) ? v.map(decodeAll) : v;
}

export class Model {
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
