// The one state that all views read: which race, how far, which lane, what is pointed at. Views are called once a frame.
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
  // The page is laid out anew: the views of before read no more.
  function forget() {
    readers.length = 0;
  }
  return { state, set, forget, read: (reader) => readers.push(reader) };
})();
