// Draws a step's tree as SVG with a pool of keyed elements: from step to step only what differs is touched.
mtp.Tree = class {
  static LEAST = 0.72; // below this scale text cannot be read; the tree scrolls instead

  static MOST = 1.6; // in a lecture, where there is room

  // point(item or null): the reader points at a node, or at none.
  constructor(host, point) {
    const { svg } = mtp.dom;
    this.host = host;
    this.links = svg("g");
    this.nodes = svg("g");
    this.heads = svg("g", { "aria-hidden": "true" });
    this.svg = svg("svg", { class: "tree", role: "group" }, this.heads, this.links, this.nodes);
    this.pool = { link: new Map(), node: new Map(), head: new Map() };
    this.marked = null; // key of the node that is pointed at, here or elsewhere
    host.append(this.svg);
    this.size = [host.clientWidth, host.clientHeight]; // kept, since asking for it makes the browser lay out the page
    new ResizeObserver(([entry]) => {
      this.size = [entry.contentRect.width, entry.contentRect.height];
      if (this.layout) this.fit(this.layout);
    }).observe(host);
    const item = (event) => event.target.closest?.("g.node")?.item ?? null;
    this.svg.addEventListener("pointerover", (event) => point(item(event)));
    this.svg.addEventListener("pointerleave", () => point(null));
    this.svg.addEventListener("focusin", (event) => point(item(event)));
    this.svg.addEventListener("focusout", () => point(null));
    this.svg.addEventListener("keydown", (event) => this.walk(event));
  }

  // Up and down walk through the nodes; left and right stay the step keys.
  walk(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const all = [...this.pool.node.values()].filter((node) => node.isConnected);
    const next = all[all.indexOf(event.target.closest("g.node")) + (event.key === "ArrowDown" ? 1 : -1)];
    next?.focus();
  }

  draw(layout, describe) {
    this.keep("head", this.heads, layout.heads ?? [], (head) => this.head(head));
    this.keep("link", this.links, layout.links, (link) => this.link(link));
    this.keep("node", this.nodes, layout.items, (item) => this.node(item, describe));
    this.fit(layout);
  }

  clear() {
    this.draw({ items: [], links: [], width: 1, height: 1 }, () => "");
  }

  keep(name, parent, wanted, update) {
    const pool = this.pool[name], keys = new Set(wanted.map((entry) => entry.key));
    for (const [key, node] of pool) if (!keys.has(key)) node.remove();
    wanted.forEach((entry) => {
      const node = update(entry);
      if (node.parentNode !== parent) parent.append(node);
    });
  }

  // Mark the node with this key, or none.
  mark(key) {
    if (key === this.marked) return;
    this.pool.node.get(this.marked)?.classList.remove("same");
    this.pool.node.get(key)?.classList.add("same");
    this.marked = key;
  }

  head(head) {
    const { svg, attr, text } = mtp.dom, pool = this.pool.head;
    if (!pool.has(head.key)) pool.set(head.key, svg("text", { class: "depth" }));
    const node = pool.get(head.key);
    attr(node, "x", head.x);
    attr(node, "y", head.y);
    text(node, head.label);
    return node;
  }

  link(link) {
    const { svg, attr } = mtp.dom, pool = this.pool.link;
    if (!pool.has(link.key)) pool.set(link.key, svg("path", { fill: "none" }));
    const node = pool.get(link.key);
    attr(node, "class", `link ${link.kind}`);
    attr(node, "d", link.d);
    return node;
  }

  node(item, describe) {
    const { svg, attr, text } = mtp.dom, pool = this.pool.node;
    if (!pool.has(item.key)) {
      const made = svg("g", { role: "img" }, svg("rect"), svg("text", { class: "word" }), svg("text", { class: "prob" }), svg("circle", { r: 2.6 }),
        svg("text", { class: "tag" }));
      pool.set(item.key, made);
    }
    const node = pool.get(item.key), [rect, word, prob, dot, tag] = node.childNodes;
    node.item = item;
    attr(node, "class", `node ${item.kind}${item.best ? " best" : ""}${item.beside ? " beside" : ""}${item.key === this.marked ? " same" : ""}`);
    attr(node, "tabindex", item.key === "root" ? 0 : -1);
    attr(node, "aria-label", describe(item));
    for (const [name, value] of [["x", item.x], ["y", item.y], ["width", item.w], ["height", item.h], ["rx", item.h / 2]]) attr(rect, name, value);
    attr(word, "x", item.x + item.w / 2);
    attr(word, "y", item.y + item.h / 2 + 5.5);
    text(word, item.label);
    const chance = item.kind === "bonus" || item.kind === "plain" ? item.target : item.draft;
    attr(prob, "x", item.captionX ?? item.x + item.w / 2);
    attr(prob, "y", item.captionY ?? item.y + item.h + 14);
    const number = chance === null || chance === undefined || item.kind === "root" ? "" : mtp.number(chance);
    text(prob, item.caption ?? number + (item.folded ? ` ${mtp.say("node.more", { n: item.folded })}` : ""));
    text(tag, item.tag ?? "");
    attr(tag, "x", item.x + 10);
    attr(tag, "y", item.y - 3);
    attr(dot, "cx", item.x + item.w - 9);
    attr(dot, "cy", item.y + 7);
    return node;
  }

  fit(layout) {
    const { attr } = mtp.dom, [wide, high] = this.size;
    this.layout = layout;
    const most = mtp.store.state.lecture ? mtp.Tree.MOST : 1, scale = Math.max(mtp.Tree.LEAST, Math.min(most, wide / layout.width, high / layout.height));
    attr(this.svg, "viewBox", `0 0 ${layout.width} ${layout.height}`);
    attr(this.svg, "width", Math.round(layout.width * scale));
    attr(this.svg, "height", Math.round(layout.height * scale));
  }
};
