// Asks for the figures below the fold, for the race at hand and the theme, once the reader comes near them.
mtp.figures = (() => {
  let wish = null, seen = false, told = "";

  function send() {
    if (!wish || !seen) return;
    const { theme, language } = mtp.store.state, full = { run: wish, theme, language };
    if (told === JSON.stringify(full)) return;
    told = JSON.stringify(full);
    mtp.link.figures(full);
  }
  function ask(run) {
    wish = run;
    send();
  }
  // Gradio makes the place some time after our own component.
  function watch() {
    const place = document.getElementById("mtp-figures");
    if (!place) return setTimeout(watch, 300);
    mtp.figureHover?.watch(place);
    new IntersectionObserver((entries) => {
      seen = entries.some((entry) => entry.isIntersecting);
      mtp.language?.translate();
      for (const empty of place.querySelectorAll(".empty[aria-label]")) empty.removeAttribute("aria-label"); // Gradio's own, on no role
      send();
    }, { rootMargin: "200px" }).observe(place);
  }
  return { ask, send, watch };
})();
