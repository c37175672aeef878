// The one thing pointed at: {lane, step, node, index}. node: "root", "bonus", "n3" (a drafted node), or null for a step as a
// whole. index: its place in the generated text, where all lanes mark it: a rejected draft stands at the place of the token
// that the target wrote instead.
mtp.hover = (() => {
  const { state, set } = mtp.store;
  const same = (a, b) => a === b || (!!a && !!b && a.lane === b.lane && a.step === b.step && a.node === b.node);

  function to(wanted) {
    if (!same(state.hover, wanted)) set({ hover: wanted });
  }
  const none = () => to(null);

  // Tokens written before a step, the prefill's among them: the place in the text of what the step writes first.
  const before = (lane, step) => 1 + (step > 0 ? lane.steps[step - 1].tokens : 0);

  function depth(full, index) {
    let deep = 0;
    for (let at = index; at >= 0; at = full.nodes[at][1]) deep += 1;
    return deep;
  }
  function node(lane, step, key) {
    const full = state.race.lanes[lane]?.steps[step]?.full;
    if (!full || !key) return to(null);
    const first = before(state.race.lanes[lane], step);
    const at = { root: first - 1, bonus: first + full.accepted.length }[key];
    to({ lane, step, node: key, index: at ?? first - 1 + depth(full, Number(key.slice(1))) });
  }
  // The token number `place` of what a step wrote.
  function token(lane, step, place) {
    const found = state.race.lanes[lane]?.steps[step], accepted = found?.full?.accepted;
    if (!found) return to({ lane, step, node: null, index: 0 });
    const key = !accepted ? null : place < accepted.length ? `n${accepted[place]}` : "bonus";
    to({ lane, step, node: key, index: before(state.race.lanes[lane], step) + place });
  }
  // A step as a whole.
  const step = (lane, number) => to({ lane, step: number, node: null, index: null });

  // What is pointed at in this lane and step, for a view that shows them.
  const here = (lane, step) => (state.hover && state.hover.lane === lane && state.hover.step === step ? state.hover.node : null);

  // Tokens of running text below `host` answer to the pointer: each stands in something with data-lane.
  function follow(host) {
    const at = (target) => {
      const token = target.closest(".tok[data-step]"), lane = target.closest("[data-lane]");
      return token && lane ? [Number(lane.dataset.lane), Number(token.dataset.step), Number(token.dataset.place)] : null;
    };
    host.addEventListener("pointerover", (event) => {
      const place = at(event.target);
      if (place) token(...place);
      else none();
    });
    host.addEventListener("pointerleave", none);
    host.addEventListener("click", (event) => {
      const place = at(event.target);
      if (!place || !getSelection().isCollapsed) return;
      set({ lane: place[0] });
      if (state.race.finished) mtp.player.seek(place[1] + 1);
    });
  }
  return { node, token, step, none, here, follow };
})();
