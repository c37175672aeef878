// How much room the parts of the microscope take at most over a lane's steps, so that none jumps from step to step.
mtp.room = (() => {
  const kept = new WeakMap();

  // Rows of the whole tree as treewhole.js lays it out: one a leaf, the bonus being one.
  function leaves({ nodes, accepted }) {
    const parents = new Set(nodes.map((node) => node[1])), end = accepted.at(-1) ?? -1;
    return 1 + nodes.filter((_, index) => index !== end && !parents.has(index)).length;
  }
  // {tree: px, wants: rows, passes: the distinct counts of rows of a pass}
  function of(lane) {
    if (kept.get(lane)?.steps === lane.steps.length) return kept.get(lane);
    const full = lane.steps.map((step) => step.full).filter(Boolean);
    const most = (values) => Math.max(1, ...values), rows = most(full.map(leaves));
    const room = { steps: lane.steps.length, tree: mtp.treeWhole.height(rows), wants: most(full.map((step) => step.accepted.length + 1)),
      passes: [...new Set(full.map((step) => step.nodes.length + 1))] };
    kept.set(lane, room);
    return room;
  }
  return { of };
})();
