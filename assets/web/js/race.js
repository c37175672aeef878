// A race: lanes on one time axis. Recorded, live and replayed races are all this one object.
mtp.Race = class {
  constructor(lanes, live) {
    this.lanes = lanes;
    this.live = live;
    this.finished = false;
    this.stopped = false;
    this.exact = lanes.map(() => [null, null]);
    this.base = lanes.findIndex((lane) => lane.run.strategy === "ntp" && !lane.run.peer);
    // The lane that each is compared with: a server's with the baseline server of its engine and model, -1 without one.
    this.bases = lanes.map(({ run }) => (run.server ? lanes.findIndex((other) => other.run.server?.baseline
      && other.run.server.engine === run.server.engine && other.run.model?.name === run.model?.name) : this.base));
    this.limit = Math.max(1, ...lanes.map((lane) => lane.run.max_new_tokens ?? 1));
  }

  static SLICE_MS = 12; // read at once, before the page may do something else

  // From the header of a "race" message and the JSON Lines of its traces, in parts: each a function that gives one or a promise.
  static async read(header, parts) {
    const lanes = [], bodies = [];
    let coming = parts[0]?.();
    for (let i = 0; i < parts.length; i += 1) {
      bodies.push(await coming);
      coming = parts[i + 1]?.(); // is on its way while this one is read
      let since = performance.now();
      for (const line of bodies.at(-1).split("\n")) {
        if (line) mtp.Race.record(lanes, JSON.parse(line));
        if (performance.now() - since < mtp.Race.SLICE_MS) continue;
        await (globalThis.scheduler?.yield?.() ?? new Promise((done) => setTimeout(done)));
        since = performance.now();
      }
    }
    const race = new mtp.Race(lanes, header.live);
    race.exact = header.exact;
    race.source = bodies.join("\n"); // what a trace file holds: kept to be saved
    race.finished = true;
    race.stopped = header.end !== "done";
    return race;
  }

  // Take in one line of a trace file.
  static record(lanes, record) {
    if (record.run) {
      const lane = new mtp.Lane(record.run);
      lane.prefill = record.run.prefill_ms;
      lane.first = record.run.first !== -1 ? record.run.first_text : "";
      lanes.push(lane);
    } else if (record.step) lanes.at(-1).addFull(record.step);
    else Object.assign(lanes.at(-1), { closed: record.end?.reason ?? "", error: record.end?.error ?? "", untold: record.end?.untold ?? [] });
  }

  // From an "open" message: empty lanes that ticks will fill.
  static open(header) {
    const { limit, hardware, dtype, model, sampling } = header;
    return new mtp.Race(header.lanes.map((lane) => new mtp.Lane(
      { max_new_tokens: limit, hardware, dtype, model, sampling, prompt: header.prompt, ...lane })), true);
  }

  tick(header) {
    for (const [lane, prefill, text] of header.first ?? []) {
      this.lanes[lane].prefill = prefill;
      this.lanes[lane].first = text;
    }
    for (const [lane, phases, steps] of header.lanes) {
      this.lanes[lane].phases = phases;
      for (const step of steps) this.lanes[lane].addLight(step, phases);
    }
    if (header.tree) {
      const [lane, plain, pieces] = header.tree;
      Object.assign(this.lanes[lane].pieces, pieces);
      const step = this.lanes[lane].steps[plain.index];
      if (step) step.full = plain;
    }
  }

  // Where a lane stands at a time. speedup: its rate over that of the lane it is compared with, at the same time.
  at(index, time) {
    const lane = this.lanes[index];
    const stats = lane.stats(lane.count(time));
    const base = this.lanes[this.bases[index]];
    const plain = base ? base.stats(base.count(time)) : { rate: NaN };
    return { ...stats, first: lane.begun(time), speedup: stats.rate / plain.rate };
  }

  // The badge of a server's lane, by the name of its sentence; null for all others.
  serverVerdict(index, final) {
    const lane = this.lanes[index], exact = this.exact[index][0];
    if (!lane.run.server) return null;
    if (this.bases[index] === index) return "server_baseline";
    return !final || exact === null ? "server_unchecked" : exact ? (lane.error || this.stopped ? "so_far" : "server_yes") : "server_no";
  }

  get end() {
    return Math.max(0, ...this.lanes.map((lane) => lane.end));
  }

  // The least share of distinct 4-grams of the lanes' texts (mtpviz/trace); NaN where they are not known yet.
  get distinct() {
    if (this.share === undefined && this.finished) this.share = Math.min(...this.lanes.map((lane) => lane.distinct));
    return this.share ?? NaN;
  }

  // When the first lane had all its tokens: where the others stood then is the race's result. A server is not in it.
  get won() {
    const ends = this.lanes.filter((lane) => !lane.run.server).map((lane) => lane.end);
    return this.finished ? Math.min(...ends) : Infinity;
  }

  // The lane to look at first: the fastest that drafts.
  get favourite() {
    let best = Math.max(0, this.base);
    this.lanes.forEach((lane, index) => {
      if (index === this.base || lane.run.server) return;
      const better = this.at(index, Infinity).speedup;
      if (best === this.base || better > this.at(best, Infinity).speedup) best = index;
    });
    return best;
  }
};
