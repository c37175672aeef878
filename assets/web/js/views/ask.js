// What to run: the prompt, which lanes, how to sample; Start and Stop.
mtp.views.push({
  name: "ask-row", area: "ask", order: 0,
  mount(host) {
    const { el, text } = mtp.dom, { state, set } = mtp.store;
    const LINE = 22; // px: the prompt shows whole lines only
    const prompt = el("textarea", {
      id: "mtp-prompt", rows: 1, spellcheck: "false", "aria-label": mtp.say("prompt.label"), placeholder: mtp.say("prompt.placeholder"),
    });
    const lanes = mtp.choices(), sampling = mtp.sampling();
    const start = el("button", {
      class: "start", type: "button", id: "mtp-start", on: { click: () => (state.running ? mtp.run.stop() : go()) },
    });
    host.append(el("div", { class: "prompt-box", on: { click: () => prompt.focus() } }, prompt),
      el("div", { class: "chips" }, lanes.host, sampling.host), start);
    prompt.addEventListener("input", fit);
    let wide = 0, shown = null;
    new ResizeObserver(() => prompt.clientWidth !== wide && ((wide = prompt.clientWidth), fit())).observe(prompt);
    prompt.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !state.running) go();
    });
    prompt.addEventListener("input", () => set({ order: { ...state.order, prompt: prompt.value } }));

    function fit() {
      prompt.style.height = "auto";
      const lines = Math.round(prompt.scrollHeight / LINE);
      prompt.style.height = `${LINE * Math.max(1, Math.min(lines, innerWidth > 760 ? 2 : 4))}px`;
    }
    function write(value) {
      prompt.value = value;
      fit();
    }
    function go() {
      const { tokens, ...rest } = sampling.draw(), asked = { prompt: prompt.value, strategies: lanes.value() };
      set({ order: { ...rest, tokens, ...asked } });
      mtp.run.start({ ...rest, ...asked, max_new_tokens: tokens });
    }
    if (state.order.prompt !== null) write(state.order.prompt);

    return (now, was) => {
      if (now.order.prompt !== was.order.prompt && now.order.prompt !== prompt.value) write(now.order.prompt ?? "");
      if (state.order.prompt === null && now.race !== shown) write((shown = now.race).lanes[0]?.run.prompt ?? "");
      text(start, mtp.say(now.running ? "stop" : "start"));
      start.classList.toggle("stop", !!now.running);
      lanes.update();
      sampling.update(now, was);
    };
  },
});
