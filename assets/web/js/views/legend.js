// What the marks mean, shown as the marks themselves; and the switch for rejected drafts.
mtp.views.push({
  name: "legend", area: "left", order: 20,
  mount(host) {
    const { el } = mtp.dom;
    const ghosts = el("input", { type: "checkbox", id: "mtp-ghosts", on: { change: () => mtp.store.set({ ghosts: ghosts.checked }) } });
    host.append(
      el("span", { class: "tok accepted", text: mtp.say("legend.accepted") }),
      el("span", { class: "tok bonus", tabindex: 0, role: "note", "data-tip": mtp.say("legend.bonus.about"), text: mtp.say("legend.bonus") }),
      el("span", { class: "ghost", text: mtp.say("legend.rejected") }),
      el("span", { class: "muted", text: mtp.say("legend.plain") }),
      el("label", { class: "switch", for: "mtp-ghosts" }, ghosts, el("span", { text: mtp.say("legend.ghosts") })));
    return () => {};
  },
});
