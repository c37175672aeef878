// A sentence of its own beside the status: what a link asked for that this page could not do.
mtp.views.push({
  name: "notice", area: "ask", order: 11,
  mount(host) {
    const { el, text } = mtp.dom;
    const line = el("p", { class: "line" }), alarm = el("p", { class: "line bad", role: "alert" });
    host.append(line, alarm);
    return ({ notice }) => {
      const said = notice ? mtp.say(notice.name, notice.values) : "";
      text(line, notice?.bad ? "" : said);
      text(alarm, notice?.bad ? said : "");
      host.hidden = !said;
    };
  },
});
