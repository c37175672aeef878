// Prompts to begin with, by domain: each press offers the next one of its kind.
mtp.views.push({
  name: "examples presets", area: "ask", order: 5,
  mount(host) {
    const { el, attr } = mtp.dom, { state, set } = mtp.store, presets = mtp.settings.presets;
    const turn = presets.map(() => 0);
    let own = null; // {kept, given}: the reader's number of tokens, and the one that an example wanted in its place
    attr(host, "role", "group");
    attr(host, "aria-label", mtp.say("prompt.presets"));
    host.append(...presets.map((preset, index) => el("button", { class: "chip preset", type: "button", text: mtp.word(preset.label),
      "data-tip": mtp.word(preset.about), on: { click: () => offer(index) } })));

    function offer(index) {
      const { prompts } = presets[index];
      set({ order: { ...state.order, prompt: prompts[turn[index]++ % prompts.length], tokens: length(presets[index].tokens) } });
    }
    function length(wanted) {
      const now = state.order.tokens, kept = own?.given === now ? own.kept : now;
      own = wanted ? { kept, given: Math.min(wanted, mtp.settings.limits.tokens) } : null;
      return own?.given ?? kept;
    }
    return () => {};
  },
});
