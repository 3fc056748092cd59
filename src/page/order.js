// The order of the lines, which is the same in all runs of a page.

export const ORDERS = [["made", "as made"], ["activity", "by activity"], ["lan", "by LAN"]];

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
export function arrange(models, how) {
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
