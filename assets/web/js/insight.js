// What the server tells of the race at hand, from its traces (mtpviz/ui/insight.py): asked for once a race, when it has ended.
mtp.insight = (() => {
  const { set } = mtp.store;
  const told = new WeakMap(); // race -> its document, or null while it is on its way

  // The document of a race; null before it is there, or where there is no server to ask.
  function of(race) {
    const ask = mtp.link.server?.insight;
    if (!ask || !race?.finished) return null;
    if (!told.has(race)) {
      told.set(race, null);
      ask(race.run).then((document) => {
        told.set(race, document?.lanes?.length === race.lanes.length ? document : null);
        set({});
      }).catch(() => told.set(race, null));
    }
    return told.get(race);
  }
  return { of };
})();

// Tabs of a race's lanes, shared by the views: which lane is looked at is one state for all.
mtp.lanetabs = (label) => {
  const { el, attr } = mtp.dom, host = el("div", { class: "lane-tabs", role: "group", "aria-label": label });
  let race = null;
  function update(state) {
    if (race !== state.race) {
      race = state.race;
      host.replaceChildren(...race.lanes.map((lane, index) => el("button", { class: "lane-tab", type: "button", text: lane.title,
        on: { click: () => mtp.store.set({ lane: index }) } })));
    }
    [...host.childNodes].forEach((tab, index) => attr(tab, "aria-pressed", String(index === state.lane)));
  }
  return { host, update };
};
