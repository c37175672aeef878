// Takes the messages that arrive as the component's value (mtpviz/ui/wire.py), each once and in order.
mtp.wire = (() => {
  const { state, set } = mtp.store;
  let run = null, next = 0, asking = false;
  let reading = null; // the run whose whole traces are on their way

  function receive(value) {
    for (const [key, message] of Object.entries(value ?? {})) {
      const dot = key.lastIndexOf("."), from = key.slice(0, dot), number = Number(key.slice(dot + 1));
      if (from !== (state.running ?? run ?? "recorded")) continue;
      if (from !== run) [run, next] = [from, 0];
      if (number < next) continue;
      if (number > next && !asking) return resync(number);
      if (number > next) return;
      next += 1;
      take(message);
    }
  }

  // Messages were missed: ask for them; where the server has forgotten, go on from what there is.
  async function resync(number) {
    asking = true;
    const missed = await mtp.link.server.resync([run, next]).catch(() => ({}));
    asking = false;
    if (!Object.keys(missed ?? {}).length) next = number;
    receive(missed);
    receive(mtp.link.value());
  }

  // The lane to look at in a new race: the strategy looked at so far, or the first one that drafts.
  function same(race) {
    const strategy = state.race?.lanes[state.lane]?.run.strategy;
    const found = race.lanes.findIndex((lane, index) => index !== race.base && lane.run.strategy === strategy);
    return found >= 0 ? found : Math.max(0, race.lanes.findIndex((lane, index) => index !== race.base));
  }

  function take(message) {
    const cut = message.indexOf("\n"), head = cut < 0 ? message : message.slice(0, cut);
    const header = JSON.parse(head);
    handlers[header.kind](header, cut < 0 ? "" : message.slice(cut + 1));
  }

  async function fetchLane(id, lane) {
    const { body } = await mtp.link.server.whole([id, lane]);
    return body;
  }

  const handlers = {
    wait: () => set({ status: { name: "status.loading" } }),
    open(header) {
      const race = mtp.Race.open({ ...header, prompt: state.last.prompt });
      mtp.player.begin();
      set({ race, time: Infinity, playing: false, hover: null, lane: same(race),
            status: { name: "status.running" } });
    },
    tick(header) {
      state.race.tick(header);
      set({ version: state.version + 1 });
      if (mtp.player.ease()) set({ status: { name: "status.slowed", values: { rate: state.rate + "×" } } });
    },
    // The traces of a live race are fetched, lane by lane: within a message they would hold up the page.
    async race(header, body) {
      const live = header.live, of = (reading = run);
      const race = await mtp.Race.read(header, live ? header.exact.map((_, lane) => () => fetchLane(of, lane)) : [() => body]).catch(() => null);
      if (run !== of) return; // another race has come meanwhile
      reading = null;
      if (!race) return set({ running: null, status: { name: "status.lost", bad: true } });
      race.run = run;
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (live) {
        const end = { done: "status.done", stopped: "status.stopped", time: "status.time" }[header.end];
        set({ race, running: null, sought: false, status: { name: end } });
        if (header.end !== "done") set({ playing: false, time: race.end });
        else if (state.time === Infinity && !mtp.player.ease()) set({ time: race.end });
        if (state.playing) set({ status: { name: "status.done.slowed", values: { s: mtp.number(race.end / 1000), rate: state.rate + "×" } } });
        else set({ rate: mtp.player.easy(race) });
        mtp.figures.ask(run);
        return;
      }
      const rate = mtp.player.easy(race);
      set({ race, rate, sought: false, lane: race.favourite, time: still ? race.end : 0,
            status: { name: still ? "status.recorded.still" : "status.recorded", values: { rate: rate + "×" } } });
      mtp.figures.ask(run);
      if (!still) mtp.player.play();
    },
    left: () => set({ running: null, status: { name: "status.left" } }),
    error: ({ text, name, values }) => set({ running: null, status: name ? { name, values, bad: true } : { text, bad: true } }),
  };
  // A race that came by another way: from the gallery or from a file.
  function show(id, header, body) {
    [run, next] = [id, Infinity];
    return handlers.race(header, body);
  }
  return { receive, show, reads: (id) => reading === id };
})();
