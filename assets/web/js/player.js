// Moves the race's time: plays, pauses, steps. The speed is a factor on the lanes' own clocks.
mtp.player = (() => {
  const RATES = [0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 4];
  const EASY_MS = 13000; // a whole race shown in about this time can be followed by eye
  const BUSY_MS = 60; // between two frames while a race still runs: it needs the machine more
  const { state, set } = mtp.store;
  let last = 0;
  let eased = false; // whether it is known how fast the live race at hand is to be shown

  function frame(now) {
    if (!state.playing) return;
    if (!state.race.finished && now - last < BUSY_MS) return requestAnimationFrame(frame);
    const time = state.time + Math.min(100, now - last) * state.rate;
    last = now;
    if (time >= state.race.end && state.race.finished) return set({ time: state.race.end, playing: false });
    set({ time: Math.min(time, state.race.end) }); // what has not arrived yet is waited for
    requestAnimationFrame(frame);
  }
  function play() {
    if (!state.race) return;
    if (!state.race.finished && state.time === Infinity) return; // a live race is followed already
    run(state.race.finished && state.time >= state.race.end ? 0 : state.time);
  }
  function run(time) {
    set({ playing: true, sought: false, time });
    requestAnimationFrame((now) => {
      last = now;
      frame(now);
    });
  }
  function pause() {
    set({ playing: false, time: state.time === Infinity ? state.race?.lanes[state.lane].end ?? 0 : state.time });
  }
  // A live race begins: as it comes, until the first steps tell how fast that is.
  function begin() {
    eased = matchMedia("(prefers-reduced-motion: reduce)").matches;
  }
  // Too fast for a reader: shown from its start at a speed that can be followed. The speed is told beside it, and the End
  // key shows what there is.
  function ease() {
    const race = state.race, lanes = race.lanes.filter((lane) => lane.steps.length);
    if (eased || state.time !== Infinity || !lanes.length) return false;
    eased = true;
    const whole = Math.max(...lanes.map((lane) => lane.prefill + (race.limit * (lane.end - lane.prefill)) / lane.steps.at(-1).tokens));
    const rate = easy({ end: race.finished ? race.end : whole });
    if (rate >= 1) return false;
    set({ rate });
    run(0);
    return true;
  }

  const moving = () => state.playing || (state.time === Infinity && !!state.race && !state.race.finished);

  // Show the focused lane after `count` steps, and every other lane at that same time; Infinity shows all there is.
  function seek(count) {
    const lane = state.race?.lanes[state.lane];
    if (!lane) return;
    if (count === Infinity) return set({ playing: false, sought: false, time: state.race.finished ? state.race.end : Infinity });
    const step = Math.max(0, Math.min(lane.steps.length, count));
    set({ playing: false, sought: true, time: step ? lane.steps[step - 1].clock : lane.prefill });
  }
  // The step under the microscope: the last that has ended, or, where a race stands at its end of itself, the last that
  // drafted. A race's very last pass has often nothing left to draft, and would show nothing.
  function count() {
    const race = state.race, lane = race?.lanes[state.lane];
    if (!lane) return 0;
    if (!race.finished || state.sought || state.time < race.end) return lane.count(state.time);
    return lane.steps.findLastIndex((step) => step.drafted) + 1 || lane.steps.length;
  }

  // The speed at which a race of this length can be followed.
  function easy(race) {
    const wanted = race.end / EASY_MS;
    return RATES.reduce((best, rate) => (Math.abs(Math.log(rate / wanted)) < Math.abs(Math.log(best / wanted)) ? rate : best));
  }
  return { RATES, play, pause, seek, count, easy, begin, ease, moving, toggle: () => (moving() ? pause() : play()) };
})();
