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
      explain(item ?? null);
      mtp.store.set({ node: item ?? null });
    });
    let lane = null, step = null;

    const word = (token) => mtp.token.alone(lane.piece(token), 24);
    function list(row) {
      const [token, prob, top] = row;
      const all = top.length ? top : [[token, prob]];
      return all.slice(0, 4).map(([id, p]) => `“${word(id)}”` + (p === null ? "" : ` ${mtp.number(p)}`)).join(", ");
    }
    function describe(item) {
      if (item.kind === "more") return say("node.more.about", { n: item.hidden });
      const kind = item.kind === "plain" ? "target" : item.kind;
      const drafted = item.draft !== undefined && item.draft !== null;
      const probs = drafted ? " " + say("node.probs", { draft: mtp.number(item.draft), target: mtp.number(item.target ?? NaN) }) : "";
      return say(`node.${kind}`, { text: word(item.token) }) + probs + (item.folded ? `, ${say("node.folded", { n: item.folded })}` : "");
    }

    // Of the node pointed at; with none, of where the drafts ended.
    function explain(item) {
      if (!step?.full) return text(note, ""), text(wants, "");
      const full = step.full;
      if (item) {
        text(note, describe(item) + (item.source ? ` · ${say("node.source", { n: item.source })}` : ""));
        text(wants, item.wanted !== undefined && full.rows[item.wanted] ? say("node.wanted", { list: list(full.rows[item.wanted]) }) : "");
        return;
      }
      const last = full.accepted.at(-1) ?? -1;
      const turned = full.nodes.filter((node) => node[1] === last).sort((a, b) => (b[3] ?? 0) - (a[3] ?? 0))[0];
      const from = last < 0 ? full.root : full.nodes[last][0];
      text(note, turned ? say("node.instead", { text: word(turned[0]), list: list(full.rows[last + 1]) })
        : say("node.after", { text: word(from), list: list(full.rows[last + 1]) }));
      text(wants, "");
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
      const count = newest(lane, lane.count(state.time), state.race), found = lane.steps[count - 1] ?? null;
      const name = lane.run.title;
      text(title, found ? say("step.title", { title: name, n: count, of: lane.steps.length }) : name);
      if (found === step && found?.full === host.drawn && state.race === was.race && state.lane === was.lane) return;
      step = found;
      host.drawn = found?.full ?? null;
      const tokens = found?.texts.length ?? 0;
      text(summary, !found ? say("step.prefill") : found.drafted
        ? say("step.summary", { drafted: found.drafted, accepted: found.accepted,
            tokens: say(tokens === 1 ? "step.tokens.one" : "step.tokens", { n: tokens }) })
        : say("step.plain"));
      text(empty, found && !found.full ? say("step.pending") : "");
      if (found?.full) tree.draw(mtp.treeLayout(found.full, lane), describe);
      else tree.clear();
      attr(tree.svg, "aria-label", found ? say("step.tree", { summary: summary.textContent }) : null);
      explain(null);
      const ms = found?.full ? PHASES.map((phase) => found.full.time_ms[phase] ?? 0) : null, sum = ms?.reduce((a, b) => a + b, 0);
      time.classList.toggle("blank", !ms);
      text(took, ms ? say("step.time", { ms: mtp.number(sum, 2) }) : "\u00a0");
      parts.forEach((part, i) => {
        part.bar.style.flexGrow = ms ? ms[i] : 0;
        text(part.ms, ms ? mtp.number(ms[i], 2) : "");
      });
    };
  },
});
