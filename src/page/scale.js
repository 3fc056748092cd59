// The scales of a picture: times, names of lines, and the counts of what they leave out.
import { count, escaped, lower } from "./text.js";

export class Scale {
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
