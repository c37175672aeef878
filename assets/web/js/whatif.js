// The what-if: five knobs and what the cost model predicts for them. The server computes (mtpviz/analysis/whatif.py); beside
// it always stands what it predicts for the run as it was, and what that measured.
mtp.whatif = () => {
  const { el, text, attr } = mtp.dom, say = mtp.say, BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256];
  const card = el("select", { id: "mtp-whatif-card" }), model = el("select", { id: "mtp-whatif-model" });
  const range = (name, min, max) => el("input", { type: "range", id: `mtp-whatif-${name}`, min, max, step: 1 });
  const sliders = { batch: range("batch", 0, BATCHES.length - 1), length: range("length", 1, 16), nodes: range("nodes", 1, 64) };
  const outputs = Object.fromEntries(Object.keys(sliders).map((name) => [name, el("output", { for: `mtp-whatif-${name}` })]));
  const field = (name, input, more) => el("div", { class: "knob" }, el("label", { for: input.id, text: say(`whatif.${name}`) }), input, more);
  const knobs = el("div", { class: "knobs" }, field("card", card), field("model", model),
    ...Object.entries(sliders).map(([name, input]) => field(name, input, outputs[name])));
  const big = el("p", { class: "whatif-big", "aria-live": "polite" }), tau = el("p", { class: "muted" }), notes = el("ul", { class: "whatif-notes" });
  const lengths = mtp.curve(say("whatif.lengths")), batches = mtp.curve(say("whatif.batches"));
  const present = el("p", { class: "whatif-present" }), none = el("p", { class: "muted" });
  const result = el("div", { class: "whatif-result" }, el("div", { class: "whatif-answer" }, el("span", { class: "muted", text: say("whatif.predicted") }), big, tau),
    el("div", { class: "curves" }, lengths.host, batches.host), notes);
  const host = el("section", { class: "card whatif" }, el("div", { class: "card-head" }, el("h3", { text: say("whatif.title") }),
    el("p", { class: "muted", text: say("whatif.about") })), none, knobs, result, present);
  let race = null, lane = -1, facts = null, sheet = null, asked = 0;

  const choice = () => ({ card: card.value, model: model.value, batch: BATCHES[sliders.batch.value], length: Number(sliders.length.value),
    nodes: Number(sliders.nodes.value) });
  function show() {
    const now = choice();
    for (const name of Object.keys(sliders)) {
      text(outputs[name], String(now[name]));
      attr(sliders[name], "aria-valuetext", String(now[name]));
    }
  }
  // Only the newest answer counts.
  async function ask() {
    show();
    const number = (asked += 1), now = choice(), answer = await mtp.link.server.suppose([race.run, lane, now]).catch(() => null);
    if (number !== asked || !answer) return;
    if (answer.error) return empty(answer.error);
    tell(answer, now);
  }
  function tell({ now, lengths: byLength, batches: byBatch }, wish) {
    const x = (value) => mtp.number(value, value >= 10 ? 1 : 2), wide = now.speedup > 1.02 * now.speedup_low;
    text(big, wide ? say("whatif.range", { low: x(now.speedup_low), high: x(now.speedup) }) : say("whatif.one", { x: x(now.speedup) }));
    const taus = now.tau > 1.02 * now.tau_low ? `${mtp.number(now.tau_low, 1)}–${mtp.number(now.tau, 1)}` : mtp.number(now.tau);
    text(tau, say("whatif.tau", { tau: taus, price: x(now.break_even), verify: x(now.verify), draft: x(now.draft), rest: x(now.rest) }));
    lengths.draw(byLength, wish.length);
    batches.draw(byBatch, wish.batch);
    const about = sheet.cards.find((entry) => entry.name === wish.card);
    const told = [say(`whatif.bound.${now.bound}`), about && now.bound !== "curves" && say("whatif.source", { name: about.name, gb: about.gb_s.toLocaleString("en"), tflops: about.tflops.toLocaleString("en"), source: about.source }),
      !now.fits && say("whatif.fits"), about && !wish.model && !facts.known && say("whatif.unknown"), wish.length > facts.deepest && say("whatif.deep", { n: facts.deepest }),
      wide && say("whatif.band")].filter(Boolean);
    notes.replaceChildren(...told.map((sentence) => el("li", { text: sentence })));
  }
  function empty(sentence) {
    text(none, sentence);
    none.hidden = !sentence;
    for (const part of [knobs, result, present]) part.hidden = !!sentence;
  }
  function fill() {
    const option = (value, label) => el("option", { value, text: label });
    const kept = [card.value, model.value];
    card.replaceChildren(option("", say("whatif.here")), ...sheet.cards.map((entry) => option(entry.name, entry.name)));
    model.replaceChildren(option("", say("whatif.here")), ...sheet.models.map((entry) => option(entry.name, entry.name)));
    [card.value, model.value] = [kept[0] ?? "", kept[1] ?? ""];
  }

  // A lane's knobs begin where its run was.
  function update(document, now, index) {
    const found = document?.lanes[index]?.present ?? null;
    if (race === now && lane === index && facts === found) return;
    [race, lane, facts, sheet] = [now, index, found, document];
    if (!facts) return empty(document ? say("whatif.none") : "");
    empty("");
    fill();
    sliders.length.max = Math.min(16, Math.max(4, 2 * facts.deepest));
    [sliders.batch.value, sliders.length.value, sliders.nodes.value] = [0, facts.length, facts.nodes];
    const off = Math.round(100 * facts.error), error = `${off ? (off > 0 ? "+" : "−") : ""}${Math.abs(off)}\u00a0%`;
    text(present, say("whatif.present", { predicted: mtp.number(facts.predicted), measured: mtp.number(facts.measured), error }));
    ask();
  }
  for (const input of [card, model, ...Object.values(sliders)]) input.addEventListener("input", ask);
  return { host, update };
};
