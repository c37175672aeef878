// What an exported file shows: the prompt, and under one line that opens everything that is known of the run.
mtp.views.push({
  name: "about", area: "ask", order: 0,
  mount(host) {
    const { el, text } = mtp.dom;
    const prompt = el("p", { class: "about-prompt" }), untold = el("p", { class: "muted" }), list = el("dl");
    host.append(prompt, untold, el("details", {}, el("summary", { text: mtp.say("record.about") }), list));
    return (state, was) => {
      if (!state.race || state.race === was.race) return;
      const run = state.race.lanes[0].run;
      text(prompt, run.prompt);
      text(untold, [...new Set(state.race.lanes.flatMap((lane) => lane.untold))].map(mtp.word).join(" "));
      list.replaceChildren(...mtp.record.facts(run).flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]));
    };
  },
});
