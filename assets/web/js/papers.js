// Published figures beside those of the race at hand. Each row: [method, strategies here, speedup, tau, setting and source].
mtp.papers = (rows) => {
  const { el } = mtp.dom, { state } = mtp.store, say = mtp.say;

  function ours(names) {
    const race = state.race, index = race?.lanes.findIndex((lane) => names.includes(lane.run.strategy)) ?? -1;
    if (index < 0) return say("table.none");
    const { speedup, tau } = race.at(index, Infinity);
    return say("table.figure", { speedup: say("table.speedup", { speedup: mtp.number(speedup) }), tau: mtp.number(tau) });
  }
  function published(speedup, tau) {
    const shown = say("table.speedup", { speedup });
    return tau ? say("table.figure", { speedup: shown, tau }) : shown;
  }
  const head = ["table.method", "table.paper", "table.setting", "table.ours"].map((name) => el("th", { scope: "col", text: say(name) }));
  const body = rows.map(([method, names, speedup, tau, setting]) => el("tr", {}, el("th", { scope: "row", text: method }),
    el("td", {}, el("b", { text: published(speedup, tau) }), el("span", { class: "paper-mark", text: say("table.paper.mark") })),
    el("td", { text: setting }), el("td", { text: ours(names) })));
  return el("div", { class: "papers", tabindex: 0, role: "region", "aria-label": say("table.paper") },
    el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
};
