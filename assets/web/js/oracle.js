// What a step's draft could have been: the text that followed is known, so the best tree of so many nodes is the chain of
// the tokens that followed. Three numbers of tokens for one pass: that chain's, what the draft's own probabilities
// promised (1 + the sum of every node's path probability), and what came of it.
mtp.oracle = (() => {
  const kept = new WeakMap();

  function ids(lane) {
    if (kept.get(lane)?.count !== lane.steps.length) {
      const list = [lane.run.first], starts = [];
      for (const step of lane.steps) {
        starts.push(list.length);
        list.push(...(step.full?.emitted ?? step.texts.map(() => -1)));
      }
      kept.set(lane, { count: lane.steps.length, list, starts });
    }
    return kept.get(lane);
  }
  function promised(full) {
    const paths = [];
    for (const [, parent, , draft] of full.nodes) {
      if (draft === null) return NaN;
      paths.push(draft * (parent < 0 ? 1 : paths[parent]));
    }
    return 1 + paths.reduce((sum, chance) => sum + chance, 0);
  }
  // chain: the tokens that followed the root, as many as the tree has nodes. best, promised, realised: tokens of the pass.
  function of(lane, number) {
    const { list, starts } = ids(lane), full = lane.steps[number].full;
    const after = list.slice(starts[number], starts[number] + full.nodes.length + 1);
    return { chain: after.slice(0, full.nodes.length), best: after.length, promised: promised(full), realised: full.emitted.length };
  }
  return { of };
})();
