// What happened in this step: its draft tree, what the target wanted instead, and where the time went.
mtp.views.push({
  name: "microscope card", area: "right", order: 10,
  mount(host) {
    const { el, text, attr } = mtp.dom, say = mtp.say;
    const PHASES = ["draft", "verify", "commit", "host"];
    const title = el("h2"), summary = el("p", { class: "muted" }), note = el("p", { class: "note" }), wants = el("p", { class: "wants" });
    const scroll = el("div", { class: "tree-scroll" }), empty = el("p", { class: "muted empty" });
    const parts = PHASES.map((name) => ({ name, bar: el("i", { class: `phase ${name}` }), ms: el("b") }));
    const took = el("span", { class: "took" });
    const time = el("div", { class: "step-time" }, el("div", { class: "phase-bar", "aria-hidden": "true" }, ...parts.map((part) => part.bar)),
      el("p", { class: "phase-list" }, took,
        ...parts.map((part) => el("span", {}, el("i", { class: `phase ${part.name}` }), say(`phase.${part.name}`), " ", part.ms))));
    scroll.append(empty);
    host.append(el("div", { class: "card-head" }, title, summary), scroll, el("div", { class: "node-note" }, note, wants), time);
    const tree = new mtp.Tree(scroll, (item) => {
      if (item && item.kind !== "more") mtp.hover.node(mtp.store.state.lane, number, item.key);
      else mtp.hover.none();
    });
    let lane = null, step = null, number = -1, layout = null;

    // Of the node pointed at, here or elsewhere; with none, of where the drafts ended.
    function explain() {
      const key = step?.full ? mtp.hover.here(mtp.store.state.lane, number) : null, item = key && layout?.items.find((entry) => entry.key === key);
      tree.mark(key);
      if (!step?.full) return text(note, ""), text(wants, "");
      text(note, item ? mtp.words.node(lane, step.full, item) : mtp.words.end(lane, step.full));
      const row = item && item.wanted !== undefined ? step.full.rows[item.wanted] : null;
      text(wants, row ? say("node.wanted", { list: mtp.words.list(lane, row) }) : "");
    }

    // While a race runs only some steps come with their tree: show the newest that did, if there was one of late.
    function newest(lane, count, race) {
      if (race.finished) return count;
      for (let near = count; near > Math.max(0, count - 40); near -= 1) if (lane.steps[near - 1].full) return near;
      return count;
    }

    return (state, was) => {
      lane = state.race?.lanes[state.lane] ?? null;
      if (!lane) return;
      const count = newest(lane, mtp.player.count(), state.race), found = lane.steps[count - 1] ?? null;
      const name = lane.title;
      text(title, found ? say("step.title", { title: name, n: count, of: lane.steps.length }) : name);
      if (found === step && found?.full === host.drawn && state.race === was.race && state.lane === was.lane) return explain();
      [step, number] = [found, count - 1];
      host.drawn = found?.full ?? null;
      text(summary, mtp.words.step(found));
      text(empty, found && !found.full ? say("step.pending") : "");
      layout = found?.full ? mtp.treeLayout(found.full, lane) : null;
      if (layout) tree.draw(layout, (item) => mtp.words.node(lane, found.full, item));
      else tree.clear();
      attr(tree.svg, "aria-label", found ? say("step.tree", { summary: summary.textContent }) : null);
      explain();
      const ms = found?.full && !lane.run.server ? PHASES.map((phase) => found.full.time_ms[phase] ?? 0) : null, sum = ms?.reduce((a, b) => a + b, 0);
      time.classList.toggle("blank", !sum);
      text(took, sum ? say("step.time", { ms: mtp.number(sum, 2) }) : "\u00a0");
      parts.forEach((part, i) => {
        part.bar.style.flexGrow = ms ? ms[i] : 0;
        text(part.ms, ms ? mtp.number(ms[i], 2) : "");
      });
    };
  },
});
