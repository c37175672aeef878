// The running text of one lane: appends and removes whole steps, in blocks that the browser may skip when out of sight.
mtp.Flow = class {
  static BLOCK = 150; // tokens; a block ends at a line's end, so that it never breaks a line of text

  constructor(host, lane, index) {
    const { el } = mtp.dom;
    this.lane = lane;
    this.host = host;
    this.index = index;
    this.shown = -1; // steps shown; -1: not even the first token
    this.spans = [];
    this.pointed = null;
    const prompt = lane.run.prompt ?? "";
    this.prompt = el("span", { class: "prompt", text: prompt.length > 160 ? "…" + prompt.slice(-160) : prompt });
    this.cursor = el("span", { class: "cursor", "aria-hidden": "true" });
    host.replaceChildren();
    this.stick = true; // at the bottom, until the reader scrolls away from it
    host.addEventListener("scroll", () => (this.stick = host.scrollTop + host.clientHeight >= host.scrollHeight - 40));
    new ResizeObserver(() => this.stick && this.settle()).observe(host);
    this.newBlock();
    this.block.prepend(this.prompt);
  }

  newBlock() {
    this.block = mtp.dom.el("div", { class: "block" }, this.cursor);
    this.filled = 0;
    this.host.append(this.block);
  }

  // Show the first `count` steps; -1 shows nothing but the prompt. Whether the text moved and is to be scrolled.
  show(count, running, ghosts) {
    const changed = count !== this.shown || ghosts !== this.withGhosts;
    this.withGhosts = ghosts;
    while (this.shown > count) this.remove();
    while (this.shown < count) this.append();
    this.cursor.hidden = !running;
    return changed && this.stick;
  }

  // Scroll to the end. All lanes do so after all have written, so that the browser lays the page out but once.
  settle() {
    this.host.scrollTop = 1e9;
  }

  append() {
    const number = this.shown, made = [];
    if (number < 0) made.push(...this.token(this.lane.first, "plain", -1, 0));
    else {
      const step = this.lane.steps[number];
      step.texts.forEach((text, i) => {
        const kind = this.lane.kind(step, i);
        if (kind === "bonus" && step.full) made.push(...this.ghosts(step));
        made.push(...this.token(text, kind, number, i));
      });
    }
    this.spans.push(made);
    this.shown += 1;
    this.cursor.before(...made);
    this.filled += made.length;
    if (this.filled >= mtp.Flow.BLOCK && made.at(-1)?.textContent.endsWith("\n")) this.newBlock();
  }

  remove() {
    for (const node of this.spans.pop()) node.remove();
    this.shown -= 1;
    const before = this.block.previousSibling;
    if (this.block.firstChild !== this.cursor || !before) return;
    this.block.remove();
    this.block = before;
    this.block.append(this.cursor);
    this.filled = this.block.childNodes.length;
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
