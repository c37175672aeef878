// Which strategies race: a chip with the number of lanes, and a panel to choose them.
mtp.choices = () => {
  const { el, text } = mtp.dom;
  const list = el("ul", { class: "choices" }), note = el("p", { class: "note", text: mtp.say("lanes.loading") });
  const menu = mtp.menu(mtp.say("lanes.title"), el("div", {}, el("h3", { text: mtp.say("lanes.title") }), list, note));
  const { state, set } = mtp.store, boxes = new Map();
  const FIRST = 4; // lanes that race unless the reader chooses: as many as can be read side by side
  let known = "";

  function build(strategies) {
    const first = strategies.filter((entry) => !entry.missing && !entry.peer).slice(0, FIRST).map((entry) => entry.name);
    list.replaceChildren(...strategies.map((entry) => {
      const base = entry.name === "ntp", id = `mtp-lane-${entry.name}`;
      const box = el("input", { type: "checkbox", id, disabled: base || !!entry.missing });
      box.checked = base || (!entry.missing && (state.order.strategies ?? first).includes(entry.name));
      boxes.set(entry.name, box);
      box.addEventListener("change", () => set({ order: { ...state.order, strategies: value() } }));
      return el("li", {}, box, el("label", { for: id }, el("b", { text: mtp.word(entry.title) }),
        el("span", { text: entry.missing || (base ? mtp.say("lanes.always") : mtp.word(entry.blurb)) })));
    }));
    note.hidden = true;
  }
  const value = () => (boxes.size ? [...boxes].filter(([, box]) => box.checked).map(([name]) => name) : state.order.strategies ?? []);
  function label() {
    const chosen = boxes.size ? value().length : state.race?.lanes.length ?? 0;
    text(menu.button, mtp.say(chosen === 1 ? "lanes.chip.one" : "lanes.chip", { n: chosen }));
  }
  function update() {
    const told = JSON.stringify(state.engine.strategies);
    if (told !== known && state.engine.strategies.length) {
      known = told;
      build(state.engine.strategies);
    }
    label();
  }
  return { host: menu.host, value, update };
};
