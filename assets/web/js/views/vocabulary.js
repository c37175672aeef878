// The draft's vocabulary: how few tokens carry a language, what the text at hand would lose, and what is saved.
mtp.views.push({
  name: "vocabulary", area: "run", order: 40,
  mount(host) {
    const { el, text } = mtp.dom, { set } = mtp.store, say = mtp.say, near = mtp.near(host);
    const tabs = mtp.lanetabs(say("vocabulary.lanes")), chart = mtp.coverage(), over = mtp.curve(say("vocabulary.tau"));
    const none = el("p", { class: "muted" }), scored = el("p", { class: "why-line" }), saved = el("p", { class: "why-line" }), lost = el("p", { class: "why-line" });
    const flow = el("p", { class: "lost-text", tabindex: 0 }), bound = el("p", { class: "muted" });
    const card = (name, ...parts) => el("section", { class: "card" }, el("div", { class: "card-head" }, el("h3", { text: say(`vocabulary.${name}`) })), ...parts);
    const body = el("div", { class: "vocabulary-grid" },
      card("coverage", el("p", { class: "muted", text: say("vocabulary.coverage.about") }), chart.host),
      card("lane", scored, saved, lost, flow, over.host, bound));
    host.append(el("div", { class: "section-head" }, el("h2", { text: say("vocabulary.title") }), tabs.host), el("p", { class: "muted vocabulary-about", text: say("vocabulary.about") }), none, body);
    let race = null, lane = -1, asked = 0;

    const percent = (share) => `${(100 * share).toFixed(share > 0.995 && share < 1 ? 1 : 0)}\u00a0%`, count = (n) => n.toLocaleString("en");
    const bytes = (n) => (n >= 2 ** 20 ? `${mtp.number(n / 2 ** 20, 1)} MiB` : `${mtp.number(n / 1024, 0)} KiB`);

    async function ask() {
      const number = (asked += 1), told = await mtp.link.server.vocabulary([race.run, lane]).catch(() => null);
      if (number !== asked) return;
      body.hidden = !told || !!told.error;
      text(none, told?.error ?? "");
      none.hidden = !none.textContent;
      if (!body.hidden) tell(told);
      set({});
    }
    function tell(told) {
      const full = told.size === told.vocab, size = told.size ?? told.kept, share = size / told.vocab, language = say(`vocabulary.language.${told.language}`);
      chart.draw(told);
      const values = { n: count(size), all: count(told.vocab), share: percent(share), language };
      text(scored, say(full ? "vocabulary.scored.full" : told.size ? "vocabulary.scored" : "vocabulary.scored.base", values));
      const less = percent(1 - share);
      text(saved, full ? "" : told.row_bytes ? say("vocabulary.saved", { cut: bytes(size * told.row_bytes), full: bytes(told.vocab * told.row_bytes), share: less })
        : say("vocabulary.saved.rows", { share: less }));
      const gone = full ? [] : told.lost;
      text(lost, full ? "" : say(gone.length ? "vocabulary.lost" : "vocabulary.lost.none", { n: gone.length, of: told.tokens }));
      mark(new Set(gone));
      const curve = told.tau.length > 1;
      over.host.hidden = !curve;
      if (curve) over.draw(told.tau.map(([n, tau]) => [n, tau, tau]), size, told.measured.length > 1 ? told.measured : [], "");
      text(bound, curve ? say("vocabulary.tau.bound") + (told.measured.length > 1 ? ` ${say("vocabulary.tau.measured")}` : "") : "");
    }
    // The text, with what the draft could not have said; each token still answers to the pointer.
    function mark(gone) {
      const entry = race.lanes[lane];
      flow.dataset.lane = lane;
      let index = 1;
      const made = [token(entry.first ?? "", -1, 0, gone.has(0))];
      entry.steps.forEach((step, number) => step.texts.forEach((piece, place) => {
        made.push(token(piece, number, place, gone.has(index)));
        index += 1;
      }));
      flow.replaceChildren(...made.flat());
    }
    function token(piece, step, place, gone) {
      const [, before, rest] = /^(\s*)([^]*)$/.exec(piece);
      return [before, el("span", { class: `tok plain${gone ? " lost" : ""}`, "data-step": step, "data-place": place, text: rest })];
    }
    mtp.hover.follow(flow);

    return (state) => {
      if (!mtp.link.server?.vocabulary) host.hidden = true;
      if (!state.race || !near.seen || host.hidden) return;
      tabs.update(state);
      if (state.race.finished && (race !== state.race || lane !== state.lane)) {
        [race, lane] = [state.race, state.lane];
        ask();
      }
      point(state);
    };
    function point(state) {
      const found = state.hover && race && state.hover.index !== null ? flow.querySelectorAll(".tok")[state.hover.index] : null;
      flow.querySelector(".tok.same")?.classList.remove("same");
      found?.classList.add("same");
    }
  },
});
