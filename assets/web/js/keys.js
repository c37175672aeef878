// The keyboard, active only while the focus is inside the page's own component and not where text is written.
mtp.keys = (() => {
  const { state, set } = mtp.store;
  const WRITES = "textarea, select, input:not([type=range]), [role=dialog] *";

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches(WRITES)) return;
    const player = mtp.player, far = event.shiftKey ? 10 : 1;
    const onButton = event.target.matches("button, [role=button], a, summary");
    const actions = {
      ArrowRight: () => player.seek(player.count() + far),
      ArrowLeft: () => player.seek(player.count() - far),
      Home: () => player.seek(0),
      End: () => player.seek(Infinity),
      " ": onButton ? null : player.toggle,
    };
    const lane = /^[1-8]$/.test(event.key) ? Number(event.key) - 1 : -1;
    const action = actions[event.key] ?? (state.race?.lanes[lane] ? () => set({ lane }) : null);
    if (!action || !state.race) return;
    event.preventDefault();
    action();
  }
  return { press };
})();
