// One lane: a run and its steps, in the order in which they ended on the lane's own clock.
mtp.Lane = class {
  constructor(run) {
    this.run = run;
    this.first = null; // text of the prefill's token, once known
    this.prefill = 0;
    this.steps = [];
    this.phases = [0, 0, 0, 0]; // draft, verify, commit, host so far: ms
    this.pieces = { ...(run.pieces ?? {}) };
  }

  // A step as a tick tells it: [clock, drafted, accepted, ...texts]; its tree is not known yet.
  addLight([clock, drafted, accepted, ...texts], phases) {
    this.push({ clock, drafted, accepted, texts, full: null, phases });
  }

  // A step as a trace file has it.
  addFull(plain) {
    const ms = ["draft", "verify", "commit", "host"].map((name) => plain.time_ms[name] ?? 0);
    this.phases = this.phases.map((sum, i) => sum + ms[i]);
    this.push({
      clock: plain.clock_ms, drafted: plain.nodes.length, accepted: plain.accepted.length, texts: plain.texts,
      full: plain, phases: this.phases,
    });
  }

  push(step) {
    const last = this.steps.at(-1);
    step.tokens = (last?.tokens ?? 0) + step.texts.length;
    step.passed = (last?.passed ?? 0) + step.accepted + 1;
    this.steps.push(step);
  }

  // The strategy's name in the reader's language.
  get title() {
    return mtp.word(this.run.title);
  }

  kind(step, index) {
    return index < step.accepted ? "accepted" : step.drafted ? "bonus" : "plain";
  }

  piece(token) {
    return this.pieces[token] ?? "\ufffd";
  }

  // How many steps have ended at this time.
  count(time) {
    let low = 0, high = this.steps.length;
    if (time === Infinity) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.steps[middle].clock <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  begun(time) {
    return this.first !== null && this.prefill <= time;
  }

  // Figures after the first `count` steps. rate: tokens per second; tau: tokens per pass, the bonus included.
  stats(count) {
    const step = this.steps[count - 1];
    if (!step) return { tokens: 0, rate: NaN, tau: NaN, steps: 0, phases: null };
    const passes = count === this.steps.length && this.run.server?.passes; // a server's own count, where its stream hides some
    const ms = step.clock - this.prefill;
    return { tokens: step.tokens, rate: ms > 0 ? (1000 * step.tokens) / ms : NaN, steps: count, ms, phases: step.phases,
             tau: passes ? step.tokens / passes : step.passed / count };
  }

  get end() {
    return this.steps.at(-1)?.clock ?? this.prefill;
  }

  get distinct() {
    const ids = [this.run.first, ...this.steps.flatMap((step) => step.full?.emitted ?? [])].filter((id) => id !== -1), grams = [];
    for (let i = 0; i + 4 <= ids.length; i += 1) if (!ids.slice(i, i + 4).includes(-2)) grams.push(ids.slice(i, i + 4).join());
    return grams.length ? new Set(grams).size / grams.length : 1;
  }

  get text() {
    return (this.first ?? "") + this.steps.map((step) => step.texts.join("")).join("");
  }
};
