// The guided course: goes from page to page, brings each page's part of the tool before the reader, and notices when the
// reader has done what the page asks.
mtp.learn = (() => {
  const { state, set } = mtp.store;
  let begin = null, touched = false, left = null;

  const find = (id) => mtp.course.find((page) => page.id === id) ?? null;
  const number = () => mtp.course.findIndex((page) => page.id === state.course);
  const lanes = (names) => names.map((name) => state.race?.lanes.findIndex((lane) => lane.run.strategy === name && !lane.run.peer) ?? -1);

  // The lane that a page is about: of those it names the first that the race has; else one that drafts; the baseline
  // for a page about the baseline.
  function lane(page) {
    if (!state.race || !page.lane) return state.lane;
    const named = lanes(page.lane).find((index) => index >= 0);
    return named ?? state.race.favourite;
  }
  const absent = (page) => !!page.lane && !!state.race && lanes(page.lane).every((index) => index < 0);

  // The first step that passes, from a third of the run on: by then the figures have settled.
  function nearest(steps, test) {
    const from = Math.floor(steps.length / 3), order = [...steps.keys()].slice(from).concat([...steps.keys()].slice(0, from));
    return order.find((index) => test(steps[index])) ?? -1;
  }

  function open(id) {
    const page = find(id), race = state.race;
    if (!page) return;
    const chosen = lane(page), steps = race?.lanes[chosen]?.steps ?? [];
    const wanted = page.step ? nearest(steps, page.step) : -1;
    const was = state.course;
    set({ course: id, view: page.show, lane: chosen, hover: null, term: null });
    if (wanted >= 0 && race.finished) mtp.player.seek(Math.max(1, wanted + 1));
    touched = false;
    begin = { race, lane: chosen, count: race?.lanes[chosen]?.count(state.time) ?? 0 };
    left = was === null ? document.activeElement : left;
    requestAnimationFrame(() => requestAnimationFrame(reveal));
    stay();
  }
  // Parts further down take their height as they come near, and push the marked one away: it is brought back for a
  // while, unless the reader goes on by themselves.
  const shifts = new ResizeObserver(() => reveal());
  let until = null;
  const leave = () => (shifts.disconnect(), clearTimeout(until));
  function stay() {
    leave();
    shifts.observe(document.body);
    until = setTimeout(leave, 3000);
  }
  for (const event of ["wheel", "touchmove", "keydown", "pointerdown"]) addEventListener(event, leave, { passive: true });

  // The marked part comes before the reader, clear of the course's own panel (its height is the scroll padding).
  function reveal() {
    const page = find(state.course);
    const part = marked(page)[0], room = innerHeight - parseFloat(document.documentElement.style.getPropertyValue("--foot") || 0);
    part?.scrollIntoView({ block: part.offsetHeight > room - 60 ? "start" : "nearest", behavior: mtp.glide() });
  }
  const marked = (page) => (page?.mark ? [...document.querySelectorAll(page.mark)] : []);

  function close() {
    set({ course: null });
    if (left?.isConnected) left.focus({ preventScroll: true });
  }
  function move(by) {
    if (state.course === null) return open(place());
    const next = mtp.course[number() + by];
    if (next) open(next.id);
  }
  // Where the reader left the course: the first page not done yet.
  const place = () => (mtp.course.find((page) => !state.done.includes(page.id)) ?? mtp.course[0]).id;
  const toggle = () => (state.course === null ? open(place()) : close());

  function check() {
    const page = find(state.course);
    if (!page || state.done.includes(page.id)) return;
    if (page.done(state, begin, touched)) set({ done: [...state.done, page.id] });
  }
  function point(event) {
    if (event.target.closest?.(find(state.course)?.mark || null)) touched = true;
    if (touched) check();
  }

  function values(page) {
    const lane = state.race?.lanes[state.lane];
    return page.values && state.race?.finished && lane ? page.values(state.race, lane) : {};
  }

  mtp.views.push({
    name: "course", order: 95,
    mount() {
      let shown = [];
      for (const event of ["pointerover", "focusin", "click"]) document.addEventListener(event, point);
      return () => {
        const now = marked(find(state.course));
        for (const node of shown) if (!now.includes(node)) node.classList.remove("marked");
        for (const node of now) node.classList.add("marked");
        shown = now;
        check();
      };
    },
  });
  return { find, open, close, move, toggle, number, absent, values, reveal };
})();
