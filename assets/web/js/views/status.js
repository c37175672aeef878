// One line on what is going on, and the only thing that is read out: errors at once, results once, at the end. A text that
// loops is told here once its race has ended: it flatters every figure below.
mtp.views.push({
  name: "status", area: "ask", order: 10,
  mount(host) {
    const { el, text } = mtp.dom, LOOPING = 0.5; // as in mtpviz/analysis/summary.py
    const line = el("p", { class: "line" }), alarm = el("p", { class: "line bad", role: "alert" });
    const result = el("p", { class: "unseen", role: "status", "aria-live": "polite" });
    const again = el("button", { class: "again", type: "button", text: mtp.say("again"), "data-tip": mtp.say("again.about"),
      on: { click: () => mtp.run.start(mtp.store.state.last) } });
    host.append(line, alarm, result, again);

    // Gradio alone knows the place in its queue; it writes it into the tracker of an element of its own.
    function place() {
      const found = /(\d+)\s*\/\s*\d+/.exec(document.querySelector("#mtp-queue .progress-text, #mtp-queue .meta-text")?.textContent ?? "");
      return found ? Number(found[1]) : null;
    }
    setInterval(() => mtp.store.state.status.name === "status.waiting" && mtp.store.state.running && show(mtp.store.state), 400);

    function show(state) {
      let { name, values, text: sentence, bad } = state.status;
      const waiting = name === "status.waiting" && state.running ? place() : null;
      if (waiting) [name, values] = ["status.queue", { place: waiting }];
      if (name === "status.waiting" && !state.running) name = null;
      const share = state.running || bad ? NaN : state.race?.distinct, loops = share < LOOPING;
      const said = loops ? mtp.say("speedup.loops", { share: `${Math.round(100 * share)}\u00a0%` }) : sentence ?? (name ? mtp.say(name, values) : "");
      line.classList.toggle("loops", loops);
      text(line, bad ? "" : said);
      text(alarm, bad ? said : "");
    }
    return (state, was) => {
      show(state);
      again.hidden = !state.last || !!state.running;
      if (!state.race?.live || !state.race.finished || state.race === was.race) return;
      text(result, state.race.lanes.map((lane, index) => {
        const now = state.race.at(index, Infinity), [exact, differs] = state.race.exact[index];
        const server = state.race.serverVerdict(index, true);
        const badge = server ? `exact.${server}` : index === state.race.base ? "exact.baseline" : lane.run.peer && !exact ? "exact.peer" : exact ? "exact.yes" : exact === false ? "exact.no" : "exact.unchecked";
        return mtp.say("summary.lane", { title: lane.title, speedup: mtp.number(now.speedup, 1), tau: mtp.number(now.tau),
                                         exact: mtp.say(badge, { n: (differs ?? 0) + 1 }) });
      }).join(" "));
    };
  },
});
