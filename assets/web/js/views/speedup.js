// Why a lane is not faster, in sentences, with the acceptance at which it would break even; and what it would be elsewhere.
mtp.views.push({
  name: "speedup", area: "run", order: 30,
  mount(host) {
    const { el, svg, text, attr } = mtp.dom, say = mtp.say, near = mtp.near(host);
    const tabs = mtp.lanetabs(say("speedup.lanes"));
    const lines = ["ceiling", "price", "helps", "distinct"].map((name) => el("p", { class: `why-line ${name}` }));
    const supposing = mtp.whatif();
    let W = 560;
    const BAR = 30, scale = {
      slower: svg("rect", { class: "even-slower", x: 0, y: BAR, height: 14 }), faster: svg("rect", { class: "even-faster", y: BAR, height: 14 }),
      even: svg("path", { class: "even-mark" }), evenText: svg("text", { y: BAR + 32 }), here: svg("circle", { class: "even-here", cy: BAR + 7, r: 7 }), hereText: svg("text", { class: "strong", y: BAR - 8 }),
    };
    const words = { slower: svg("text", { class: "end left", y: BAR + 32, x: 0, text: say("speedup.slower") }), faster: svg("text", { class: "end", y: BAR + 32, text: say("speedup.faster") }) };
    const chart = svg("svg", { class: "even", role: "img", "aria-label": say("speedup.scale") }, ...Object.values(scale), ...Object.values(words));
    const about = el("p", { class: "muted", text: say("speedup.scale") }), figure = el("div", {}, about, chart);
    host.append(el("div", { class: "section-head" }, el("h2", { text: say("speedup.title") }), tabs.host),
      el("div", { class: "speedup-grid" },
        el("section", { class: "card" }, el("div", { class: "card-head" }, el("h3", { text: say("speedup.why") })), ...lines.slice(0, 2), figure, ...lines.slice(2)),
        supposing.host));
    let drawn = null, placed = null;
    // As wide as there is room: letters keep their size on a phone.
    new ResizeObserver(([entry]) => {
      const wide = Math.min(560, Math.round(entry.contentRect.width));
      if (wide && wide !== W) (W = wide), placed && place(...placed);
    }).observe(figure);

    const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
    function tell(found, title) {
      const { why } = found, x = (value) => mtp.number(value);
      text(lines[0], say("speedup.ceiling", { title, tau: x(why.tau), measured: x(why.measured) }));
      const price = x(why.price), kind = why.break_even === null ? ".never" : why.break_even === 0 || why.acceptance === null ? ".free" : "";
      text(lines[1], say(`speedup.price${kind}`, { price, even: percent(why.break_even ?? 0), here: percent(why.acceptance ?? 0) }));
      text(lines[2], why.helps ? say(`speedup.helps.${why.helps[0]}`, { x: x(why.helps[1]) }) : say("speedup.helps.none"));
      figure.hidden = why.break_even === null || why.acceptance === null;
      if (!figure.hidden) place(why.break_even, why.acceptance);
    }
    function place(even, here) {
      placed = [even, here];
      attr(chart, "viewBox", `0 0 ${W} ${BAR + 40}`);
      attr(words.faster, "x", W);
      const [a, b] = [even * W, here * W], held = (x, wide) => Math.max(wide, Math.min(W - wide, x));
      attr(scale.slower, "width", a);
      attr(scale.faster, "x", a);
      attr(scale.faster, "width", W - a);
      attr(scale.even, "d", `M${a} ${BAR - 3}v20`);
      attr(scale.evenText, "x", held(a, 62));
      text(scale.evenText, say("speedup.even", { x: percent(even) }));
      attr(scale.here, "cx", held(b, 7));
      attr(scale.hereText, "x", held(b, 48));
      text(scale.hereText, say("speedup.here", { x: percent(here) }));
      words.slower.style.display = a > 130 ? "" : "none";
      words.faster.style.display = W - a > 130 ? "" : "none";
      attr(chart, "aria-label", `${say("speedup.scale")}: ${scale.evenText.textContent}, ${scale.hereText.textContent}`);
    }

    return (state) => {
      if (!mtp.link.server?.insight) host.hidden = true;
      if (!state.race || !near.seen || host.hidden) return;
      tabs.update(state);
      const document = mtp.insight.of(state.race), found = document?.lanes[state.lane], key = found && `${state.lane}`;
      supposing.update(document, state.race, state.lane);
      if (drawn === (found ?? state.race.finished) && host.lane === key) return;
      [drawn, host.lane] = [found ?? state.race.finished, key];
      for (const line of lines) text(line, "");
      figure.hidden = true;
      if (!found) return text(lines[0], state.race.finished ? "" : say("speedup.waiting"));
      text(lines[3], found.distinct === null ? "" : say(found.loops ? "speedup.loops" : "speedup.distinct", { share: percent(found.distinct) }));
      lines[3].classList.toggle("loops", found.loops);
      if (found.why) tell(found, state.race.lanes[state.lane].title);
      else text(lines[0], say(state.lane === state.race.base ? "speedup.base" : "speedup.none"));
    };
  },
});
