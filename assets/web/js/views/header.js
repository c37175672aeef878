// Name, the parts of the page, what is being shown (recorded or live, on what, when), which model is at hand; a link to
// all this, the other language, light or dark.
mtp.views.push({
  name: "masthead", area: "top", order: 0,
  mount(host) {
    const { el, text, attr } = mtp.dom, { state, set } = mtp.store;
    const KEY = "mtpviz-theme";
    const source = el("span", { class: "chip still source" }), model = el("span", { class: "chip still model" });
    const theme = el("button", { class: "chip", type: "button", "data-tip": mtp.say("theme.about"), on: { click: flip } });
    const other = mtp.language.all.find((name) => name !== state.language), words = mtp.languages[other];
    const language = el("button", { class: "chip", type: "button", lang: mtp.language.tag(other), "data-tip": words["language.about"],
      text: words["language.name"], on: { click: () => mtp.language.choose(other) } });
    host.append(el("h1", { text: mtp.say("page.name") }), mtp.nav(),
      el("div", { class: "chips" }, source, model, mtp.save(), language, theme));

    function flip() {
      document.body.classList.toggle("dark");
      localStorage.setItem(KEY, document.body.classList.contains("dark") ? "dark" : "light");
    }
    function follow() {
      set({ theme: document.body.classList.contains("dark") ? "dark" : "light" });
      mtp.figures.send();
    }
    const asked = new URLSearchParams(location.search).get("__theme"), kept = asked ?? localStorage.getItem(KEY);
    if (kept === "dark" || kept === "light") document.body.classList.toggle("dark", kept === "dark");
    new MutationObserver(follow).observe(document.body, { attributeFilter: ["class"] });
    follow();

    let told = [];
    return () => {
      const now = [state.race, state.engine, state.theme];
      if (now.every((part, i) => part === told[i])) return;
      told = now;
      text(theme, mtp.say(state.theme === "dark" ? "theme.light" : "theme.dark"));
      const run = state.race?.lanes[0]?.run, engine = state.engine;
      host.classList.toggle("live", !!state.race?.live);
      source.hidden = !run;
      if (run) {
        const name = state.race.live ? "chip.live" : "chip.recorded", hardware = mtp.record.machine(run);
        text(source, mtp.say(`${name}.short`, { hardware, date: mtp.record.day(run) }));
        attr(source, "data-tip", [mtp.say(name + ".about"), ...mtp.record.origin(run)].join("\n"));
      }
      text(model, engine.state === "ready" ? engine.model : mtp.say(`chip.model.${engine.state}`));
      attr(model, "data-tip", engine.state === "ready" ? `${engine.hardware} · ${engine.dtype}` : engine.error || null);
    };
  },
});
