// The recorded races, a row a domain: each a button with the speedups of its lanes. They need no model.
mtp.views.push({
  name: "gallery", area: "run", order: 50,
  mount(host) {
    const { el, svg, attr } = mtp.dom, say = mtp.say;
    const table = el("div", { class: "gallery-races" }), lanes = el("div", { class: "gallery-lanes", role: "group", "aria-label": say("gallery.lanes") });
    const empty = el("p", { class: "muted", text: say("gallery.loading") });
    host.append(el("div", { class: "gallery-head" }, el("div", {}, el("h2", { text: say("gallery.title") }), el("p", { class: "muted", text: say("gallery.about") })),
      mtp.open.button()), lanes, empty, table);
    let entries = [], chosen = [], now = null;

    const strategies = () => [...new Map(entries.flatMap((entry) => entry.lanes.map((lane) => [lane.strategy, lane.title])))];
    const most = () => mtp.settings.limits.lanes;

    // Which lanes a race is opened with: as many as the page can show side by side.
    function pick() {
      const all = strategies();
      chosen = all.slice(0, most()).map(([name]) => name);
      if (all.length <= most()) return;
      lanes.append(el("span", { class: "muted", text: say("gallery.lanes.about", { n: most() }) }), ...all.map(([name, title]) => {
        const button = el("button", { class: "chip", type: "button", text: mtp.word(title), "aria-pressed": String(chosen.includes(name)), disabled: name === "ntp",
          on: { click: () => flip(name) } });
        button.dataset.name = name;
        return button;
      }));
    }
    function flip(name) {
      if (chosen.includes(name)) chosen = chosen.filter((other) => other !== name);
      else if (chosen.length < most()) chosen = [...chosen, name];
      for (const button of lanes.querySelectorAll("button")) {
        attr(button, "aria-pressed", String(chosen.includes(button.dataset.name)));
        button.disabled = button.dataset.name === "ntp" || (chosen.length >= most() && !chosen.includes(button.dataset.name));
      }
    }

    // The lanes' speedups as bars, the baseline's length a line through them.
    function bars(entry) {
      const HIGH = 7, top = Math.max(1, ...entry.lanes.map((lane) => lane.speedup ?? 0)), scale = 150 / top;
      const high = entry.lanes.length * HIGH;
      return svg("svg", { viewBox: `0 0 150 ${high}`, width: 150, height: high, "aria-hidden": "true" },
        ...entry.lanes.map((lane, i) => svg("rect", { class: lane.loops ? "loops" : lane.strategy === "ntp" ? "base" : "lane-bar", x: 0, y: i * HIGH + 1, rx: 1.5,
          width: Math.max(1, (lane.speedup ?? 0) * scale), height: HIGH - 2 })),
        svg("path", { class: "one", d: `M${scale} 0V${high}` }));
    }
    function card(entry) {
      const drafted = entry.lanes.filter((lane) => lane.speedup && lane.strategy !== "ntp");
      const best = drafted.reduce((a, b) => (b.speedup > (a?.speedup ?? 0) ? b : a), null);
      const t = say(entry.temperature ? "gallery.sampled" : "gallery.greedy", { t: entry.temperature });
      const loops = entry.lanes.some((lane) => lane.loops);
      const each = entry.lanes.map((lane) => say("gallery.best", { x: mtp.number(lane.speedup ?? NaN, 2), title: mtp.word(lane.title) }));
      const button = el("button", { class: "gallery-race", type: "button", "data-tip": each.join("\n"), on: { click: () => load(entry) } },
        el("span", { class: "gallery-name" }, el("b", { text: mtp.strings[`gallery.domain.${entry.domain}`] ?? entry.domain }), ` ${t}`),
        el("span", { class: "gallery-prompt", text: entry.prompt.replace(/\s+/g, " ") }),
        el("span", { class: "gallery-best" }, bars(entry),
          el("span", { text: best ? say("gallery.best", { x: mtp.number(best.speedup, 1), title: mtp.word(best.title) }) : say("gallery.none") })),
        loops ? el("span", { class: "gallery-loops", text: say("gallery.loops") }) : null);
      button.entry = entry;
      return button;
    }
    async function load(entry) {
      if (await mtp.open.recorded(entry.name, chosen)) mtp.go("race");
    }
    // One group for each machine, day and commit, which stand above it; greedy races first.
    const { machine } = mtp.record;
    const commit = (entry) => entry.commit.replace(/^(.{10}).*?(\+?)$/, "$1$2");
    function groups() {
      const by = new Map();
      for (const entry of entries) {
        const key = [machine(entry), entry.dtype, entry.date.slice(0, 10), entry.commit].join("\n");
        by.set(key, [...(by.get(key) ?? []), entry]);
      }
      return [...by.values()].map((list) => el("div", { class: "gallery-group" },
        el("p", { class: "gallery-source muted" }, mtp.record.line({ ...list[0], hardware: machine(list[0]) }),
          list[0].commit ? ` · ${say("gallery.commit", { commit: commit(list[0]) })}` : "", el("code", { text: list[0].command })),
        el("div", { class: "gallery-grid" }, ...list.sort((a, b) => a.temperature - b.temperature).map(card))));
    }
    async function fetch() {
      entries = (await mtp.link.server.index().catch(() => [])) ?? [];
      empty.textContent = entries.length ? "" : say("gallery.empty");
      empty.hidden = !!entries.length;
      pick();
      table.replaceChildren(...groups());
    }
    fetch();

    return (state, was) => {
      if (state.race === was.race && now) return;
      now = state.race;
      const open = now?.run?.split(":")[1];
      for (const button of table.querySelectorAll(".gallery-race")) attr(button, "aria-current", button.entry.name === open ? "true" : null);
    };
  },
});
