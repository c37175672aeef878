// What to run: the prompt with examples by domain, which lanes, how to sample; Start, Stop, Again.
mtp.views.push({
  name: "ask-row", area: "ask", order: 0,
  mount(host) {
    const { el, text } = mtp.dom, { state } = mtp.store;
    const LINE = 22; // px: the prompt shows whole lines only
    const prompt = el("textarea", {
      id: "mtp-prompt", rows: 1, spellcheck: "false", "aria-label": mtp.say("prompt.label"), placeholder: mtp.say("prompt.placeholder"),
    });
    const turn = mtp.settings.presets.map(() => 0);
    const presets = mtp.settings.presets.map((preset, index) => el("button", {
      class: "chip preset", type: "button", text: preset.label, "data-tip": preset.about, on: { click: () => example(index) },
    }));
    const lanes = mtp.choices(), sampling = mtp.sampling();
    const start = el("button", {
      class: "start", type: "button", id: "mtp-start", on: { click: () => (state.running ? mtp.run.stop() : go()) },
    });
    const group = el("div", { class: "presets", role: "group", "aria-label": mtp.say("prompt.presets") }, ...presets);
    host.append(el("div", { class: "prompt-box", on: { click: () => prompt.focus() } }, prompt),
      el("div", { class: "chips" }, group, lanes.host, sampling.host), start);
    prompt.addEventListener("input", fit);
    let wide = 0;
    new ResizeObserver(() => prompt.clientWidth !== wide && ((wide = prompt.clientWidth), fit())).observe(prompt);
    prompt.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !state.running) go();
    });
    let touched = false;
    prompt.addEventListener("input", () => (touched = true));

    function fit() {
      prompt.style.height = "auto";
      const lines = Math.round(prompt.scrollHeight / LINE);
      prompt.style.height = `${LINE * Math.max(1, Math.min(lines, innerWidth > 760 ? 2 : 4))}px`;
    }
    function write(value) {
      prompt.value = value;
      fit();
    }
    function example(index) {
      const choices = mtp.settings.presets[index].prompts;
      touched = true;
      write(choices[turn[index]++ % choices.length]);
    }
    const go = () => mtp.run.start({ prompt: prompt.value, strategies: lanes.value(), ...sampling.value() });

    return (now, was) => {
      if (now.race && now.race !== was.race && !touched && !now.race.live) write(now.race.lanes[0]?.run.prompt ?? "");
      text(start, mtp.say(now.running ? "stop" : "start"));
      start.classList.toggle("stop", !!now.running);
      lanes.update(now);
    };
  },
});
