// Where a lane's speedup went: the same sums as mtpviz/analysis/speedup.py, at any moment of the race.
// With t the mean time of a step, b next-token's time per token and e the tokens emitted per step, the speedup is e b / t;
// what a part costs beyond a plain step, x, loses e x / t; tau - e is what was cut off at the end of the text.
mtp.budget = (lane, base, time) => {
  const mine = lane.stats(lane.count(time)), theirs = base?.stats(base.count(time));
  if (!mine.steps || !theirs?.steps || !(mine.ms > 0) || !(theirs.ms > 0)) return null;
  const emitted = mine.tokens / mine.steps, took = mine.ms / mine.steps, plain = theirs.ms / theirs.tokens;
  const extra = (phase) => mine.phases[phase] / mine.steps - theirs.phases[phase] / theirs.tokens;
  const lost = (ms) => (emitted * ms) / took;
  const draft = extra(0), verify = extra(1);
  const measured = (emitted * plain) / took;
  return { tau: mine.tau, draft: lost(draft), verify: lost(verify),
           rest: mine.tau - emitted + lost(took - plain - draft - verify), measured };
};
