// Where each node of a step's draft tree goes. Depth runs to the right. What became text runs along the top row; the drafts
// that were turned down stand below, each in the column of its depth. What hung below a turned-down draft never counted:
// it is drawn only behind the end of the accepted path, where there is room, and told as a number elsewhere.
mtp.treeLayout = (() => {
  const GAP = 24, ROW = 53, PILL = 32, PAD = 20, MARGIN = 6, MOST = 4, TAIL = 3;
  const cache = new WeakMap(); // by the step's own record: a layout is computed once
  let pen = null;

  function width(label) {
    pen ??= document.createElement("canvas").getContext("2d");
    pen.font = "16px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";
    return Math.max(38, Math.ceil(pen.measureText(label).width) + PAD);
  }

  function layout(step, lane) {
    if (!cache.has(step)) cache.set(step, compute(step, lane));
    return cache.get(step);
  }

  function compute(step, lane) {
    const nodes = step.nodes.map(([token, parent, source, draft, target], index) => ({ token, parent, source, draft, target, index }));
    const kids = new Map(), items = [], links = [];
    for (const node of nodes) kids.set(node.parent, [...(kids.get(node.parent) ?? []), node]);
    for (const list of kids.values()) list.sort((a, b) => (b.draft ?? 0) - (a.draft ?? 0));
    const children = (index) => kids.get(index) ?? [];
    const size = (index) => children(index).reduce((sum, kid) => sum + 1 + size(kid.index), 0);

    function put(from, key, label, kind, row, more) {
      const item = { key, label, kind, row, depth: from ? from.depth + 1 : 0, w: width(label), folded: 0, ...more };
      items.push(item);
      if (from) links.push({ key: `${from.key}>${key}`, from, to: item, kind });
      return item;
    }
    const draft = (from, node, kind, row) => put(from, `n${node.index}`, mtp.token.alone(lane.piece(node.token)), kind, row,
      { ...node, wanted: node.parent + 1 });

    // The drafts turned down after one node of the accepted path, from the row below it.
    function reject(from, list, open) {
      const shown = list.length > MOST ? list.slice(0, MOST - 1) : list;
      shown.forEach((node, i) => {
        let item = draft(from, node, "rejected", i + 1), next = node, tail = 0;
        while (open && tail < TAIL && children(next.index).length) {
          item.folded = size(next.index) - 1 - size(children(next.index)[0].index);
          next = children(next.index)[0];
          item = draft(item, next, "unread", i + 1);
          tail += 1;
        }
        item.folded = size(next.index);
      });
      const rest = list.slice(shown.length), hidden = rest.reduce((sum, node) => sum + 1 + size(node.index), 0);
      if (hidden) put(from, `more${from.key}`, mtp.say("node.more", { n: hidden }), "more", shown.length + 1, { hidden });
    }

    let at = put(null, "root", mtp.token.alone(lane.piece(step.root)), "root", 0, { token: step.root });
    let index = -1;
    for (const taken of step.accepted) {
      reject(at, children(index).filter((node) => node.index !== taken), false);
      at = draft(at, nodes[taken], "accepted", 0);
      index = taken;
    }
    put(at, "bonus", mtp.token.alone(lane.piece(step.bonus)), nodes.length ? "bonus" : "plain", 0,
      { token: step.bonus, wanted: index + 1, target: step.rows[index + 1]?.[1] });
    reject(at, children(index), true);

    const columns = [];
    for (const item of items) columns[item.depth] = Math.max(columns[item.depth] ?? 0, item.w);
    const left = columns.reduce((edges, w) => [...edges, edges.at(-1) + w + GAP], [MARGIN]);
    for (const item of items) Object.assign(item, { x: left[item.depth], y: MARGIN + item.row * ROW, h: PILL });
    for (const link of links) link.d = curve(link.from, link.to);
    const rows = 1 + Math.max(...items.map((item) => item.row));
    return { items, links, width: left.at(-1) - GAP + MARGIN, height: rows * ROW + MARGIN };
  }

  function curve(from, to) {
    const x1 = from.x + from.w, y1 = from.y + from.h / 2, x2 = to.x, y2 = to.y + to.h / 2;
    if (y1 === y2) return `M${x1} ${y1}H${x2}`;
    const turn = x2 - GAP / 2; // down in the gap before the child's column, so that no line crosses a node
    return `M${x1} ${y1}H${turn - 6}C${turn + 2} ${y1} ${turn - 6} ${y2} ${x2} ${y2}`;
  }
  return Object.assign(layout, { width, curve });
})();
