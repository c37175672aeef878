// The course's panel: one short page at the foot of the window, with what to do, and the way to the next.
mtp.views.push({
  name: "learn", area: "run", order: 90,
  mount(host) {
    const { el, text, attr, icon } = mtp.dom, { state } = mtp.store, say = mtp.say, pages = mtp.texts[state.language];
    const menu = el("select", { "aria-label": say("learn.menu"), on: { change: () => mtp.learn.open(menu.value) } },
      ...mtp.course.map((page) => el("option", { value: page.id })));
    const count = el("b"), where = el("label", { class: "chip learn-count" }, count, menu);
    const bar = el("i"), progress = el("div", { class: "learn-bar", role: "img" }, bar);
    const title = el("h2", { tabindex: -1 }), body = el("div", { class: "learn-body" }), absent = el("p", { class: "learn-absent" });
    const task = el("p", { class: "learn-task" }), mark = el("span", { class: "learn-mark" }, icon("check")), ask = el("span");
    const done = el("span", { class: "unseen", "aria-live": "polite" });
    const notes = el("div", { class: "learn-notes" });
    task.append(mark, ask, done);
    const button = (name, action, props) => el("button", { class: "chip", type: "button", text: say(name), on: { click: action }, ...props });
    const back = button("learn.back", () => mtp.learn.move(-1)), next = button("learn.next", () => mtp.learn.move(1), { class: "chip next" });
    const lecture = button("lecture", mtp.lecture.toggle, { class: "chip lecture-key", "data-tip": say("lecture.about") });
    const note = button("learn.notes", mtp.lecture.notes, { "data-tip": say("learn.notes.about") });
    const close = button("learn.close", mtp.learn.close, { "data-tip": say("learn.close.about") });
    attr(host, "aria-label", say("learn.label"));
    host.append(el("div", { class: "learn-head" }, el("div", { class: "learn-where" }, where, progress), title),
      el("div", { class: "learn-text" }, body, absent, notes),
      el("div", { class: "learn-side" }, task, el("div", { class: "learn-keys" }, back, next, lecture, note, close)));
    let page = null, told = "";
    new ResizeObserver(() => room()).observe(host);

    // The window's foot is taken: what is brought into view comes to lie above it, and the page's end can be scrolled to.
    function room() {
      const high = state.course === null ? 0 : host.offsetHeight;
      document.documentElement.style.setProperty("--foot", `${high}px`);
    }

    function fill() {
      const entry = pages[page.id];
      text(title, entry.title);
      const values = mtp.learn.values(page);
      const filled = (sentence) => sentence.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? "–");
      body.replaceChildren(...entry.text.map((part) => el("p", {}, ...mtp.tips.rich(filled(part)))), ...extras(entry));
      ask.replaceChildren(...mtp.tips.rich(entry.task));
      task.hidden = !entry.task;
      notes.replaceChildren(el("b", { text: say("learn.notes") }), ...entry.notes.map((part) => el("p", { text: part })));
      host.classList.toggle("wide", !!(entry.table || entry.links));
      host.scrollTop = 0;
    }
    const extras = (entry) => [entry.table && mtp.papers(entry.table), entry.links && list(entry.links)].filter(Boolean);
    const list = (links) => el("ul", { class: "learn-links" }, ...links.map(([name, address, about]) =>
      el("li", {}, el("a", { href: address, target: "_blank", rel: "noopener noreferrer", text: name }), ` ${about}`)));

    function missing() {
      if (!mtp.learn.absent(page)) return "";
      const names = mtp.texts[state.language].lanes[page.id], lane = state.race.lanes[state.lane];
      if (!names) return "";
      return lane ? say("learn.absent", { names, title: lane.title }) : say("learn.absent.none", { names });
    }

    return (now) => {
      host.hidden = now.course === null;
      document.body.classList.toggle("learning", now.course !== null);
      const fresh = mtp.learn.find(now.course);
      if (!fresh) return (page = null), room();
      const key = `${fresh.id} ${now.race ? now.lane : ""} ${now.race?.finished}`;
      if (fresh !== page || key !== told) {
        const turned = fresh !== page;
        [page, told] = [fresh, key];
        fill();
        if (turned && !host.contains(document.activeElement)) title.focus({ preventScroll: true });
      }
      const at = mtp.learn.number(), finished = now.done.includes(page.id);
      [...menu.options].forEach((option, i) => {
        const id = mtp.course[i].id, name = now.done.includes(id) ? "learn.option.done" : "learn.option";
        text(option, say(name, { n: i + 1, of: mtp.course.length, title: pages[id].title }));
      });
      menu.value = page.id;
      text(count, say("learn.count", { n: at + 1, of: mtp.course.length }));
      const through = mtp.course.filter((entry) => now.done.includes(entry.id)).length;
      bar.style.transform = `scaleX(${through / mtp.course.length})`;
      attr(progress, "aria-label", say("learn.progress", { n: through, of: mtp.course.length }));
      back.disabled = at === 0;
      next.disabled = at === mtp.course.length - 1;
      host.classList.toggle("finished", finished);
      text(done, finished ? say("learn.done") : "");
      text(absent, missing());
      absent.hidden = !absent.textContent;
      notes.hidden = !now.notes;
      attr(note, "aria-pressed", String(now.notes));
      attr(lecture, "aria-pressed", String(now.lecture));
      room();
    };
  },
});
