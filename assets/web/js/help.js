// The list of keys, over the page: opened by a button and by "?".
mtp.help = (() => {
  const { el } = mtp.dom;
  const KEYS = [["← →", "step"], ["Home End", "ends"], ["Space", "play"], ["1–8", "lane"], ["↑ ↓", "nodes"], ["L  PgDn PgUp", "course"],
    ["F  N", "lecture"], ["V  ↓ ↑", "view"], ["/", "prompt"], ["?", "help"]];
  let box = null;

  function open() {
    const close = el("button", { class: "chip", type: "button", text: mtp.say("keys.close"), on: { click: () => box.close() } });
    box = el("dialog", { class: "help", "aria-label": mtp.say("keys.title") }, el("h2", { text: mtp.say("keys.title") }),
      el("dl", {}, ...KEYS.flatMap(([keys, name]) => [el("dt", {}, ...keys.split(/\s+/).map((key) => el("kbd", { text: key }))),
        el("dd", { text: mtp.say(`keys.${name}`) })])), close);
    box.addEventListener("close", () => box.remove());
    box.addEventListener("click", (event) => event.target === box && box.close());
    document.querySelector(".mtp").append(box);
    box.showModal();
  }
  return { open };
})();
