// The whole run as bars, tokens per pass; it is also the scrubber: a native range input lies over the bars.
mtp.views.push({
  name: "timeline card", area: "run", order: 0,
  mount(host) {
    const { el, svg, text, attr, icon } = mtp.dom, { state, set } = mtp.store, player = mtp.player;
    const HIGH = 46, WIDEST = 26;
    const icons = { play: icon("play"), pause: icon("pause") };
    const play = el("button", { class: "play", type: "button", on: { click: player.toggle } }, icons.play);
    const rate = el("select", { "aria-label": mtp.say("time.rate"), on: { change: () => set({ rate: Number(rate.value) }) } },
      ...player.RATES.map((value) => el("option", { value, text: `${value}×` })));
    const name = el("b"), label = el("span", { class: "muted", text: mtp.say("time.label") });
    const paths = ["later", "accepted", "bonus"].map((kind) => svg("path", { class: `run-bar ${kind}` }));
    const clip = svg("rect", { x: 0, y: 0, height: HIGH }), mark = svg("rect", { class: "run-mark", y: 0, height: HIGH, rx: 1.5 });
    const mean = svg("path", { class: "run-mean" }), point = svg("rect", { class: "run-point", y: 0, height: HIGH });
    const chart = svg("svg", { class: "run-chart", height: HIGH, "aria-hidden": "true" }, svg("clipPath", { id: "mtp-played" }, clip), point,
      paths[0], svg("g", { "clip-path": "url(#mtp-played)" }, paths[1], paths[2]), mean, mark);
    const range = el("input", { type: "range", min: 0, max: 0, step: 1, value: 0, on: { input: () => player.seek(Number(range.value)) } });
    const track = el("div", { class: "track" }, chart, range);
    host.append(play, el("label", { class: "rate" }, rate), el("div", { class: "run-name" }, name, label), track,
      el("p", { class: "keys muted", text: mtp.say("time.keys") }));
    if (mtp.help) host.append(el("button", { class: "chip help-button", type: "button", text: "?", "aria-label": mtp.say("keys.button"), on: { click: mtp.help.open } }));
    let drawn = "", pitch = 1, unit = 1, wide = 0;
    new ResizeObserver(([entry]) => {
      [drawn, wide] = ["", entry.contentRect.width];
      set({});
    }).observe(track);

    function bars(lane) {
      const steps = lane.steps, most = Math.max(2, ...steps.map((step) => step.texts.length));
      pitch = Math.min(WIDEST, wide / Math.max(1, steps.length));
      unit = (HIGH - 4) / most;
      const gap = pitch > 4 ? Math.min(3, pitch * 0.28) : pitch > 2 ? 0.6 : 0;
      const px = (value) => value.toFixed(2);
      const bar = (i, from, to) => `M${px(i * pitch)} ${px(HIGH - to * unit)}h${px(pitch - gap)}v${px((to - from) * unit)}h${px(gap - pitch)}z`;
      const d = ["", "", ""];
      steps.forEach((step, i) => {
        const all = step.texts.length, drafts = Math.min(step.accepted, all);
        d[0] += bar(i, 0, all);
        if (drafts) d[1] += bar(i, 0, drafts);
        if (all > drafts) d[2] += bar(i, drafts, all);
      });
      paths.forEach((path, i) => attr(path, "d", d[i]));
      attr(paths[2], "class", `run-bar ${steps.some((step) => step.drafted) ? "bonus" : "plain"}`);
      attr(chart, "width", wide);
      attr(mark, "width", Math.max(2, pitch - gap));
      attr(point, "width", Math.max(2, pitch - gap));
      range.max = steps.length;
      range.style.width = `${Math.max(24, steps.length * pitch)}px`;
      range.style.setProperty("--pitch", `${pitch}px`);
    }

    return () => {
      const race = state.race, lane = race?.lanes[state.lane];
      host.classList.toggle("idle", !lane);
      if (!lane) return;
      const count = player.count(), played = lane.count(state.time), key = `${state.lane} ${lane.steps.length} ${wide} ${lane.title}`;
      if (drawn !== key || host.race !== race) {
        bars(lane);
        [drawn, host.race] = [key, race];
      }
      const tau = lane.stats(played).tau;
      attr(clip, "width", (played * pitch).toFixed(2));
      attr(mark, "x", ((count - 1) * pitch).toFixed(2));
      mark.style.display = count ? "" : "none";
      attr(mean, "d", tau > 1 ? `M0 ${(HIGH - tau * unit).toFixed(1)}H${(lane.steps.length * pitch).toFixed(1)}` : "");
      const over = state.hover?.lane === state.lane && state.hover.step >= 0 ? state.hover.step : null;
      point.style.display = over === null ? "none" : "";
      if (over !== null) attr(point, "x", (over * pitch).toFixed(2));
      if (Number(range.value) !== count) range.value = count;
      attr(range, "aria-label", mtp.say("time.scrubber", { title: lane.title }));
      attr(range, "aria-valuetext", mtp.say("time.value", { n: count, of: lane.steps.length, tokens: lane.steps[count - 1]?.texts.length ?? 0 }));
      const moving = player.moving();
      if (play.firstChild !== icons[moving ? "pause" : "play"]) play.replaceChildren(icons[moving ? "pause" : "play"]);
      attr(play, "aria-label", mtp.say(moving ? "time.pause" : "time.play"));
      text(name, lane.title);
      rate.disabled = !race.finished && state.time === Infinity;
      if (document.activeElement !== rate) rate.value = String(state.rate);
    };
  },
});
