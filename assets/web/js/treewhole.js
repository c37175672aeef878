// Where each node goes when the whole tree is drawn: depth to the right, what became text along the top row, each further
// branch on a row of its own below. With an oracle, the tokens that followed go on along the top row.
mtp.treeWhole = (() => {
  const TOP = 26, MARGIN = 6, MOST = 14; // tokens of the oracle beyond the bonus
  const ROOMY = { row: 52, pill: 31, gap: 26 }, TIGHT = { row: 33, pill: 25, gap: 74 };

  const chance = (value) => (value === null || value === undefined ? "–" : value.toFixed(2).replace(/^0/, ""));

  const sizes = (rows) => (rows > 9 ? TIGHT : ROOMY), height = (rows) => TOP + rows * sizes(rows).row + MARGIN;

  function layout(step, lane, oracle) {
    const nodes = step.nodes.map(([token, parent, source, draft, target], index) => ({ token, parent, source, draft, target, index }));
    const kids = new Map(), taken = new Set(step.accepted), items = [], links = [], end = step.accepted.at(-1) ?? -1;
    for (const node of nodes) kids.set(node.parent, [...(kids.get(node.parent) ?? []), node]);
    for (const list of kids.values()) list.sort((a, b) => taken.has(b.index) - taken.has(a.index) || (b.draft ?? 0) - (a.draft ?? 0));
    let rows = 1;

    function put(from, key, token, kind, row, more) {
      const item = { key, token, kind, row, depth: from ? from.depth + 1 : 0, label: mtp.token.alone(lane.piece(token)), folded: 0, ...more };
      items.push(item);
      if (from) links.push({ key: `${from.key}>${key}`, from, to: item, kind });
      return item;
    }
    function grow(from, index, row, read) {
      let free = true;
      if (index === end && read) {
        put(from, "bonus", step.bonus, nodes.length ? "bonus" : "plain", row, { wanted: end + 1, target: step.rows[end + 1]?.[1] });
        free = false;
      }
      for (const node of kids.get(index) ?? []) {
        const at = free ? row : rows++;
        free = false;
        const kind = taken.has(node.index) ? "accepted" : read ? "rejected" : "unread";
        const item = put(from, `n${node.index}`, node.token, kind, at, { ...node, wanted: node.parent + 1 });
        grow(item, node.index, at, kind === "accepted");
      }
    }
    const root = put(null, "root", step.root, "root", 0);
    grow(root, -1, 0, true);
    if (oracle) extend(oracle);

    // The chain of what followed: the accepted drafts and the bonus are its beginning.
    function extend({ chain }) {
      const known = step.accepted.length + 1, more = chain.slice(known, known + MOST);
      for (const item of items) item.best = item.kind === "accepted" || (item.kind === "bonus" && chain.length >= known);
      let from = items.find((item) => item.key === "bonus");
      more.forEach((token, i) => (from = put(from, `o${i}`, token, "oracle", 0)));
      if (chain.length > known + more.length) put(from, "more", step.root, "more", 0, { hidden: chain.length - known - more.length });
      const last = items.at(-1);
      if (last.kind === "more") last.label = mtp.say("node.more", { n: last.hidden });
    }

    const size = sizes(rows), wide = [];
    for (const item of items) {
      item.w = mtp.treeLayout.width(item.label);
      wide[item.depth] = Math.max(wide[item.depth] ?? 0, item.w);
    }
    const left = wide.reduce((edges, w) => [...edges, edges.at(-1) + w + size.gap], [MARGIN]);
    for (const item of items) {
      Object.assign(item, { x: left[item.depth], y: TOP + item.row * size.row, h: size.pill });
      caption(item, size === TIGHT);
    }
    for (const link of links) link.d = mtp.treeLayout.curve(link.from, link.to);
    return { items, links, heads: heads(items, left, wide), width: left.at(-1) - size.gap + MARGIN + (size === TIGHT ? 62 : 0),
             height: height(rows) };
  }

  // Draft's and target's probability: below the pill, or beside it where rows are many.
  function caption(item, beside) {
    const drafted = item.key[0] === "n";
    item.caption = drafted ? `${chance(item.draft)} · ${chance(item.target)}` : item.key === "bonus" ? chance(item.target) : "";
    if (!beside) return;
    [item.captionX, item.captionY] = [item.x + item.w + 5, item.y + item.h / 2 + 4.5];
    item.beside = true;
  }

  // Over each column its depth; and who proposed it, where that is not simply the depth.
  function heads(items, left, wide) {
    const columns = new Map();
    for (const item of items) if (item.key[0] === "n") columns.set(item.depth, (columns.get(item.depth) ?? new Set()).add(item.source));
    const told = [];
    for (const [depth, sources] of columns) {
      const all = [...sources], plain = all.length === 1 && all[0] === depth;
      const label = plain ? mtp.say("scope.depth", { n: depth }) : all.length === 1 ? mtp.say("scope.depth.source", { n: depth, source: mtp.source(all[0]) })
        : mtp.say("scope.depth", { n: depth });
      if (all.length > 1) for (const item of items) if (item.depth === depth && item.key[0] === "n") item.tag = mtp.source(item.source);
      told.push({ key: `d${depth}`, x: left[depth] + wide[depth] / 2, y: 12, label });
    }
    return told;
  }
  return Object.assign(layout, { height });
})();

// Who proposed a node: the number of a head or depth, or what the trace calls it.
mtp.source = (source) => (typeof source === "number" ? mtp.say("scope.source", { n: source }) : String(source));
