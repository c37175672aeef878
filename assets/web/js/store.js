// The one state that all views read: which race, how far, which lane, what is pointed at. Views are called once a frame.
mtp.store = (() => {
  const state = {
    race: null, // mtp.Race
    version: 0, // grows with every tick of a live race
    time: 0, // how far the race is shown, in ms on the lanes' clocks; Infinity follows a live race
    playing: false,
    rate: 0.1,
    lane: 0, // the lane under the microscope
    hover: null, // {lane, step}: the tokens pointed at
    ghosts: false, // rejected drafts in the text
    running: null, // id of the run that this browser has going
    last: null, // the order of the last run: what Again repeats
    status: { name: "status.waiting" },
    engine: { state: "loading", strategies: [] },
    theme: "light",
  };
  const readers = [];
  let asked = false, before = { ...state };

  function draw() {
    asked = false;
    const was = before;
    before = { ...state };
    for (const reader of readers) reader(state, was);
  }
  function set(patch) {
    Object.assign(state, patch);
    if (!asked) {
      asked = true;
      requestAnimationFrame(draw);
    }
  }
  return { state, set, read: (reader) => readers.push(reader) };
})();
