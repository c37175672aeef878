// Sentences of their own beside the status: what a link asks for, and what of it this page could not do.
mtp.views.push({
  name: "notice", area: "ask", order: 11,
  mount(host) {
    const { el, text } = mtp.dom;
    const line = el("p", { class: "line" }), alarm = el("p", { class: "line bad", role: "alert" });
    host.append(line, alarm);
    const said = (notices) => notices.map((notice) => (notice.text ? mtp.word(notice.text) : mtp.say(notice.name, notice.values))).join(" ");
    return ({ notices }) => {
      text(line, said(notices.filter((notice) => !notice.bad)));
      text(alarm, said(notices.filter((notice) => notice.bad)));
      host.hidden = !notices.length;
    };
  },
});
