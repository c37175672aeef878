// The head of an exported file: the project's name, when and on what the race was recorded, light or dark.
mtp.views.push({
  name: "masthead", area: "top", order: 0,
  mount(host) {
    const { el, text } = mtp.dom, { state, set } = mtp.store;
    const source = el("span", { class: "chip still source" });
    const theme = el("button", { class: "chip", type: "button", "data-tip": mtp.say("theme.about"), on: { click: () => dress(state.theme !== "dark") } });
    host.append(el("h1", { text: mtp.say("page.name") }), el("p", { class: "tagline", text: mtp.say("page.tagline") }),
      el("div", { class: "chips" }, source, theme));

    function dress(dark) {
      document.body.classList.toggle("dark", dark);
      set({ theme: dark ? "dark" : "light" });
    }
    dress(matchMedia("(prefers-color-scheme: dark)").matches);
    return () => {
      text(theme, mtp.say(state.theme === "dark" ? "theme.light" : "theme.dark"));
      if (state.race) text(source, mtp.record.line(state.race.lanes[0].run));
    };
  },
});
