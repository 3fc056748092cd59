// Draws the events in view.
import { Scale } from "./scale.js";
import { words } from "./words.js";
import { count, escaped, lower } from "./text.js";

export const BIN = 4;
const MOST_ARROWS = 2000, MOST_MARKS = 2000;
const ABOVE = new Set(["crash", "fail", "pause", "resume", "clock", "interface", "fault"]); // marks over the others

// The change of a clock, such as "+0.5 s, +100 ppm".
function setting(d) {
  const signed = v => `${v < 0 ? "−" : "+"}${Math.abs(v)}`;
  const parts = [[d.skew, "s"], [Number(((d.drift || 0) * 1e6).toPrecision(6)), "ppm"]].filter(([v]) => v);
  return parts.map(([v, unit]) => `${signed(v)} ${unit}`).join(", ") || "set right";
}

export class Picture extends Scale {
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
