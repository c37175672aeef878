// Lays the page out, mounts every view into its area, and connects the wire. An exported file has no server to ask.
mtp.main = (() => {
  const { el } = mtp.dom;
  const AREAS = ["top", "ask", "left", "right", "run"];
  let root = null;

  function start(host, link) {
    mtp.link = link;
    root = host;
    mount();
    document.addEventListener("keydown", (event) => mtp.keys.press(event, root));
    mtp.wire.receive(link.value());
    if (!link.server) return;
    link.watch(() => mtp.wire.receive(link.value()));
    mtp.figures.watch();
    poll();
  }

  // A view without an area has no place of its own on the page: it only reads the state.
  function mount() {
    const areas = Object.fromEntries(AREAS.map((name) => [name, el(name === "top" ? "header" : "div", { class: `area ${name}` })]));
    root.append(areas.top, areas.ask, el("div", { class: "stage" }, areas.left, areas.right), areas.run);
    mtp.tips.mount(root);
    for (const view of [...mtp.views].sort((a, b) => a.order - b.order)) {
      const host = view.area ? el("section", { class: `view ${view.name}` }) : root;
      if (view.area) areas[view.area].append(host);
      mtp.store.read(view.mount(host), view.swift);
    }
    mtp.store.read((state) => root.classList.toggle("empty", !state.race));
  }

  // The same page in another language: every view is made anew and finds its place in the state.
  function again() {
    const fresh = root.cloneNode(false);
    root.replaceWith(fresh);
    root = fresh;
    mtp.store.forget();
    mount();
    mtp.store.set({});
  }

  // Ask how far the model is until it is there; the list of strategies comes first.
  async function poll() {
    const engine = await mtp.link.server.engine().catch(() => null);
    if (engine) mtp.store.set({ engine });
    if (engine?.state === "failed") mtp.store.set({ status: { text: engine.error, bad: true } });
    if (!engine || engine.state === "loading") setTimeout(poll, engine?.strategies.length ? 1000 : 500);
  }
  return { start, again };
})();
