// What the browser remembers from visit to visit: settings, and how far the reader came in the course. No prompt, no text.
mtp.kept = (() => {
  const KEY = "mtpviz", NAMES = ["ghosts", "done", "notes"], ORDER = ["strategies", "temperature", "top_p", "top_k", "min_p", "seed", "tokens"];
  const { state } = mtp.store;
  let told = "";

  const pick = (from, names) => Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]]));
  const same = (a, b) => typeof a === typeof b && Array.isArray(a) === Array.isArray(b);

  // What stands there may be from another version or another hand: only what has the right type is taken.
  function start() {
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
      localStorage.removeItem(KEY);
    }
    for (const name of NAMES) if (same(kept[name], state[name])) state[name] = kept[name];
    for (const name of ORDER) if (same(kept.order?.[name], name === "strategies" ? [] : 0)) state.order[name] = kept.order[name];
    state.order.tokens = Math.min(state.order.tokens, mtp.settings.limits.tokens);
  }
  mtp.views.push({
    name: "kept", order: 90,
    mount: () => () => {
      const now = JSON.stringify({ ...pick(state, NAMES), order: pick(state.order, ORDER) });
      if (now !== told) localStorage.setItem(KEY, (told = now));
    },
  });
  return { start };
})();
