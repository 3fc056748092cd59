// The order of the lines, which is the same in all runs of a page.

export const ORDERS = [["made", "as made"], ["activity", "by activity"], ["lan", "by LAN"]];

// The LANs of a node in all runs, as a text.
function place(models, name) {
  const lans = new Set(models.flatMap(m => [...m.lans[m.rowOf.get(name)]]));
  return [...lans].join(" + ");
}

// Puts names in an order: that of the nodes' making, by their number of events, or by their LANs, the nodes of one LAN first.
function sorted(names, models, how) {
  const total = name => models.reduce((n, m) => n + (m.activity[m.rowOf.get(name)] || 0), 0);
  if (how === "activity") {
    const totals = new Map(names.map(name => [name, total(name)]));
    return names.sort((a, b) => totals.get(b) - totals.get(a));
  }
  if (how !== "lan") return names;
  const places = new Map(names.map(name => [name, place(models, name)]));
  const known = [...new Set(places.values())];
  const rank = p => p === "" ? 2 * known.length : known.indexOf(p) + (p.includes(" + ") ? known.length : 0);
  return names.sort((a, b) => rank(places.get(a)) - rank(places.get(b)));
}

// Sets the order of each run's lines; with LANs also the lines that begin a group, and their headings.
export function arrange(models, how) {
  const names = [...new Set(models.flatMap(m => m.nodes))];
  for (const m of models) for (const name of names) m.line(name);
  const list = sorted(names, models, how), heads = new Map();
  let last;
  if (how === "lan") for (const name of list) {
    const p = place(models, name);
    if (p !== last) heads.set(name, p || "no LAN");
    last = p;
  }
  for (const m of models) {
    m.order = list.map(name => m.rowOf.get(name));
    m.heads = new Map([...heads].map(([name, text]) => [m.rowOf.get(name), text]));
  }
}
