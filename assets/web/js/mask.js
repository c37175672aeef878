// The tree attention mask as a matrix: one row for the root and each drafted token of the pass, and what that row may read:
// all committed positions, its own ancestors, itself.
mtp.Mask = class {
  static CONTEXT = 46; // px: the committed positions, drawn as one
  static NAMES = 76; // px: room for the rows' names

  constructor(host, point) {
    const { svg } = mtp.dom;
    this.paths = Object.fromEntries(["grid", "context", "plain", "accepted", "self"].map((name) => [name, svg("path", { class: `mask-${name}` })]));
    this.cross = [svg("rect", { class: "mask-cross" }), svg("rect", { class: "mask-cross" })];
    this.names = svg("g", { class: "mask-names", "aria-hidden": "true" });
    this.head = svg("text", { class: "mask-head", y: 12 });
    this.svg = svg("svg", { class: "mask", role: "img", "aria-label": mtp.say("scope.mask") }, this.head, ...Object.values(this.paths), ...this.cross, this.names);
    host.append(this.svg);
    this.svg.addEventListener("pointermove", (event) => point(this.row(event)));
    this.svg.addEventListener("pointerleave", () => point(null));
    this.wide = host.clientWidth;
    new ResizeObserver(([entry]) => {
      this.wide = entry.contentRect.width;
      mtp.store.set({});
    }).observe(host);
  }

  row(event) {
    const box = this.svg.getBoundingClientRect(), y = (event.clientY - box.top) * (this.high / box.height) - this.top;
    const row = Math.floor(y / this.cell);
    return row >= 0 && row < this.rows ? (row ? `n${row - 1}` : "root") : null;
  }

  // Pixels of a row of a pass over so many, and of the whole drawing.
  size(count) {
    const left = count <= 20 ? mtp.Mask.NAMES : 4, start = left + mtp.Mask.CONTEXT + 4;
    const cell = Math.max(3, Math.min(22, Math.floor((this.wide - start - 4) / count)));
    return { left, start, cell, high: 18 + count * cell + 4 };
  }

  draw(full, lane) {
    const { attr, text } = mtp.dom, count = full.nodes.length + 1, taken = new Set(full.accepted.map((node) => node + 1));
    const { left, start, cell, high } = this.size(count), named = count <= 20;
    Object.assign(this, { rows: count, top: 18, start, left, cell, high });
    const size = this.cell, gap = size > 8 ? 1 : 0, d = { grid: "", context: "", plain: "", accepted: "", self: "" };
    const box = (x, y, w, h) => `M${x} ${y}h${w}v${h}h${-w}z`;
    for (let row = 0; row < count; row += 1) {
      const y = this.top + row * size, kind = row === 0 || taken.has(row) ? "accepted" : "plain";
      d.context += box(left, y, mtp.Mask.CONTEXT, size - gap);
      for (let at = row - 1; at >= 0; at = full.nodes[at][1]) d[kind] += box(start + (at + 1) * size, y, size - gap, size - gap);
      d[kind] += box(start, y, size - gap, size - gap);
      const dot = Math.max(1.5, size * 0.28), x = start + row * size + (size - gap) / 2;
      d.self += `M${x - dot} ${y + (size - gap) / 2}a${dot} ${dot} 0 1 0 ${2 * dot} 0a${dot} ${dot} 0 1 0 ${-2 * dot} 0z`;
    }
    d.grid = box(start - 0.5, this.top - 0.5, count * size, count * size);
    for (const [name, value] of Object.entries(d)) attr(this.paths[name], "d", value);
    this.wideNow = start + count * size + 4;
    attr(this.svg, "viewBox", `0 0 ${this.wideNow} ${this.high}`);
    attr(this.svg, "width", this.wideNow);
    attr(this.svg, "height", this.high);
    attr(this.head, "x", left);
    text(this.head, mtp.say("scope.mask.committed", { n: full.position }));
    this.label(full, lane, named ? count : 0);
    attr(this.svg, "aria-label", mtp.say("scope.mask.read", { rows: count, n: full.position }));
  }

  label(full, lane, count) {
    const { svg, attr, text } = mtp.dom, kids = this.names.childNodes;
    while (kids.length > count) this.names.lastChild.remove();
    while (kids.length < count) this.names.append(svg("text"));
    const taken = new Set(full.accepted);
    for (let row = 0; row < count; row += 1) {
      const node = kids[row], kind = row === 0 ? "root" : taken.has(row - 1) ? "accepted" : "rejected";
      attr(node, "class", kind);
      attr(node, "x", mtp.Mask.NAMES - 6);
      attr(node, "y", this.top + (row + 0.5) * this.cell + 4);
      text(node, mtp.token.alone(lane.piece(row ? full.nodes[row - 1][0] : full.root), 9));
    }
  }

  // A cross over the row and the column of a node; none for a token that was no row of this pass.
  mark(key) {
    const { attr } = mtp.dom, row = key === "root" ? 0 : key?.[0] === "n" ? Number(key.slice(1)) + 1 : -1;
    const shown = row >= 0 && row < this.rows;
    for (const rect of this.cross) rect.style.display = shown ? "" : "none";
    if (!shown) return;
    const size = this.cell, [across, down] = this.cross;
    for (const [name, value] of [["x", this.left], ["y", this.top + row * size], ["width", this.start + this.rows * size - this.left], ["height", size]]) attr(across, name, value);
    for (const [name, value] of [["x", this.start + row * size], ["y", this.top], ["width", size], ["height", this.rows * size]]) attr(down, name, value);
  }
};
