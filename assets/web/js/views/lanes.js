// The race: who is ahead, and what did they write. One lane a strategy, its speedup the one big thing.
mtp.views.push({
  name: "lanes", area: "left", order: 10, swift: true,
  mount(host) {
    const { el, text, attr, icon } = mtp.dom, { set } = mtp.store;
    let race = null, rows = [];
    attr(host, "aria-label", mtp.say("lane.region"));
    mtp.hover.follow(host);
    host.addEventListener("click", (event) => {
      const head = event.target.closest(".lane-head");
      if (head) set({ lane: Number(head.parentNode.dataset.lane) });
    });

    function build() {
      host.style.setProperty("--lanes", race.lanes.length);
      host.style.setProperty("--blurb-lines", race.lanes.length > 3 ? 1 : 2);
      host.classList.toggle("many", race.lanes.length > 4);
      rows = race.lanes.map((lane, index) => {
        const part = {
          name: el("button", { class: "lane-name", type: "button", text: lane.title }),
          blurb: el("p", { class: "lane-blurb" }),
          speed: el("span", { class: "figure" }), rate: el("b"), tau: el("b"), exact: el("p", { class: "lane-exact" }),
          solid: el("i", { class: "solid" }), rest: el("i", { class: "rest" }), clock: el("span", { class: "clock" }),
          text: el("div", { class: "lane-text", tabindex: 0, role: "region",
            "aria-label": mtp.say("lane.text", { title: lane.title }) }),
        };
        part.bar = el("div", { class: "bar", role: "img" }, part.rest, part.solid);
        attr(part.name, "aria-label", mtp.say("lane.focus", { title: lane.title }));
        part.row = el("article", { class: "lane", "data-lane": index },
          el("div", { class: "lane-head" }, part.name, part.blurb,
            el("p", { class: "lane-speed", tabindex: 0, role: "note", "data-tip": mtp.say("term.speedup"), "data-term": "speedup" },
              part.speed, el("span", { class: "times", text: "×" })),
            el("p", { class: "lane-facts" }, part.rate, mtp.tips.glossary("rate", mtp.say("lane.tokens")),
              mtp.tips.glossary("tau", "τ"), part.tau),
            part.exact),
          el("div", { class: "lane-body" }, el("div", { class: "lane-race" }, part.bar, part.clock), part.text));
        part.flow = new mtp.Flow(part.text, lane, index);
        return part;
      });
      host.replaceChildren(...rows.map((part) => part.row));
    }

    function verdict(part, index, final) {
      const [exact, place] = race.exact[index], run = race.lanes[index].run;
      const name = race.serverVerdict(index, final) ?? (index === race.base ? "baseline" : !final || (exact === null && place === null) ? "unchecked"
        : run.peer && !exact ? "peer" : exact ? (race.stopped ? "so_far" : "yes") : exact === null ? "draw" : run.lossless === false ? "lossy" : "no");
      if (part.verdict === name) return;
      part.verdict = name;
      const kind = name.replace("server_", "");
      const sign = kind === "yes" || kind === "so_far" ? icon("check") : kind === "no" || kind === "lossy" ? icon("differs") : null;
      const values = { n: (place ?? 0) + 1 };
      part.exact.className = `lane-exact ${kind}`;
      part.exact.replaceChildren(...[sign, mtp.tips.term(mtp.say(`exact.${name}`, values), `exact.${name}.about`,
        { "data-tip": mtp.say(`exact.${name}.about`, values) })].filter(Boolean));
    }

    return (state) => {
      if (!state.race) return;
      if (race !== state.race) {
        const told = race?.live && state.race.live && !race.finished && rows.every((part, index) => part.flow.adopt(state.race.lanes[index]));
        race = state.race;
        if (!told) build();
      }
      host.classList.toggle("ghosts", state.ghosts);
      const won = race.won;
      rows.forEach((part, index) => {
        const lane = race.lanes[index], now = race.at(index, state.time), known = now.steps > 0;
        const { server, model } = lane.run;
        const blurb = lane.error || (server ? mtp.say("lane.server", { version: server.version || "?", address: server.address, model: model.name })
          : mtp.word(state.engine.strategies.find((entry) => entry.name === lane.run.strategy)?.blurb ?? ""));
        text(part.blurb, blurb || "\u00a0");
        attr(part.blurb, "data-tip", blurb || null);
        text(part.speed, known ? mtp.number(now.speedup, 1) : "–");
        text(part.rate, known ? mtp.number(now.rate, 0) : "–");
        text(part.tau, known ? mtp.number(now.tau) : "–");
        verdict(part, index, race.finished);
        const shown = now.first ? now.steps : -1, written = now.first ? now.tokens + 1 : 0;
        const ended = race.finished && state.time >= lane.end;
        part.flow.show(shown, !ended, state.ghosts);
        part.flow.mark("now", state.lane === index && known ? mtp.player.count() - 1 : null);
        part.flow.mark("hover", state.hover?.lane === index ? state.hover.step : null);
        part.flow.point(state.hover?.index ?? null);
        const ahead = state.time > won ? race.at(index, won) : null;
        const solid = ahead ? (ahead.first ? ahead.tokens + 1 : 0) : written;
        part.solid.style.transform = `scaleX(${Math.min(1, solid / race.limit)})`;
        part.rest.style.transform = `scaleX(${Math.min(1, written / race.limit)})`;
        text(part.clock, ended ? `${mtp.number(lane.end / 1000, 2)} s` : "");
        attr(part.bar, "aria-label", mtp.say("lane.bar", { title: lane.title, n: written, limit: race.limit }));
        attr(part.name, "aria-pressed", state.lane === index ? "true" : "false");
        part.row.classList.toggle("focused", state.lane === index);
        part.row.classList.toggle("base", index === race.base);
        part.row.classList.toggle("unknown", !known || !Number.isFinite(now.speedup));
      });
    };
  },
});
