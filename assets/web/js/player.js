// Moves the race's time: plays, pauses, steps. The speed is a factor on the lanes' own clocks.
mtp.player = (() => {
  const RATES = [0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 4];
  const EASY_MS = 13000; // a whole race shown in about this time can be followed by eye
  const { state, set } = mtp.store;
  let last = 0;

  function frame(now) {
    if (!state.playing) return;
    const time = state.time + Math.min(100, now - last) * state.rate;
    last = now;
    if (time >= state.race.end) set({ time: state.race.end, playing: false });
    else {
      set({ time });
      requestAnimationFrame(frame);
    }
  }
  function play() {
    if (!state.race) return;
    if (!state.race.finished) return set({ time: Infinity }); // a live race: follow it
    set({ playing: true, time: state.time >= state.race.end ? 0 : state.time });
    requestAnimationFrame((now) => {
      last = now;
      frame(now);
    });
  }
  function pause() {
    set({ playing: false, time: state.time === Infinity ? state.race?.lanes[state.lane].end ?? 0 : state.time });
  }
  const moving = () => state.playing || (state.time === Infinity && !!state.race && !state.race.finished);

  // Show the focused lane after `count` steps, and every other lane at that same time.
  function seek(count) {
    const lane = state.race?.lanes[state.lane];
    if (!lane) return;
    const step = Math.max(0, Math.min(lane.steps.length, count));
    set({ playing: false, time: step ? lane.steps[step - 1].clock : lane.prefill });
  }
  const count = () => state.race?.lanes[state.lane]?.count(state.time) ?? 0;

  // The speed at which a race of this length can be followed.
  function easy(race) {
    const wanted = race.end / EASY_MS;
    return RATES.reduce((best, rate) => (Math.abs(Math.log(rate / wanted)) < Math.abs(Math.log(best / wanted)) ? rate : best));
  }
  return { RATES, play, pause, seek, count, easy, moving, toggle: () => (moving() ? pause() : play()) };
})();
