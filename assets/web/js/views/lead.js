// What one is looking at, in two sentences, for who comes here for the first time; and the way to the course.
mtp.views.push({
  name: "lead", area: "ask", order: -10,
  mount(host) {
    const { el } = mtp.dom;
    host.append(el("p", { text: mtp.say("lead.what") }));
    if (mtp.learn) host.append(el("button", { class: "tour", type: "button", text: mtp.say("lead.learn"), on: { click: mtp.learn.toggle } }));
    return ({ race }) => (host.hidden = !!race && race.base < 0); // of other programs' files it would not be true
  },
});
