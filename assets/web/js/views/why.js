// Why is it not faster: from tau, the ceiling, down to what was measured, for the lane under the microscope.
mtp.views.push({
  name: "why card", area: "right", order: 20,
  mount(host) {
    const { el, svg, text, attr } = mtp.dom, say = mtp.say;
    const W = 460, BASE = 128, TOP = 22, WIDE = 56;
    const BARS = ["ideal", "draft", "verify", "rest", "measured"];
    const title = el("h2"), about = el("p", { class: "muted" }), plain = el("p", { class: "why-plain" });
    const bars = BARS.map((name, i) => {
      const x = i * (W / 5) + (W / 5 - WIDE) / 2;
      const part = { name, x, rect: svg("rect", { class: `fall ${name}`, x, width: WIDE, rx: 2 }),
        value: svg("text", { class: "fall-value", x: x + WIDE / 2 }),
        label: svg("text", { class: "fall-label", x: x + WIDE / 2, y: BASE + 20, text: say(`why.${name}`) }),
        join: svg("path", { class: "fall-join" }) };
      part.group = svg("g", { role: "img", tabindex: 0, "data-tip": say(`why.${name}.about`) },
        svg("rect", { x: i * (W / 5), y: 0, width: W / 5, height: BASE + 28, fill: "transparent" }),
        part.join, part.rect, part.value, part.label);
      return part;
    });
    const chart = svg("svg", { class: "waterfall", viewBox: `0 0 ${W} ${BASE + 28}`, role: "group" },
      svg("path", { class: "axis", d: `M0 ${BASE + 0.5}H${W}` }), ...bars.map((part) => part.group));
    host.append(el("div", { class: "card-head" }, title, about), chart, plain);

    function draw(budget) {
      const scale = (BASE - TOP) / Math.max(budget.tau, budget.measured, budget.tau - Math.min(0, budget.draft, budget.verify));
      let level = budget.tau;
      bars.forEach((part, i) => {
        const whole = i === 0 || i === 4, value = whole ? (i ? budget.measured : budget.tau) : budget[part.name];
        const high = whole ? value : Math.max(level, level - value), low = whole ? 0 : Math.min(level, level - value);
        attr(part.rect, "y", BASE - high * scale);
        attr(part.rect, "height", Math.max(1.5, (high - low) * scale));
        attr(part.rect, "class", `fall ${part.name}${!whole && value < 0 ? " gain" : ""}`);
        attr(part.value, "y", BASE - high * scale - 7);
        const amount = mtp.number(Math.abs(value));
        text(part.value, whole ? `${amount}×` : amount === "0.00" ? "0" : `${value > 0 ? "−" : "+"}${amount}`);
        if (!whole) level -= value;
        const y = BASE - (i === 0 ? budget.tau : level) * scale;
        attr(part.join, "d", i < 4 ? `M${part.x + WIDE} ${y}H${bars[i + 1].x}` : "");
        attr(part.group, "aria-label", `${part.label.textContent} ${part.value.textContent}. ${say(`why.${part.name}.about`)}`);
      });
    }

    return (state) => {
      const race = state.race, lane = race?.lanes[state.lane];
      if (!lane) return;
      const isBase = state.lane === race.base;
      const budget = isBase || lane.run.server ? null : mtp.budget(lane, race.lanes[race.base], state.time);
      chart.style.visibility = budget ? "" : "hidden"; // it keeps its place: the words stand over it
      plain.hidden = !!budget;
      text(title, isBase ? say("why.baseline.title") : budget ? say("why.title", { tau: mtp.number(budget.tau, 1) }) : say("why.unknown"));
      about.hidden = isBase;
      text(about, isBase ? "" : say("why.about"));
        text(plain, say(isBase ? "why.baseline" : lane.run.server ? "why.server" : race.base < 0 ? "speedup.none" : "why.nothing"));
      if (budget) draw(budget);
    };
  },
});
