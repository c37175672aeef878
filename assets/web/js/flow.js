// The running text of one lane: appends and removes whole steps, in blocks that the browser may skip when out of sight.
mtp.Flow = class {
  static BLOCK = 48; // tokens, at least: what the browser lays out anew for every token that comes

  constructor(host, lane, index) {
    const { el } = mtp.dom;
    this.lane = lane;
    this.host = host;
    this.index = index;
    this.spans = []; // the nodes of the first token, then of each step shown
    this.pointed = null;
    this.wide = 0; // for which the blocks end where they do
    const prompt = lane.run.prompt ?? "";
    this.cursor = el("span", { class: "cursor", "aria-hidden": "true" });
    this.block = el("div", { class: "block" }, el("span", { class: "prompt", text: prompt.length > 160 ? "…" + prompt.slice(-160) : prompt }), this.cursor);
    host.replaceChildren(this.block);
    this.stick = true; // at the bottom, until the reader scrolls away from it
    host.addEventListener("scroll", () => {
      if (host.scrollHeight !== this.high) return; // it is the text that moved, and its end is sought after its layout
      this.stick = host.scrollTop + host.clientHeight >= host.scrollHeight - 40;
    });
    host.flow = this;
    mtp.Flow.sizes.observe(host);
    mtp.Flow.sizes.observe(this.block);
  }

  // The browser tells when it has laid the page out and a text has grown or has another width: then it is known where the
  // end is, and nothing has to be laid out twice. Blocks are cut after that frame, all lanes' at once.
  static sizes = new ResizeObserver((entries) => {
    const flows = [...new Set(entries.map(({ target }) => (target.flow ?? target.parentNode?.flow)))].filter((flow) => flow?.host.isConnected);
    for (const flow of flows) flow.end();
    setTimeout(() => {
      for (const flow of flows) flow.join();
      const folds = flows.map((flow) => flow.folds());
      flows.forEach((flow, i) => flow.cut(folds[i]));
    });
  });

  // Steps shown; -1: not even the first token.
  get shown() {
    return this.spans.length - 1;
  }

  // The same lane, now told in full: where the text shown is the text it tells, it stays as it is.
  adopt(lane) {
    const same = (step, other) => step.accepted === other?.accepted && step.drafted === other.drafted && step.texts.join("\0") === other.texts.join("\0");
    const kept = !this.withGhosts && lane.run.strategy === this.lane.run.strategy && lane.first === this.lane.first
      && this.lane.steps.slice(0, Math.max(0, this.shown)).every((step, i) => same(step, lane.steps[i]));
    if (kept) this.lane = lane;
    return kept;
  }

  // Show the first `count` steps; -1 shows nothing but the prompt.
  show(count, running, ghosts) {
    const moves = count !== this.shown || ghosts !== this.withGhosts;
    while (this.shown > (ghosts === this.withGhosts ? count : -1)) this.remove();
    this.withGhosts = ghosts;
    while (this.shown < count) this.append();
    this.cursor.hidden = !running;
    if (!moves) return;
    mtp.Flow.sizes.unobserve(this.block); // so that it is told of after this frame's layout, even where its size stays
    mtp.Flow.sizes.observe(this.block);
  }

  // Scroll to the end, unless the reader went elsewhere.
  end() {
    if (this.stick) this.host.scrollTop = 1e9;
    this.high = this.host.scrollHeight;
  }

  // Where the last block is to end: at tokens with which the browser has begun a new line anyway. So the text looks the same,
  // and what comes next is laid out without what is above it. Only reads: all lanes are asked before one is cut.
  folds() {
    const { BLOCK } = mtp.Flow, nodes = this.block.children, found = [];
    for (let i = nodes.length - 2, low = nodes[i]?.offsetTop; i >= BLOCK; i -= 1) {
      const high = nodes[i - 1].offsetTop;
      if (low > high && this.begins(nodes[i], low - high)) {
        found.unshift({ node: nodes[i], top: low });
        i -= BLOCK - 1;
        low = nodes[i - 1]?.offsetTop;
      } else low = high;
    }
    const top = this.block.offsetTop;
    if (found.length) found.unshift({ node: null, top }), found.push({ node: null, top: top + this.block.offsetHeight });
    return found;
  }

  // Whether a token that stands lower than the one before it is the first in its line: none of that one is there, nor white
  // space that would stay behind.
  begins(node, lower) {
    const before = node.previousElementSibling;
    if (lower < before.offsetHeight / 2 || before.getClientRects().length > 1) return false;
    let text = "";
    for (let at = node.previousSibling; at !== before; at = at.previousSibling) text = at.data + text;
    return !/\n[^\n]+$/.test(text);
  }

  // Each part is told how high it is: the browser lays out none before it knows that it is seen. The last fold is the end.
  cut(folds) {
    const first = this.block, range = document.createRange();
    for (let i = folds.length - 2; i > 0; i -= 1) {
      const part = mtp.dom.el("div", { class: "block" });
      range.setStartBefore(folds[i].node);
      range.setEndAfter(first.lastChild);
      part.append(range.extractContents());
      first.after(part);
      mtp.Flow.sizes.observe(part);
    }
    this.block = this.host.lastChild;
    let part = first;
    for (let i = 1; i < folds.length; i += 1, part = part.nextSibling) part.style.containIntrinsicHeight = `auto ${folds[i].top - folds[i - 1].top}px`;
  }

  // Another width breaks the lines elsewhere: the blocks become one again, to be cut anew.
  join() {
    if (this.wide === this.host.clientWidth) return;
    this.wide = this.host.clientWidth;
    const [first, ...rest] = this.host.children;
    for (const block of rest) {
      first.append(...block.childNodes);
      block.remove();
    }
    this.block = first;
  }

  append() {
    const number = this.shown, made = [];
    if (number < 0) made.push(...this.token(this.lane.first, "plain", -1, 0));
    else {
      const step = this.lane.steps[number];
      step.texts.forEach((text, i) => {
        const kind = this.lane.kind(step, i);
        if (kind === "bonus" && step.full && this.withGhosts) made.push(...this.ghosts(step));
        made.push(...this.token(text, kind, number, i));
      });
    }
    this.spans.push(made);
    this.cursor.before(...made);
  }

  remove() {
    for (const node of this.spans.pop()) node.remove();
    while (this.block.firstChild === this.cursor && this.block.previousSibling) {
      this.block = this.block.previousSibling;
      this.block.nextSibling.remove();
      this.block.append(this.cursor);
    }
  }

  // The space before a word and the line breaks after it belong to their token but stand outside its mark: words stay
  // words, and no mark reaches into the next line. What cannot be seen gets a sign, drawn by CSS.
  token(text, kind, step, place) {
    const [, before, body, after] = /^( (?=[^ ]))?([^]*?)(\n\s*)?$/.exec(text);
    const span = mtp.dom.el("span", { class: `tok ${kind}`, "data-step": step, "data-place": place, text: body });
    const mark = mtp.token.mark(body || after || "");
    if (mark) span.dataset.mark = mark;
    return [before, span, after].filter((part) => part).map((part) => (part === span ? span : document.createTextNode(part)));
  }

  // The draft that the target turned down where this step ended: the drafter's best, if there were several.
  ghosts(step) {
    const last = step.full.accepted.at(-1) ?? -1;
    const best = step.full.nodes.filter((node) => node[1] === last).sort((a, b) => (b[3] ?? 0) - (a[3] ?? 0))[0];
    if (!best) return [];
    return [mtp.dom.el("span", { class: "ghost", "aria-hidden": "true", text: mtp.token.alone(this.lane.piece(best[0])) })];
  }

  // Mark the one token at a place in the text, whichever step wrote it; null for none.
  point(index) {
    const found = index === null ? null : this.at(index);
    if (found === this.pointed) return;
    this.pointed?.classList.remove("same");
    found?.classList.add("same");
    this.pointed = found;
  }

  at(index) {
    if (index < 1) return index < 0 || this.shown < 0 ? null : this.spans[0].find((node) => node.classList?.contains("tok")) ?? null;
    const steps = this.lane.steps;
    let low = 0, high = this.shown;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle].tokens >= index) high = middle;
      else low = middle + 1;
    }
    if (low >= this.shown) return null;
    const place = index - 1 - (low ? steps[low - 1].tokens : 0);
    return this.spans[low + 1].find((node) => node.dataset?.place === String(place) && node.classList.contains("tok")) ?? null;
  }

  // Mark the tokens of one step: "now" is the step under the microscope, "hover" the one pointed at.
  mark(name, number) {
    if (this[name] === number) return;
    const tokens = (step) => (this.spans[step + 1] ?? []).filter((node) => node.classList?.contains("tok"));
    for (const span of tokens(this[name])) span.classList.remove(name);
    this[name] = number;
    for (const span of number === null ? [] : tokens(number)) span.classList.add(name);
  }
};
