// The parts of the page by name, in the order in which they stand, and the row of them in the head. `mtp.go(name)` brings one
// before the reader.
mtp.places = {
  race: ".view.lanes",
  step: ".view.microscope",
  why: ".view.why",
  scope: ".view.scope",
  speedup: ".view.speedup",
  vocabulary: ".view.vocabulary",
  gallery: ".view.gallery",
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
  const { el, attr } = mtp.dom, { state, set } = mtp.store;
  const BESIDE = ["step", "why"]; // they stand beside the race and need no way to them
  const names = Object.keys(mtp.places).filter((name) => !BESIDE.includes(name));
  const items = names.map((name) => [name, el("button", { class: "nav-item", type: "button", text: mtp.say(`nav.${name}`), on: { click: () => mtp.go(name) } })]);
  const learn = el("button", { class: "nav-item", type: "button", text: mtp.say("nav.learn"), on: { click: mtp.learn.toggle } });
  let asked = false;

  // The part that reaches up to the upper half of the window.
  function follow() {
    asked = false;
    if (state.lecture) return;
    const above = names.filter((name) => (mtp.find(name)?.getBoundingClientRect().top ?? Infinity) < innerHeight * 0.4);
    const tops = above.map((name) => [mtp.find(name).getBoundingClientRect().top, name]).sort((a, b) => b[0] - a[0]);
    const view = scrollY > 40 && tops.length ? tops[0][1] : "race";
    if (view !== state.view && !(view === "race" && BESIDE.includes(state.view))) set({ view });
  }
  document.onscroll = () => {
    if (!asked) requestAnimationFrame(follow);
    asked = true;
  };
  mtp.store.read(() => {
    const shown = BESIDE.includes(state.view) ? "race" : state.view;
    for (const [name, item] of items) {
      item.hidden = !mtp.find(name);
      attr(item, "aria-current", shown === name ? "true" : null);
    }
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
