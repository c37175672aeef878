// What a reader takes away, behind one chip: a link to the page as it stands, and the race at hand as
// a page of its own, as pictures for a slide or a paper's column, tables, or the trace itself.
mtp.save = () => {
  const { el, text } = mtp.dom, { state } = mtp.store, say = mtp.say;
  const PIXELS = { slide: 1920, paper: 2008 }; // wide: a slide, and 85 mm at 600 dots per inch
  const VIEWS = ["race", "tree", "speedup"], FIGURES = mtp.settings.figures;
  const note = el("p", { class: "note", role: "status" });
  const choose = (name, values) => el("select", { "aria-label": say(`save.${name}`) },
    ...values.map((value) => el("option", { value, text: say(`save.${name}.${value}`) })));
  const view = choose("view", VIEWS), size = choose("size", ["slide", "paper"]);
  view.append(...FIGURES.map(([name, title]) => el("option", { value: name, text: mtp.word(title) })));
  const button = (label, make) => el("button", { class: "chip", type: "button", text: label, on: { click: () => attempt(make) } });
  const row = (name, ...children) => el("div", { class: "save-row" }, el("p", {}, el("b", { text: say(`save.${name}`) }),
    el("span", { text: say(`save.${name}.about`) })), el("div", { class: "save-buttons" }, ...children));
  const gif = button("GIF", () => keep({ to: "gif", ...picture() }));
  const link = mtp.share();
  link.removeAttribute("data-tip"); // the row says it already
  const panel = el("div", { class: "save" }, el("h3", { text: say("save.title") }),
    row("link", link),
    row("page", button("HTML", () => keep({ to: "html", language: state.language }))),
    row("picture", view, size, button("PNG", () => drawn()), button("SVG", () => keep({ to: "svg", ...picture() })), button("PDF", () => keep({ to: "pdf", ...picture() })), gif),
    row("data", button("JSONL", () => hand("mtpviz.jsonl", new Blob([state.race.source], { type: "application/jsonl" }))),
      button(say("save.tokens"), () => keep({ to: "csv", table: "tokens" })), button(say("save.steps"), () => keep({ to: "csv", table: "steps" })), button("Parquet", () => keep({ to: "parquet" }))),
    note);
  const menu = mtp.menu(say("save.title"), panel);
  view.addEventListener("change", () => (gif.disabled = !["race", "tree"].includes(view.value)));
  text(menu.button, say("save"));

  // What the picture shows is what the reader sees: the theme and the language, the lane and step under the microscope,
  // the ghosts.
  function picture() {
    const wish = { view: view.value, size: size.value, theme: state.theme, language: state.language, rejected: state.ghosts };
    const step = mtp.player.count() - 1;
    return view.value === "tree" ? { ...wish, lane: state.lane, ...(step >= 0 && { step }) } : wish;
  }
  async function attempt(make) {
    if (!state.race?.finished) return text(note, say("save.running"));
    text(note, say("save.making"));
    try {
      await make();
      text(note, say("save.done"));
    } catch (error) {
      text(note, error instanceof mtp.Refused ? error.message : say("save.lost"));
    }
  }

  // Ask for the file; a server that has forgotten the run is given its trace again.
  async function made(wish) {
    let found = await mtp.link.server.save({ run: state.race.run, ...wish });
    if (found.unknown) {
      await mtp.open.lend(state.race);
      found = await mtp.link.server.save({ run: state.race.run, ...wish });
    }
    if (!found.data) throw new mtp.Refused(found.error ?? say("save.lost"));
    return { name: found.name, bytes: Uint8Array.from(atob(found.data), (c) => c.charCodeAt(0)) };
  }
  async function keep(wish) {
    const { name, bytes } = await made(wish);
    hand(name, new Blob([bytes]));
  }

  // A PNG is the SVG, drawn by the browser, which has fonts for any language.
  async function drawn() {
    const { name, bytes } = await made({ to: "svg", ...picture() });
    const url = URL.createObjectURL(new Blob([bytes], { type: "image/svg+xml" })), image = new Image();
    image.src = url;
    await image.decode();
    const canvas = el("canvas", { width: PIXELS[size.value], height: Math.round((PIXELS[size.value] * image.naturalHeight) / image.naturalWidth) });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(url);
    hand(name.replace(/svg$/, "png"), await new Promise((done) => canvas.toBlob(done, "image/png")));
  }
  function hand(name, blob) {
    const url = URL.createObjectURL(blob);
    el("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  }
  return menu.host;
};

// A sentence for the reader.
mtp.Refused = class extends Error {};
