// Where the time of one step went, beside what next-token prediction would have taken for the same tokens.
mtp.steptime = () => {
  const { el, text } = mtp.dom, PHASES = ["draft", "verify", "commit", "host"];
  const parts = PHASES.map((name) => ({ name, bar: el("i", { class: `phase ${name}` }), ms: el("b") }));
  const plain = el("i", { class: "phase plain" }), mine = el("span"), theirs = el("span"), rest = el("i", { class: "phase-rest" }), more = el("i", { class: "phase-rest" });
  const row = (label, bars) => el("div", { class: "time-row" }, label, el("div", { class: "phase-bar" }, ...bars));
  const second = row(theirs, [plain, more]);
  const host = el("div", { class: "steptime" }, row(mine, [...parts.map((part) => part.bar), rest]), second,
    el("p", { class: "phase-list" }, ...parts.map((part) => el("span", {}, el("i", { class: `phase ${part.name}` }), mtp.say(`phase.${part.name}`), " ", part.ms))));

  function draw(race, lane, full) {
    host.hidden = !!lane.run.server; // which does not tell
    if (host.hidden) return;
    const ms = PHASES.map((name) => full.time_ms[name] ?? 0), sum = ms.reduce((a, b) => a + b, 0), n = full.emitted.length;
    const base = race.lanes[race.base]?.stats(race.lanes[race.base].steps.length), each = base?.tokens ? base.ms / base.tokens : NaN;
    const other = lane === race.lanes[race.base] ? NaN : n * each, most = Math.max(sum, Number.isFinite(other) ? other : 0);
    text(mine, mtp.say(n === 1 ? "scope.time.step.one" : "scope.time.step", { n, ms: mtp.number(sum) }));
    second.hidden = !Number.isFinite(other);
    text(theirs, Number.isFinite(other) ? mtp.say(n === 1 ? "scope.time.plain.one" : "scope.time.plain", { n, ms: mtp.number(other) }) : "");
    parts.forEach((part, i) => {
      part.bar.style.flexGrow = ms[i];
      text(part.ms, mtp.number(ms[i]));
    });
    rest.style.flexGrow = most - sum;
    plain.style.flexGrow = other || 0;
    more.style.flexGrow = most - (other || 0);
  }
  return { host, draw };
};
