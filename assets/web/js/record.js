// Where a race comes from: what its traces tell of their run, as one line and as a list of facts.
mtp.record = (() => {
  const DAY = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };

  const day = (run) => (run.date ? new Date(run.date).toLocaleDateString(mtp.language?.tag() ?? mtp.tag, DAY) : "");
  // How many threads serve best is measured before each race, so it is no part of the machine.
  const machine = (run) => (run.hardware ?? "").replace(/, \d+ threads?$/, "");
  const line = (run) => mtp.say("chip.recorded", { hardware: run.hardware ?? "", dtype: run.dtype ?? "", date: day(run) });

  function sampling(run) {
    const { temperature, top_k, top_p, min_p } = run.sampling;
    if (temperature === undefined) return mtp.say("record.untold", { n: run.max_new_tokens });
    if (!temperature) return mtp.say("record.greedy", { n: run.max_new_tokens });
    const cuts = [top_k && `top-k ${top_k}`, top_p < 1 && `top-p ${top_p}`, min_p && `min-p ${min_p}`].filter(Boolean);
    return [mtp.say("record.sampled", { t: temperature, seed: run.seed, n: run.max_new_tokens }), ...cuts].join(", ");
  }

  // [name, value] of what is known; a value is text, whatever it holds.
  function facts(run) {
    const millions = run.model?.parameters ? ` · ${(run.model.parameters / 1e6).toFixed(1)}M` : "";
    const threads = run.threads ? ` · ${mtp.say(run.threads === 1 ? "record.thread" : "record.threads", { n: run.threads })}` : "";
    const versions = Object.entries(run.versions ?? {}).filter(([name]) => name !== "commit");
    return [
      ["model", `${run.model?.name ?? ""}${millions} · ${run.model?.hash ?? ""}`], ["sampling", sampling(run)],
      ["hardware", `${run.hardware} · ${run.dtype}${threads}`], ["date", (run.date ?? "").slice(0, 16).replace("T", " ")],
      ["commit", run.versions?.commit ?? ""], ["command", run.command],
      ["versions", versions.map(([name, value]) => `${name} ${value}`).join(", ")],
    ].filter(([, value]) => value).map(([name, value]) => [mtp.say(`record.${name}`), String(value)]);
  }
  // On what, when, from which commit and by which command: a line each.
  const origin = (run) => facts(run).filter(([name]) => ["hardware", "date", "commit", "command"].some((key) => name === mtp.say(`record.${key}`)))
    .map(([name, value]) => `${name}: ${value}`);
  return { day, machine, line, facts, origin };
})();
