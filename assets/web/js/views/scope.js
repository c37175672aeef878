// The microscope at full size: one step of one lane. Its whole draft tree, the best one there could have been, the mask under
// which the pass ran, what the target wanted, where the time went, and the cache before and after.
mtp.views.push({
  name: "scope", area: "run", order: 20,
  mount(host) {
    const { el, text, attr, icon } = mtp.dom, { state, set } = mtp.store, say = mtp.say, near = mtp.near(host), player = mtp.player;
    const tabs = el("div", { class: "lane-tabs", role: "group", "aria-label": say("scope.lanes") });
    const icons = { play: icon("play"), pause: icon("pause") };
    const button = (name, sign, action) => el("button", { class: "step-key", type: "button", "aria-label": say(name), "data-tip": say(name), on: { click: action } }, sign);
    const play = button("time.play", icons.play, player.toggle);
    const range = el("input", { type: "range", "aria-label": say("scope.title"), min: 0, step: 1, on: { input: () => player.seek(Number(range.value)) } });
    const title = el("b"), summary = el("span", { class: "muted" });
    const flowHost = el("div", { class: "scope-flow", tabindex: 0, role: "region", "aria-label": say("scope.text") });
    const whole = el("div", { class: "scope-text" }, flowHost);
    const oracleBox = el("input", { type: "checkbox", id: "mtp-oracle", on: { change: () => set({}) } });
    const verdict = el("div", { class: "oracle-bars" });
    const bars = ["best", "promised", "realised"].map((name) => {
      const part = { name, bar: el("i", { class: name }), value: el("b") };
      part.row = el("p", { "data-tip": say(`scope.oracle.${name}.about`), tabindex: 0, role: "note" }, el("span", { text: say(`scope.oracle.${name}`) }), el("span", { class: "oracle-track" }, part.bar), part.value);
      verdict.append(part.row);
      return part;
    });
    const treeHost = el("div", { class: "tree-scroll" }), empty = el("p", { class: "muted empty" }), note = el("p", { class: "scope-note" });
    treeHost.append(empty);
    const maskHost = el("div", { class: "mask-host" }), wantsHost = el("div"), slotsHost = el("div", { class: "slots-host" }), told = el("p", { class: "muted" });
    const time = mtp.steptime();
    const card = (name, ...parts) => el("section", { class: `card ${name}` }, el("div", { class: "card-head" }, el("h3", { text: say(`scope.${name}`) }),
      el("p", { class: "muted", text: say(`scope.${name}.about`) })), ...parts);
    host.append(
      el("div", { class: "section-head" }, el("h2", { text: say("scope.title") }), tabs,
        el("div", { class: "step-keys" }, button("scope.back", "‹", () => player.seek(player.count() - 1)), play, button("scope.next", "›", () => player.seek(player.count() + 1)), range)),
      el("p", { class: "scope-line" }, title, " ", summary), whole,
      el("div", { class: "scope-grid" },
        el("div", { class: "scope-left" },
          card("tree", el("div", { class: "tree-legend" }, el("span", { class: "muted", text: say("scope.tree.numbers") }),
            el("label", { class: "switch", for: "mtp-oracle" }, oracleBox, el("span", { text: say("scope.oracle") }))), treeHost, note, verdict),
          card("kv", slotsHost, told), card("time", time.host)),
        el("div", { class: "scope-right" }, card("wants", wantsHost), card("mask", maskHost))));

    const point = (key) => (key && found ? mtp.hover.node(state.lane, number, key) : mtp.hover.none());
    const tree = new mtp.Tree(treeHost, (item) => {
      set({ node: item ?? null });
      point(item && /^(root|bonus|n\d+)$/.test(item.key) ? item.key : null);
    });
    const mask = new mtp.Mask(maskHost, point), slots = new mtp.Slots(slotsHost, point), wants = new mtp.Wants(wantsHost);
    mtp.hover.follow(whole);
    let race = null, lane = null, flow = null, found = null, number = -1, drawn = "", layout = null;

    function choose() {
      race = state.race;
      tabs.replaceChildren(...race.lanes.map((entry, index) => el("button", { class: "lane-tab", type: "button", text: entry.title, on: { click: () => set({ lane: index }) } })));
    }
    function pick() {
      lane = race.lanes[state.lane];
      attr(whole, "data-lane", state.lane);
      flow = new mtp.Flow(flowHost, lane, state.lane);
    }

    // As high as the lane's steps will need, so that nothing jumps from one to the next.
    function reserve() {
      const room = mtp.room.of(lane);
      treeHost.style.height = `${Math.max(150, Math.min(420, room.tree + 14))}px`;
      wantsHost.style.minHeight = `${Math.min(mtp.Wants.ROWS, room.wants) * mtp.Wants.HIGH}px`;
      maskHost.style.minHeight = `${Math.max(...room.passes.map((count) => mask.size(count).high), 60)}px`;
    }
    function draw(full) {
      reserve();
      const oracle = full.nodes.length && race.finished ? mtp.oracle.of(lane, number) : null;
      layout = mtp.treeWhole(full, lane, oracleBox.checked ? oracle : null);
      tree.draw(layout, (item) => mtp.words.node(lane, full, item));
      attr(tree.svg, "aria-label", say("step.tree", { summary: summary.textContent }));
      mask.draw(full, lane);
      const kv = slots.draw(full, lane), bytes = mtp.words.cache(lane.run);
      text(told, (kv.rows > 1 ? say("scope.kv.told", kv) : say("scope.kv.one")) + (bytes && kv.freed ? ` ${say("scope.kv.bytes", { each: bytes(1), freed: bytes(kv.freed) })}` : ""));
      attr(slots.svg, "aria-label", told.textContent);
      slots.key = undefined;
      verdict.hidden = !oracle;
      if (oracle) for (const part of bars) {
        const value = oracle[part.name];
        part.bar.style.transform = `scaleX(${Math.min(1, (value || 0) / Math.max(oracle.best, oracle.promised || 0, 1))})`;
        text(part.value, Number.isFinite(value) ? mtp.number(value, part.name === "promised" ? 1 : 0) : "–");
      }
      time.draw(race, lane, full);
    }

    // What is pointed at, here or anywhere: the same token in every part.
    function mark(full) {
      const key = mtp.hover.here(state.lane, number), item = key && layout?.items.find((entry) => entry.key === key);
      tree.mark(key);
      mask.mark(key);
      slots.mark(key);
      wants.draw(full, lane, key);
      text(note, item ? mtp.words.node(lane, full, item) : mtp.words.end(lane, full));
    }

    return () => {
      if (!state.race || !near.seen) return;
      if (race !== state.race) choose();
      if (lane !== race.lanes[state.lane]) pick();
      const count = player.count();
      found = lane.steps[count - 1] ?? null;
      number = count - 1;
      [...tabs.childNodes].forEach((tab, index) => attr(tab, "aria-pressed", String(index === state.lane)));
      flow.show(lane.begun(state.time) ? count : -1, !race.finished, false);
      if (!flow.stick) (flow.stick = true), flow.end();
      flow.mark("now", found ? number : null);
      flow.mark("hover", state.hover?.lane === state.lane ? state.hover.step : null);
      flow.point(state.hover?.index ?? null);
      range.max = lane.steps.length;
      if (Number(range.value) !== count) range.value = count;
      attr(range, "aria-label", say("time.scrubber", { title: lane.title }));
      const moving = player.moving();
      if (play.firstChild !== icons[moving ? "pause" : "play"]) play.replaceChildren(icons[moving ? "pause" : "play"]);
      text(title, found ? say("step.title", { title: lane.title, n: count, of: lane.steps.length }) : lane.title);
      text(summary, mtp.words.step(found));
      const full = found?.full;
      text(empty, found && !full ? say("step.pending") : !found ? say("step.prefill") : "");
      host.classList.toggle("blank", !full);
      const key = `${count} ${state.lane} ${oracleBox.checked} ${mask.wide} ${slots.wide} ${race.finished}`;
      if (full && (drawn !== key || host.full !== full)) {
        [drawn, host.full] = [key, full];
        draw(full);
      }
      if (full) mark(full);
      else {
        tree.clear();
        text(note, "");
        drawn = "";
      }
    };
  },
});
