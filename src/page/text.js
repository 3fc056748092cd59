// Texts, numbers and lists.
export const utf8 = new TextDecoder();

export function bytes(s) { return Uint8Array.from(s, c => c.charCodeAt(0)); }
export function decode(s) { return /[\x80-\xff]/.test(s) ? utf8.decode(bytes(s)) : s; }

export const escaped = s => String(s).replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`)
  .replace(/\p{Cc}/gu, c => c < " " && c !== "\t" && c !== "\n" ? String.fromCharCode(0x2400 + c.charCodeAt(0)) : c);
export const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
export const exact = ns => (ns / 1e9).toFixed(9).replace(/0+$/, "").replace(/\.$/, "");

// The first i of a sorted list for which list[i] >= value.
export function lower(list, value, get) {
  let a = 0, b = list.length;
  while (a < b) {
    const m = (a + b) >> 1;
    if ((get ? get(list[m]) : list[m]) < value) a = m + 1; else b = m;
  }
  return a;
}
