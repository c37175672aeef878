// What the pages of the course do; their texts are in assets/web/learn/. Each page:
//   lane: strategies to look at, the first that the race has (none named: the lane stays); show: the part of the page for
//   a lecture; step: which pass to go to, a test of a step (the first that passes it, else the lane stays where it is);
//   mark: what to point at; values: figures for the text, all of them from the race at hand;
//   done(now, begin, touched): whether the reader did what the page asks, from the state now and when the page was opened;
//   touched: the reader has pointed at what is marked, or focused it.
mtp.course = (() => {
  const DRAFTS = ["draft", "mtp", "eagle3", "eagle", "fastmtp", "medusa", "lmtp", "firp", "lookup"];
  const FEATURES = ["eagle3", "eagle", "fastmtp"];
  const branches = (step) => step.full?.nodes.some((node, i) => step.full.nodes.some((other, j) => j > i && other[1] === node[1]));
  const mixed = (step) => step.accepted >= 1 && step.drafted > step.accepted;
  const long = (step) => step.accepted >= 3;
  const at = (now) => now.race?.lanes[now.lane]?.count(now.time) ?? 0;

  const stepped = (now, begin) => now.race === begin.race && (now.lane !== begin.lane || at(now) !== begin.count) && !now.playing;
  const switched = (now, begin) => now.lane !== begin.lane;
  const pointed = (now, begin, touched) => touched;
  // The node pointed at, whether in the tree, in the text or elsewhere (hover.js).
  function kind(now) {
    const at = now.hover, full = at?.node && now.race?.lanes[at.lane]?.steps[at.step]?.full;
    if (!full || !/^n\d+$/.test(at.node)) return at?.node ?? null;
    return full.accepted.includes(Number(at.node.slice(1))) ? "accepted" : "rejected";
  }
  const node = (...kinds) => (now) => kinds.includes(kind(now));
  const any = node("accepted", "rejected", "bonus");
  const played = (now) => now.playing || !!now.running;
  const visited = () => true;

  // Mean cost of a pass over drafts, and of a plain one, in this race.
  function costs(race, lane) {
    const mine = lane.steps.filter((step) => step.full && step.drafted), base = race.lanes[race.base]?.steps.filter((step) => step.full) ?? [];
    const mean = (steps, of) => (steps.length ? steps.reduce((sum, step) => sum + of(step), 0) / steps.length : NaN);
    const whole = (step) => Object.values(step.full.time_ms).reduce((a, b) => a + b, 0);
    const stats = lane.stats(lane.steps.length), theirs = race.lanes[race.base]?.stats(race.lanes[race.base].steps.length);
    return {
      title: lane.title,
      rows: mtp.number(mean(mine, (step) => step.drafted + 1), 1),
      verify: mtp.number(mean(mine, (step) => step.full.time_ms.verify)), plain: mtp.number(mean(base, (step) => step.full.time_ms.verify)),
      ratio: mtp.number(mean(lane.steps.filter((step) => step.full), whole) / mean(base, whole)),
      tau: mtp.number(stats.tau), speedup: mtp.number(stats.rate / theirs?.rate),
    };
  }

  return [
    { id: "slow", lane: ["ntp"], show: "race", mark: ".lane.focused", done: played },
    { id: "memory", lane: ["ntp"], show: "step", step: () => true, mark: ".step-time", done: pointed },
    { id: "pass", lane: ["ntp"], show: "step", step: () => true, mark: ".view.microscope", done: stepped },
    { id: "rows", lane: DRAFTS, show: "step", step: (step) => step.drafted >= 3, mark: ".step-time", values: costs, done: stepped },
    { id: "draft", lane: ["draft"], show: "race", mark: ".timeline .track", done: stepped },
    { id: "verdict", lane: DRAFTS, show: "step", step: mixed, mark: ".tree-scroll", done: node("rejected") },
    { id: "ghosts", lane: DRAFTS, show: "race", mark: ".legend .switch", done: (now) => now.ghosts },
    { id: "lossless", lane: DRAFTS, show: "race", mark: ".lane.focused .lane-exact", done: pointed },
    { id: "sampled", show: "race", mark: ".menu:has(#mtp-temperature), #mtp-start", done: (now) => (now.race?.live || now.running) && now.last?.temperature > 0 },
    { id: "tau", lane: DRAFTS, show: "race", mark: ".lane.focused .lane-facts", values: costs, done: (now) => now.term === "tau" },
    { id: "rates", lane: DRAFTS, show: "figures", mark: "#mtp-figure-acceptance-by-depth", done: pointed },
    { id: "lookup", lane: ["lookup"], show: "race", mark: ".presets", done: (now) => mtp.settings.presets.find((preset) => preset.label === "repeating")?.prompts.includes(now.order.prompt) },
    { id: "heads", lane: ["mtp"], show: "step", step: long, mark: ".tree-scroll", done: node("accepted") },
    { id: "medusa", lane: ["medusa"], show: "step", step: branches, mark: ".tree-scroll", done: any },
    { id: "mask", lane: DRAFTS, show: "scope", step: branches, mark: ".view.scope .card.mask", done: stepped },
    { id: "eagle", lane: ["eagle", "eagle2", "eagle3"], show: "step", step: long, mark: ".tree-scroll", done: any },
    { id: "eagle3", lane: ["eagle3"], show: "race", mark: ".timeline .track", done: stepped },
    { id: "fastmtp", lane: ["fastmtp"], show: "step", step: long, mark: ".tree-scroll", done: stepped },
    { id: "vocabulary", lane: FEATURES.concat(DRAFTS), show: "vocabulary", mark: ".view.vocabulary", done: pointed },
    { id: "lmtp", lane: ["lmtp"], show: "step", step: long, mark: ".tree-scroll", done: any },
    { id: "firp", lane: ["firp"], show: "step", step: long, mark: ".tree-scroll", done: stepped },
    { id: "cost", lane: DRAFTS, show: "why", mark: ".view.why", values: costs, done: pointed },
    { id: "breakeven", lane: DRAFTS, show: "speedup", mark: ".speedup-grid > .card:first-child", values: costs, done: switched },
    { id: "hard", show: "race", mark: ".prompt-box, #mtp-start", done: (now, begin) => !!now.running || (now.race !== begin.race && now.race?.live) },
    { id: "batch", lane: DRAFTS, show: "speedup", mark: ".speedup-grid > :last-child", done: pointed },
    { id: "quality", show: "race", done: visited },
    { id: "published", show: "race", done: visited },
    { id: "reading", show: "race", done: visited },
  ];
})();
