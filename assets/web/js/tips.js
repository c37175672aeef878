// One small bubble for the definition of a term: on hover and on focus of anything with data-tip.
mtp.tips = (() => {
  let bubble = null;

  function show(target) {
    bubble.textContent = target.dataset.tip;
    if (target.dataset.term) mtp.store.set({ term: target.dataset.term });
    bubble.hidden = false;
    const box = target.getBoundingClientRect(), own = bubble.getBoundingClientRect();
    const left = Math.max(8, Math.min(innerWidth - own.width - 8, box.left));
    const below = box.bottom + 8 + own.height < innerHeight;
    bubble.style.left = `${left}px`;
    bubble.style.top = `${below ? box.bottom + 8 : box.top - own.height - 8}px`;
  }
  const hide = () => (bubble.hidden = true);

  function mount(root) {
    bubble = mtp.dom.el("div", { class: "tip", role: "tooltip", hidden: true });
    root.append(bubble);
    const find = (event) => event.target.closest?.("[data-tip]");
    root.addEventListener("pointerover", (event) => (find(event) ? show(find(event)) : hide()));
    root.addEventListener("focusin", (event) => (find(event) ? show(find(event)) : hide()));
    root.addEventListener("focusout", hide);
    root.addEventListener("pointerleave", hide);
    addEventListener("scroll", hide, { passive: true });
    root.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  }
  // A term that explains itself: reachable by keyboard, read out with its definition.
  const term = (text, name, props) => mtp.dom.el("span",
    { class: "term", tabindex: 0, "data-tip": mtp.say(name), "aria-label": `${text}: ${mtp.say(name)}`, role: "note",
      text, ...props });
  // A term of the glossary, by its name there.
  const glossary = (name, text) => term(text ?? mtp.say(`term.${name}.name`), `term.${name}`, { "data-term": name });

  // A sentence of our own with terms in it: [[name]] or [[name|as it is written here]]. Text stays text.
  const rich = (sentence) => sentence.split(/(\[\[[^\]]+\]\])/).map((part) => {
    const found = /^\[\[([^|]+?)(?:\|(.+))?\]\]$/.exec(part);
    return found ? glossary(found[1], found[2]) : document.createTextNode(part);
  });
  return { mount, term, glossary, rich };
})();
