// The page in its address: prompt or recorded race, lanes, sampling, seed, the part of the page, lane and step. Written with replaceState
// alone, read once at the start. What an address says is a stranger's word: each value is taken only if it could have been
// chosen on the page, and one sentence tells of the others. (The names page, view and logs are Gradio's.)
mtp.permalink = (() => {
  const { state, set } = mtp.store, WAIT = 400;
  const NAMES = ["prompt", "race", "lanes", "temperature", "top_p", "top_k", "min_p", "seed", "tokens", "show", "course", "lane", "step"];
  const NUMBERS = { temperature: [0, 10], top_p: [0, 1], top_k: [0, 1e6, 1], min_p: [0, 1], seed: [0, 2 ** 53 - 1, 1], tokens: [1, 0, 1] };
  const PLAIN = { ...state.order };
  let wanted = null, timer = null, told = "";

  function number(text, [least, most, whole]) {
    const value = /^\d{1,16}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
    return value >= least && value <= most && (!whole || Number.isInteger(value)) ? value : null;
  }

  // Before the page is laid out: fill the form, and note what can only be done once there is a race.
  function start() {
    const asked = new URLSearchParams(location.search), bad = [];
    const take = (name, read) => {
      if (!asked.has(name)) return null;
      const value = read(asked.get(name));
      if (value === null) bad.push(name);
      return value;
    };
    const { limits } = mtp.settings;
    const prompt = take("prompt", (text) => (text.trim() && text.length <= limits.prompt ? text : null));
    if (prompt !== null) Object.assign(state.order, PLAIN, { prompt });
    for (const [name, [least, most, whole]] of Object.entries(NUMBERS)) {
      const value = take(name, (text) => number(text, [least, name === "tokens" ? limits.tokens : most, whole]));
      if (value !== null) state.order[name] = value;
    }
    const lanes = take("lanes", (text) => {
      const names = [...new Set(text.split(","))];
      return names.length <= limits.lanes && names.every((name) => /^[a-z][a-z0-9_]{0,31}$/.test(name)) ? names : null;
    });
    if (lanes && !asked.has("race")) state.order.strategies = lanes;
    const recorded = prompt === null ? take("race", (text) => (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text) ? text : null)) : null;
    const course = take("course", (text) => (mtp.course.some((entry) => entry.id === text) ? text : null));
    const show = take("show", (text) => (Object.hasOwn(mtp.places, text) ? text : null));
    const step = take("step", (text) => number(text, [0, 1e5, 1]));
    const lane = take("lane", (text) => (/^[a-z][a-z0-9_]{0,31}$/.test(text) ? text : null));
    wanted = { course, show, step, lane, recorded, lanes: lanes ?? [], check: !!lanes && !asked.has("race"), own: prompt !== null };
    if (bad.length) complain("link.bad", { names: bad.join(", ") });
    else if (prompt !== null) set({ notices: [{ name: "link.own" }] });
  }
  function complain(name, values) {
    set({ notices: [...state.notices, { name, values, bad: true }] });
  }

  // Lanes that this page does not have are left out as soon as it is known which there are.
  function settle() {
    const known = state.engine.strategies.map((entry) => entry.name);
    const strange = wanted.lanes.filter((name) => !known.includes(name));
    wanted.check = false;
    if (!strange.length) return;
    const left = state.order.strategies.filter((name) => known.includes(name));
    set({ order: { ...state.order, strategies: left.length ? left : null } });
    complain("link.lanes", { names: strange.join(", ") });
  }

  // A race of the gallery: the server knows which there are, and says so where this one is not.
  async function fetch() {
    const name = wanted.recorded;
    wanted.recorded = null;
    wanted.waiting = true;
    const opened = await mtp.open.recorded(name, wanted.lanes), here = state.race.lanes.map((entry) => entry.run.strategy);
    const strange = wanted.lanes.filter((lane) => !here.includes(lane));
    if (opened && strange.length) complain("link.lanes", { names: strange.join(", ") });
    wanted.waiting = false;
    set({});
  }

  // Lane and step belong to the race that the link tells of: the recorded one, or the reader's own once it has ended.
  function place() {
    const { lane, step } = wanted, race = state.race;
    const found = race.lanes.findIndex((entry) => entry.run.strategy === lane);
    [wanted.lane, wanted.step] = [null, null];
    if (lane && found < 0) complain("link.lane", { name: lane });
    if (found >= 0) set({ lane: found });
    const steps = race.lanes[found < 0 ? state.lane : found].steps.length;
    if (step !== null && step > steps) complain("link.step", { n: step, of: steps });
    if (step !== null) mtp.player.seek(step);
  }

  // What a link to here would say. A recorded race needs no prompt; a form that was changed since its race has no step.
  function describe() {
    const { order, last, race } = state, link = new URLSearchParams();
    const own = order.prompt !== null, ran = !own || (last && last.prompt === order.prompt && race?.live);
    if (own) {
      link.set("prompt", order.prompt);
      if (order.strategies) link.set("lanes", order.strategies.join(","));
      for (const name of Object.keys(NUMBERS)) if (order[name] !== PLAIN[name] && order[name] !== null) link.set(name, order[name]);
    }
    const [kind, name] = (!own && race?.run?.split(":")) || [];
    if (kind === "gallery") {
      link.set("race", name);
      link.set("lanes", race.lanes.map((entry) => entry.run.strategy).join(","));
    }
    if (state.view !== "race") link.set("show", state.view);
    if (state.course) link.set("course", state.course);
    const lane = race?.lanes[state.lane], step = lane?.count(state.time);
    if (own && !ran && wanted.step !== null) { // still to come, once the link's own prompt has run
      if (wanted.lane) link.set("lane", wanted.lane);
      link.set("step", wanted.step);
    }
    if (ran && lane && !state.course && race.finished && !state.playing && step < lane.steps.length) {
      link.set("lane", lane.run.strategy);
      link.set("step", step);
    }
    return link;
  }
  function write() {
    timer = null;
    const link = describe(), now = new URLSearchParams(location.search);
    for (const name of NAMES) now.delete(name);
    for (const [name, value] of link) now.set(name, value);
    const text = now.toString();
    if (text === told) return;
    told = text;
    history.replaceState(history.state, "", `${location.pathname}${text ? "?" + text : ""}${location.hash}`);
  }

  // The address to hand on: in a hosted Space that of the Space's own page, which passes it to this one.
  function address() {
    write();
    const link = describe().toString(), home = mtp.settings.home || location.origin + location.pathname;
    return home + (link ? `?${link}` : "");
  }

  mtp.views.push({
    name: "permalink", order: 80,
    mount: () => (now, was) => {
      if (wanted.check && now.engine.strategies.length) settle();
      if (now.race && wanted.recorded) fetch();
      const here = now.race && !wanted.waiting, ready = here && now.race.finished && (wanted.own ? now.race.live : true);
      if (ready && (wanted.lane !== null || wanted.step !== null)) place();
      if (here && wanted.course) mtp.learn.open(wanted.course);
      else if (here && wanted.show) mtp.go(wanted.show);
      if (here) wanted.course = wanted.show = null;
      if (now.running && !was.running && state.notices.length) set({ notices: [] });
      if (!now.playing && !now.running) timer ??= setTimeout(write, WAIT);
    },
  });
  return { start, address };
})();
