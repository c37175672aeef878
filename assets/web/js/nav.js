// The parts of the page by name, and the row of them in the head. `mtp.go(name)` brings one before the reader.
mtp.places = {
  race: ".view.lanes",
  step: ".view.microscope",
  why: ".view.why",
  figures: "#mtp-figures",
};
mtp.find = (name) => document.querySelector(mtp.places[name] ?? null);
mtp.glide = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
mtp.go = (view) => {
  mtp.store.set({ view });
  if (view === "race") scrollTo({ top: 0, behavior: mtp.glide() });
  else mtp.find(view)?.scrollIntoView({ block: "start", behavior: mtp.glide() });
};

mtp.nav = () => {
  const { el, attr } = mtp.dom;
  const items = Object.keys(mtp.places).map((name) => [name, el("button", { class: "nav-item", type: "button", text: mtp.say(`nav.${name}`),
    on: { click: () => mtp.go(name) } })]);
  const learn = el("button", { class: "nav-item", type: "button", text: mtp.say("nav.learn"), on: { click: mtp.learn.toggle } });
  mtp.store.read((state) => {
    for (const [name, item] of items) attr(item, "aria-current", state.view === name ? "true" : null);
    attr(learn, "aria-expanded", String(state.course !== null));
  });
  return el("nav", { class: "nav", "aria-label": mtp.say("nav.label") }, ...items.map(([, item]) => item), learn);
};

// Copies the address of the page as it stands.
mtp.share = () => {
  const { el, text } = mtp.dom;
  const said = el("span", { "aria-live": "polite", text: mtp.say("share") });
  async function copy() {
    const done = await navigator.clipboard?.writeText(mtp.permalink.address()).then(() => true, () => false);
    text(said, mtp.say(done ? "share.done" : "share.failed"));
    setTimeout(() => text(said, mtp.say("share")), 2500);
  }
  return el("button", { class: "chip share", type: "button", "data-tip": mtp.say("share.about"), on: { click: copy } }, said);
};
