// The texts of datagrams at their arrows, where nothing else is.
import { escaped } from "./text.js";

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
export function words(picture) {
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
