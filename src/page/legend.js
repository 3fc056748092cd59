// The legends, and the list of keys.
import { mcast } from "./model.js";
import { escaped } from "./text.js";

export const KEYS = [["←→↑↓", "pan"], ["+ −", "zoom time"], ["[ ]", "row height"], ["0", "all"],
  ["v", "back to the violation or difference"], ["n p", "next/previous event"], ["N P", "next/previous on this node"], ["c", "causes, path, effects"], ["Esc", "clear selection"], ["/", "find text"]];

export function legend(models) {
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

export function states(models, key) {
  const values = new Set(models.flatMap(m => m.values.get(key) || [])), m = models.find(o => o.values.has(key));
  if (!m) return "";
  const shown = [...values].slice(0, 24);
  return `<span>${escaped(key)}:</span>` + shown.map(v => `<span><svg width="20" height="16"><line class="s${m.values.get(key).indexOf(v) % STATES}"
    x1="0" x2="20" y1="8" y2="8" stroke-width="7"/></svg>${escaped(v)}</span>`).join("")
    + (values.size > STATES ? `<span>(values share ${STATES} colours: read the labels)</span>` : "")
    + (values.size > shown.length ? `<span>and ${values.size - shown.length} more</span>` : "");
}
