// What the marks mean, shown as the marks themselves; and the switch for rejected drafts.
mtp.views.push({
  name: "legend", area: "left", order: 20,
  mount(host) {
    const { el } = mtp.dom;
    const ghosts = el("input", { type: "checkbox", id: "mtp-ghosts", on: { change: () => mtp.store.set({ ghosts: ghosts.checked }) } });
    const mark = (look, term, name) => {
      const chip = mtp.tips.glossary(term, mtp.say(name));
      chip.className = look;
      return chip;
    };
    host.append(
      mark("tok accepted", "accept", "legend.accepted"), mark("tok bonus", "bonus", "legend.bonus"),
      mark("ghost", "reject", "legend.rejected"), mark("muted", "target", "legend.plain"),
      el("label", { class: "switch", for: "mtp-ghosts" }, ghosts, el("span", { text: mtp.say("legend.ghosts") })));
    return (state) => (ghosts.checked = state.ghosts);
  },
});
