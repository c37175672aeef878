// The key-value cache of one step: above as the pass left it, below after the commit. The rows of the accepted path move up
// behind what was committed before; what the other rows wrote is free again.
mtp.Slots = class {
  static CONTEXT = 92; // px
  static HIGH = 28;

  constructor(host, point) {
    const { svg } = mtp.dom;
    this.svg = svg("svg", { class: "slots", role: "img", "aria-label": mtp.say("scope.kv") });
    this.groups = ["before", "moves", "after"].map((name) => svg("g", { class: `slots-${name}` }));
    this.svg.append(...this.groups);
    this.point = point;
    host.append(this.svg);
    this.svg.addEventListener("pointerover", (event) => point(event.target.dataset?.key ?? null));
    this.svg.addEventListener("pointerleave", () => point(null));
    this.wide = host.clientWidth;
    new ResizeObserver(([entry]) => {
      this.wide = entry.contentRect.width;
      mtp.store.set({});
    }).observe(host);
    this.cells = [];
  }

  // count: rows of the pass. path: those kept, in their order.
  draw(full, lane) {
    const { svg, attr } = mtp.dom, { CONTEXT, HIGH } = mtp.Slots;
    const count = full.nodes.length + 1, path = [0, ...full.accepted.map((node) => node + 1)], kept = new Map(path.map((row, slot) => [row, slot]));
    const size = Math.max(5, Math.min(64, (this.wide - CONTEXT - 4) / count)), at = (slot) => CONTEXT + slot * size, low = 74;
    const named = size >= 38, word = (row) => mtp.token.alone(lane.piece(row ? full.nodes[row - 1][0] : full.root), Math.floor(size / 8));
    const cell = (slot, y, kind, row) => svg("g", { class: `slot ${kind}` }, svg("rect", { x: at(slot) + 1, y, width: size - 2, height: HIGH, rx: 3,
      "data-key": row === null ? undefined : row ? `n${row - 1}` : "root" }), named && row !== null ? svg("text", { x: at(slot) + size / 2, y: y + 19, text: word(row) }) : null);
    const block = (y, n) => svg("g", { class: "slot committed" }, svg("rect", { x: 0.5, y, width: CONTEXT - 4, height: HIGH, rx: 3 }),
      svg("text", { x: CONTEXT / 2 - 2, y: y + 19, text: mtp.say("scope.kv.committed", { n }) }));
    const rows = [...Array(count).keys()], moves = path.filter((row) => kept.get(row) !== row);
    this.groups[0].replaceChildren(block(1, full.position), ...rows.map((row) => cell(row, 1, kept.has(row) ? (kept.get(row) === row ? "kept" : "moved") : "freed", row)));
    this.groups[1].replaceChildren(...path.map((row) => svg("path", { class: moves.includes(row) ? "move" : "stay", d: this.arrow(at(row) + size / 2, at(kept.get(row)) + size / 2, 1 + HIGH + 2, low - 2) })));
    this.groups[2].replaceChildren(block(low, full.position), ...rows.map((slot) => (slot < path.length ? cell(slot, low, path[slot] === slot ? "kept" : "moved", path[slot]) : cell(slot, low, "free", null))));
    attr(this.svg, "viewBox", `0 0 ${Math.ceil(at(count)) + 2} ${low + HIGH + 2}`);
    attr(this.svg, "width", Math.ceil(at(count)) + 2);
    attr(this.svg, "height", low + HIGH + 2);
    this.told = { kept: path.length - moves.length, moved: moves.length, freed: count - path.length, rows: count };
    return this.told;
  }

  arrow(from, to, top, low) {
    const middle = (top + low) / 2, tip = `M${to - 4} ${low - 6}L${to} ${low}L${to + 4} ${low - 6}`;
    return from === to ? `M${from} ${top}V${low}` : `M${from} ${top}C${from} ${middle} ${to} ${middle} ${to} ${low}${tip}`;
  }

  mark(key) {
    if (this.key === key) return;
    this.key = key;
    for (const rect of this.svg.querySelectorAll("rect.same")) rect.classList.remove("same");
    if (key) for (const rect of this.svg.querySelectorAll(`rect[data-key="${key}"]`)) rect.classList.add("same");
  }
};
