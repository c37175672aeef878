// Lecture mode: large type, one part of the page at a time, everything by keyboard. And the keys that it shares with the course.
mtp.lecture = (() => {
  const { state, set } = mtp.store;
  let shown = null;
  const WIDE = 1000; // px: the width of one part of the page at the size in which it is laid out

  function toggle() {
    set({ lecture: !state.lecture, view: mtp.learn.find(state.course)?.show ?? state.view });
  }
  const notes = () => set({ notes: !state.notes });

  // The next part of the page. Those that are not there (a figure not drawn, a part of another edition) are passed over.
  function turn(by) {
    const names = Object.keys(mtp.places).filter(mtp.find);
    set({ view: names[(names.indexOf(state.view) + by + names.length) % names.length] });
  }

  function size() {
    const zoom = state.lecture ? Math.max(1, Math.min(innerWidth / WIDE, innerHeight / 620)) : 1;
    document.documentElement.style.setProperty("--zoom", zoom.toFixed(3));
  }

  // The one part that a lecture shows.
  function stand(part) {
    if (part === shown) return;
    shown?.classList.remove("onstage");
    part?.classList.add("onstage");
    shown = part;
  }

  function escape() {
    if (state.lecture) set({ lecture: false });
    else if (state.course !== null) mtp.learn.close();
    else return false;
  }

  mtp.views.push({
    name: "lecture", order: 96,
    mount(root) {
      onresize = size;
      return (now, was) => {
        for (const node of [document.body, root, document.getElementById("mtp-figures")]) {
          node?.classList.toggle("lecture", now.lecture);
        }
        stand(now.lecture ? mtp.find(now.view) : null);
        if (now.lecture === was.lecture) return;
        size();
        if (now.lecture) scrollTo({ top: 0 });
        else mtp.go(now.view);
        dispatchEvent(new Event("resize")); // the figures take their new width
        requestAnimationFrame(mtp.learn.reveal);
      };
    },
  });

  const { on } = mtp.keys;
  on("f", toggle);
  on("n", notes);
  on("l", () => mtp.learn.toggle());
  on("PageDown", () => (state.course !== null || state.lecture ? mtp.learn.move(1) : false));
  on("PageUp", () => (state.course !== null || state.lecture ? mtp.learn.move(-1) : false));
  on("v", () => (state.lecture ? turn(1) : false));
  // A part that is higher than the window; in a tree these keys walk through the nodes (tree.js).
  function scroll(by) {
    const part = mtp.find(state.view);
    if (!state.lecture || !part) return false;
    for (const box of [part, part.closest(".stage"), document.scrollingElement]) box?.scrollBy({ top: by * innerHeight * 0.4, behavior: mtp.glide() });
  }
  on("ArrowDown", () => scroll(1));
  on("ArrowUp", () => scroll(-1));
  on("/", () => document.getElementById("mtp-prompt").focus());
  on("?", () => mtp.help.open());
  on("Escape", escape);
  return { toggle, notes, turn };
})();
