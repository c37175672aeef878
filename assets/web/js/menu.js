// A chip that opens a small panel below it: a button and a dialog. Escape and a click elsewhere close it.
mtp.menu = (label, panel) => {
  const { el } = mtp.dom;
  const button = el("button", { class: "chip", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false" });
  const box = el("div", { class: "panel", role: "dialog", "aria-label": label, hidden: true }, panel);
  const host = el("div", { class: "menu" }, button, box);

  function open(wanted) {
    box.hidden = !wanted;
    button.setAttribute("aria-expanded", String(wanted));
    if (wanted) box.querySelector("input, button, select")?.focus();
  }
  button.addEventListener("click", () => open(box.hidden));
  host.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || box.hidden) return;
    event.stopPropagation();
    open(false);
    button.focus();
  });
  addEventListener("pointerdown", (event) => !host.contains(event.target) && open(false));
  return { host, button };
};
