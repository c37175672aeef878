// Lays the page out, mounts every view into its area, and connects the wire.
mtp.main = (() => {
  const { el } = mtp.dom;
  const AREAS = ["top", "ask", "left", "right", "run"];

  function start(root, link) {
    mtp.link = link;
    const areas = Object.fromEntries(AREAS.map((name) => [name, el(name === "top" ? "header" : "div", { class: `area ${name}` })]));
    root.append(areas.top, areas.ask, el("div", { class: "stage" }, areas.left, areas.right), areas.run);
    for (const view of [...mtp.views].sort((a, b) => a.order - b.order)) {
      const host = el("section", { class: `view ${view.name}` });
      areas[view.area].append(host);
      mtp.store.read(view.mount(host));
    }
    mtp.store.read((state) => root.classList.toggle("empty", !state.race));
    mtp.tips.mount(root);
    root.addEventListener("keydown", mtp.keys.press);
    link.watch(() => mtp.wire.receive(link.value()));
    mtp.wire.receive(link.value());
    mtp.figures.watch();
    poll();
  }

  // Ask how far the model is until it is there; the list of strategies comes first.
  async function poll() {
    const engine = await mtp.link.server.engine().catch(() => null);
    if (engine) mtp.store.set({ engine });
    if (engine?.state === "failed") mtp.store.set({ status: { text: engine.error, bad: true } });
    if (!engine || engine.state === "loading") setTimeout(poll, engine?.strategies.length ? 1000 : 500);
  }
  return { start };
})();
