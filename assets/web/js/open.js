// Opens races that were recorded before: from the gallery, or from a trace file that the reader picks or drops.
mtp.open = (() => {
  const { set } = mtp.store, { el } = mtp.dom;
  const say = (name, values) => set({ status: { text: mtp.say(name, values), bad: true } });

  async function show({ run, header, body, error }) {
    if (error) set({ status: { text: error, bad: true } });
    else await mtp.wire.show(run, header, body);
    if (!error) set({ notices: [...new Set(mtp.store.state.race.lanes.flatMap((lane) => lane.untold))].map((sentence) => ({ text: sentence })) });
    return !error;
  }
  const idle = () => (mtp.store.state.running ? (say("open.busy"), false) : true);

  async function recorded(name, strategies) {
    if (!idle()) return false;
    return show(await mtp.link.server.recorded([name, strategies]).catch(() => ({ error: mtp.say("save.lost") })));
  }

  function base64(bytes) {
    let text = "";
    for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
    return btoa(text);
  }

  // The size is looked at before anything is read; what the file holds the server checks, and says in a sentence.
  async function file(chosen) {
    if (!idle()) return false;
    const limit = mtp.settings.limits.file;
    if (chosen.size > limit) return say("open.large", { file: chosen.name, limit: limit >> 20 }), false;
    set({ status: { name: "open.reading", values: { file: chosen.name } } });
    const bytes = await chosen.arrayBuffer().then((data) => new Uint8Array(data), () => null);
    if (!bytes) return say("open.damaged", { file: chosen.name }), false;
    const found = await mtp.link.server.adopt({ name: chosen.name, data: base64(bytes) }).catch(() => ({ error: mtp.say("save.lost") }));
    return show(found);
  }

  // A server that has forgotten a race is given its trace again; the race goes by its new name from then on.
  async function lend(race) {
    const packed = new Blob([race.source]).stream().pipeThrough(new CompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
    const found = await mtp.link.server.adopt({ name: "trace.jsonl.gz", data: base64(bytes) });
    if (found.error) throw new mtp.Refused(found.error);
    race.run = found.run;
  }

  // A button that picks a file.
  function button() {
    const input = el("input", { type: "file", accept: ".jsonl,.json,.gz", hidden: true, id: "mtp-file",
      on: { change: () => input.files[0] && file(input.files[0]).then(() => (input.value = "")) } });
    return el("span", {}, input, el("button", { class: "chip", type: "button", text: mtp.say("open.button"), "data-tip": mtp.say("open.about"),
      on: { click: () => input.click() } }));
  }

  // A file dropped anywhere on the page.
  let deep = 0;
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => document.getElementById("mtp")?.classList.toggle("dropping", on);
  addEventListener("dragenter", (event) => carries(event) && ++deep === 1 && mark(true));
  addEventListener("dragleave", (event) => carries(event) && --deep === 0 && mark(false));
  addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    mark(false);
    deep = 0;
    if (event.dataTransfer.files.length) file(event.dataTransfer.files[0]);
  });
  return { recorded, file, lend, button };
})();
