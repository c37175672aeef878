// What the target wanted after the root and after each accepted token: its best alternatives, as long as they are probable;
// and after the node that is pointed at, if that is none of these.
mtp.Wants = class {
  static ROWS = 9; // of a long path the first ones are shown; the rest answer to the pointer

  static HIGH = 33; // px of a row

  constructor(host) {
    this.host = host;
    this.list = mtp.dom.el("ol", { class: "wants-list" });
    host.append(this.list);
  }

  // key: of the node pointed at, or null.
  draw(full, lane, key) {
    if (this.full === full && this.key === key) return;
    [this.full, this.key] = [full, key];
    const end = full.accepted.at(-1) ?? -1, path = [-1, ...full.accepted].slice(0, mtp.Wants.ROWS);
    const asked = key === "root" ? -1 : key === "bonus" ? end : key?.[0] === "n" ? Number(key.slice(1)) : null;
    const rows = asked === null || path.includes(asked) ? path : [...path.slice(0, mtp.Wants.ROWS - 1), asked];
    const kids = this.list.childNodes;
    while (kids.length > rows.length) this.list.lastChild.remove();
    while (kids.length < rows.length) this.list.append(this.row());
    rows.forEach((node, i) => this.fill(kids[i], full, lane, node, node === asked, node === end));
  }

  row() {
    const { el } = mtp.dom, chips = Array.from({ length: 5 }, () => el("span", { class: "want" }, el("i"), el("b"), el("em")));
    return el("li", {}, el("span", { class: "want-after" }), ...chips);
  }

  fill(line, full, lane, node, asked, last) {
    const { text, attr } = mtp.dom, [after, ...chips] = line.childNodes, [chosen, prob, top] = full.rows[node + 1];
    const drafted = new Map(full.nodes.map((entry, i) => [entry[1] === node ? entry[0] : null, i])), taken = new Set(full.accepted);
    const all = top.length ? (top.some(([token]) => token === chosen) ? top : [...top.slice(0, 4), [chosen, prob]]) : [[chosen, prob]];
    attr(line, "class", `${asked ? "asked" : ""}${node >= 0 && !taken.has(node) ? " beside" : ""}${last ? " last" : ""}`);
    text(after, mtp.token.alone(lane.piece(node < 0 ? full.root : full.nodes[node][0]), 12));
    chips.forEach((chip, i) => {
      const [bar, word, number] = chip.childNodes, found = all[i];
      chip.hidden = !found;
      if (!found) return;
      const [token, p] = found, index = drafted.get(token);
      const kind = index === undefined ? (token === chosen && last && full.nodes.length ? "bonus" : "") : taken.has(index) ? "accepted" : "rejected";
      attr(chip, "class", `want ${kind}${token === chosen ? " chosen" : ""}`);
      bar.style.transform = `scaleX(${Math.min(1, p ?? 0).toFixed(3)})`;
      text(word, mtp.token.alone(lane.piece(token), 10));
      text(number, p === null ? "" : p < 0.005 ? "<.01" : p.toFixed(2).replace(/^0/, ""));
    });
  }
};
