// The keyboard: active while the focus is inside the page's own component or nowhere, and not where text is written.
mtp.keys = (() => {
  const { state, set } = mtp.store;
  const WRITES = "textarea, select, input:not([type=range], [type=checkbox]), [role=dialog], [role=dialog] *, dialog *";
  const BUTTONS = "button, [role=button], a, summary, input[type=checkbox]";
  const more = new Map(); // key -> action: what a view adds

  const steps = (far) => ({
    ArrowRight: () => mtp.player.seek(mtp.player.count() + far),
    ArrowLeft: () => mtp.player.seek(mtp.player.count() - far),
    Home: () => mtp.player.seek(0),
    End: () => mtp.player.seek(Infinity),
    " ": mtp.player.toggle,
  });

  // A key that scrolls an unfocused page goes on doing so, but for a lecture, which does not scroll.
  function find(event, root) {
    const nowhere = event.target === document.body, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!nowhere && (!root.contains(event.target) || event.target.matches(WRITES))) return null;
    if (key === " " && event.target.matches(BUTTONS)) return null;
    if (more.has(key)) return more.get(key);
    if (!state.race || (nowhere && !state.lecture && ["Home", "End", " "].includes(key))) return null;
    const lane = /^[1-8]$/.test(key) ? Number(key) - 1 : -1;
    return steps(event.shiftKey ? 10 : 1)[key] ?? (state.race.lanes[lane] ? () => set({ lane }) : null);
  }
  function press(event, root) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const action = find(event, root);
    if (action && action(event) !== false) event.preventDefault();
  }
  return { press, on: (key, action) => more.set(key, action) };
})();
