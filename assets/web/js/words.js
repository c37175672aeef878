// A step and its nodes in words.
mtp.words = (() => {
  const say = (...all) => mtp.say(...all);
  const word = (lane, token) => mtp.token.alone(lane.piece(token), 24);

  function list(lane, [token, prob, top]) {
    const all = top.length ? top : [[token, prob]];
    return all.slice(0, 4).map(([id, p]) => `“${word(lane, id)}”` + (p === null ? "" : ` ${mtp.number(p)}`)).join(", ");
  }
  function step(found) {
    if (!found) return say("step.prefill");
    const n = found.texts.length, tokens = say(n === 1 ? "step.tokens.one" : "step.tokens", { n });
    if (found.full?.notes?.untold) return say("step.untold", { tokens });
    return found.drafted ? say("step.summary", { drafted: found.drafted, accepted: found.accepted, tokens }) : say("step.plain");
  }
  function node(lane, full, item) {
    if (item.kind === "more") return say("node.more.about", { n: item.hidden });
    const drafted = item.draft !== undefined && item.draft !== null;
    const probs = drafted ? " " + say("node.probs", { draft: mtp.number(item.draft), target: mtp.number(item.target ?? NaN) }) : "";
    const from = item.source === undefined ? "" : ` · ${typeof item.source === "number" ? say("node.source", { n: item.source }) : item.source}`;
    return say(`node.${item.kind === "plain" ? "target" : item.kind}`, { text: word(lane, item.token) }) + probs + from
      + (item.folded ? `, ${say("node.folded", { n: item.folded })}` : "");
  }
  // With nothing pointed at: where the drafts ended, and what the target said to that.
  function end(lane, full) {
    const last = full.accepted.at(-1) ?? -1, wanted = list(lane, full.rows[last + 1]);
    const turned = full.nodes.filter((entry) => entry[1] === last).sort((a, b) => (b[3] ?? 0) - (a[3] ?? 0))[0];
    if (turned) return say("node.instead", { text: word(lane, turned[0]), list: wanted });
    return say("node.after", { text: word(lane, last < 0 ? full.root : full.nodes[last][0]), list: wanted });
  }
  // Bytes of so many positions of the cache, in words; null where the model's shape is not told.
  function cache(run) {
    const shape = run.model?.shape, width = { bf16: 2, fp16: 2, fp32: 4 }[run.dtype];
    if (!shape || !width) return null;
    const one = 2 * shape.layers * shape.kv_heads * shape.head_dim * width;
    return (n) => (n * one >= 2 ** 20 ? `${mtp.number((n * one) / 2 ** 20, 1)} MiB` : `${Math.round((n * one) / 1024)} KiB`);
  }
  return { list, step, node, end, cache };
})();
