// What an exported file shows: the prompt, and under one line that opens everything that is known of the run.
mtp.views.push({
  name: "about", area: "ask", order: 0,
  mount(host) {
    const { el, text } = mtp.dom;
    const prompt = el("p", { class: "about-prompt" }), list = el("dl");
    host.append(prompt, el("details", {}, el("summary", { text: mtp.say("record.about") }), list));
    return (state, was) => {
      if (!state.race || state.race === was.race) return;
      const run = state.race.lanes[0].run;
      text(prompt, run.prompt);
      list.replaceChildren(...mtp.record.facts(run).flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]));
    };
  },
});
