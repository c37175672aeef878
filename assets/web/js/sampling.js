// How tokens are chosen, behind one chip.
mtp.sampling = () => {
  const { el, text } = mtp.dom;
  const { state, set } = mtp.store, limit = mtp.settings.limits.tokens;
  const FIELDS = [
    ["temperature", { min: 0, max: 10, step: 0.1 }], ["top_p", { min: 0, max: 1, step: 0.05 }],
    ["top_k", { min: 0, step: 1 }], ["min_p", { min: 0, max: 1, step: 0.01 }],
    ["seed", { min: 0, step: 1 }], ["tokens", { min: 1, max: limit, step: 1 }],
  ];
  const inputs = {};
  const rows = FIELDS.map(([name, range]) => {
    const id = `mtp-${name.replace("_", "-")}`;
    inputs[name] = el("input", { type: "number", id, inputmode: "decimal", ...range, value: state.order[name], on: { input: change } });
    return el("div", { class: "field" }, el("label", { for: id }, el("b", { text: mtp.say(`sampling.${name}`) }),
      el("span", { text: mtp.say(`sampling.${name}.about`, { n: limit }) })), inputs[name]);
  });
  const fresh = el("input", { type: "checkbox", id: "mtp-fresh" });
  const menu = mtp.menu(mtp.say("sampling.title"), el("div", {}, el("h3", { text: mtp.say("sampling.title") }), ...rows,
    el("div", { class: "field check" }, fresh, el("label", { for: "mtp-fresh", text: mtp.say("sampling.fresh") })),
    el("p", { class: "note", text: mtp.say("sampling.note") })));

  // Whatever stands in a field is sent: what is wrong with it the server says, in a sentence.
  const read = (name) => (inputs[name].value === "" ? null : Number(inputs[name].value));
  function value() {
    return Object.fromEntries(FIELDS.map(([name]) => [name, read(name)]));
  }
  function change() {
    set({ order: { ...state.order, ...value() } });
    label();
  }
  function label() {
    const t = read("temperature") ?? 0, n = read("tokens") ?? "?";
    text(menu.button, t > 0 ? mtp.say("sampling.sampled", { t, n }) : mtp.say("sampling.greedy", { n }));
  }
  function draw() {
    if (fresh.checked) inputs.seed.value = crypto.getRandomValues(new Uint32Array(1))[0];
    return value();
  }
  // An example may want a number of tokens of its own.
  function update(now, was) {
    if (now.order.tokens === was.order.tokens || now.order.tokens === read("tokens")) return;
    inputs.tokens.value = now.order.tokens;
    label();
  }
  label();
  return { host: menu.host, draw, update };
};
