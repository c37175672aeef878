// The one state that all views read: which race, how far, which lane, what is pointed at. Views are called once a
// frame. While a race runs the lanes go first: the other views follow its ticks a few times a second, but anything else at once.
mtp.store = (() => {
  const state = {
    race: null, // mtp.Race
    version: 0, // grows with every tick of a live race
    time: 0, // how far the race is shown, in ms on the lanes' clocks; Infinity follows a live race
    playing: false,
    sought: false, // the reader went to this time by step; at the end of a race they did not
    rate: 0.1,
    lane: 0, // the lane under the microscope
    hover: null, // {lane, step}: the tokens pointed at
    term: null, // the term of the glossary opened last
    ghosts: false, // rejected drafts in the text
    running: null, // id of the run that this browser has going
    last: null, // the order of the last run: what Again repeats
    order: { prompt: null, strategies: null, temperature: 0, top_p: 1, top_k: 0, min_p: 0, seed: 0, tokens: 96 }, // as the form has it
    status: { name: "status.waiting" },
    notices: [], // {name, values, bad}: sentences that stand beside the status until the next run
    engine: { state: "loading", strategies: [] },
    theme: "light",
    language: "en",
    view: "race", // the part of the page at hand: a name of mtp.places
    lecture: false, // large type, one part of the page at a time
    course: null, // id of the open page of the course
    done: [], // ids of the course's pages whose action was done
    notes: false, // the presenter's notes to those pages
  };
  const CALM_MS = 250;
  const readers = []; // {reader, swift, seen: the state it was called with last, at: when}
  let asked = false, later = null;

  // Whether nothing but the race went on since a view was called.
  const ticked = (seen) => Object.keys(state).every((name) => name === "version" || name === "time" || state[name] === seen[name]);
  const waits = ({ swift, seen, at }, now) => !swift && state.race?.live && !state.race.finished && now - at < CALM_MS && ticked(seen);

  function draw(now) {
    asked = false;
    const seen = { ...state };
    for (const entry of readers) {
      if (waits(entry, now)) {
        later ??= setTimeout(() => (later = null, set({})), CALM_MS);
        continue;
      }
      const was = entry.seen;
      Object.assign(entry, { seen, at: now });
      entry.reader(state, was);
    }
  }
  function set(patch) {
    Object.assign(state, patch);
    if (!asked) {
      asked = true;
      requestAnimationFrame(draw);
    }
  }
  // The page is laid out anew: the views of before read no more.
  function forget() {
    readers.length = 0;
  }
  // swift: called at every tick of a race.
  const read = (reader, swift = false) => readers.push({ reader, swift, seen: { ...state }, at: -Infinity });
  return { state, set, forget, read };
})();
