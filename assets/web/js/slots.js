// The key-value cache of one step: above as the pass left it, below after the commit. The rows of the accepted path move up
// behind what was committed before; what the other rows wrote is free again.
mtp.Slots = class {
  static CONTEXT = 92; // px
  static HIGH = 28;
  static LOW = 74; // top of the lower row

  constructor(host, point) {
    const { svg } = mtp.dom;
    this.svg = svg("svg", { class: "slots", role: "img", "aria-label": mtp.say("scope.kv") });
    const { CONTEXT, HIGH, LOW } = mtp.Slots;
    this.cells = { before: svg("g"), after: svg("g") };
    this.moves = ["stay", "move"].map((name) => svg("path", { class: name }));
    this.contexts = [1, LOW].map((y) => svg("text", { x: CONTEXT / 2 - 2, y: y + 19 }));
    const blocks = [1, LOW].map((y, i) => svg("g", { class: "slot committed" }, svg("rect", { x: 0.5, y, width: CONTEXT - 4, height: HIGH, rx: 3 }), this.contexts[i]));
    this.svg.append(...blocks, svg("g", { class: "slots-before" }, this.cells.before), svg("g", { class: "slots-moves" }, ...this.moves), svg("g", { class: "slots-after" }, this.cells.after));
    host.append(this.svg);
    this.svg.addEventListener("pointerover", (event) => point(event.target.dataset?.key ?? null));
    this.svg.addEventListener("pointerleave", () => point(null));
    this.wide = host.clientWidth;
    new ResizeObserver(([entry]) => {
      this.wide = entry.contentRect.width;
      mtp.store.set({});
    }).observe(host);
  }

  // Draws the step; how many slots were kept in place, moved and freed, of how many rows.
  draw(full, lane) {
    const { attr, text } = mtp.dom, { CONTEXT, HIGH } = mtp.Slots;
    const count = full.nodes.length + 1, path = [0, ...full.accepted.map((node) => node + 1)], kept = new Map(path.map((row, slot) => [row, slot]));
    const size = Math.max(5, Math.min(64, (this.wide - CONTEXT - 4) / count)), at = (slot) => CONTEXT + slot * size, low = mtp.Slots.LOW;
    const named = size >= 38, word = (row) => mtp.token.alone(lane.piece(row ? full.nodes[row - 1][0] : full.root), Math.floor(size / 8));
    const moves = path.filter((row) => kept.get(row) !== row);
    const cells = (group, y, of) => this.fill(group, count, (node, slot) => {
      const { kind, row } = of(slot), [rect, label] = node.childNodes;
      attr(node, "class", `slot ${kind}`);
      for (const [name, value] of [["x", at(slot) + 1], ["y", y], ["width", size - 2], ["height", HIGH], ["rx", 3]]) attr(rect, name, value);
      attr(rect, "data-key", row === null ? null : row ? `n${row - 1}` : "root");
      attr(label, "x", at(slot) + size / 2);
      attr(label, "y", y + 19);
      text(label, named && row !== null ? word(row) : "");
    });
    cells("before", 1, (row) => ({ row, kind: kept.has(row) ? (kept.get(row) === row ? "kept" : "moved") : "freed" }));
    cells("after", low, (slot) => (slot < path.length ? { row: path[slot], kind: path[slot] === slot ? "kept" : "moved" } : { row: null, kind: "free" }));
    const line = (list) => list.map((row) => this.arrow(at(row) + size / 2, at(kept.get(row)) + size / 2, 1 + HIGH + 2, low - 2)).join("");
    attr(this.moves[0], "d", line(path.filter((row) => kept.get(row) === row)));
    attr(this.moves[1], "d", line(moves));
    for (const label of this.contexts) text(label, mtp.say("scope.kv.committed", { n: full.position }));
    attr(this.svg, "viewBox", `0 0 ${Math.ceil(at(count)) + 2} ${low + HIGH + 2}`);
    attr(this.svg, "width", Math.ceil(at(count)) + 2);
    attr(this.svg, "height", low + HIGH + 2);
    return { kept: path.length - moves.length, moved: moves.length, freed: count - path.length, rows: count };
  }

  // As many cells as there are slots, made once and used again.
  fill(group, count, draw) {
    const { svg } = mtp.dom, host = this.cells[group];
    while (host.childNodes.length > count) host.lastChild.remove();
    while (host.childNodes.length < count) host.append(svg("g", {}, svg("rect"), svg("text")));
    host.childNodes.forEach(draw);
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
