// A point of a figure that stands for one step is that step everywhere: pointing at it marks the step's tokens in the lanes,
// a click brings the step under the microscope. Such a figure tells the step first in its points' own data.
mtp.figureHover = (() => {
  const STEPS = "#mtp-figure-speedup-per-step .js-plotly-plot";

  // The lane and step of a point; null for one that stands for no step.
  function find(event) {
    const race = mtp.store.state.race, point = event.points?.[0], step = point?.customdata?.[0];
    const lane = race?.lanes.findIndex((entry) => entry.title === point?.data.name || entry.run.title === point?.data.name) ?? -1;
    return Number.isInteger(step) && race.lanes[lane]?.steps[step] ? { lane, step } : null;
  }
  function attach(plot) {
    if (plot.stepped || !plot.on) return;
    plot.stepped = true;
    plot.on("plotly_hover", (event) => {
      const found = find(event);
      if (found) mtp.hover.step(found.lane, found.step);
    });
    plot.on("plotly_unhover", mtp.hover.none);
    plot.on("plotly_click", (event) => {
      const found = find(event);
      if (!found || !mtp.store.state.race.finished) return;
      mtp.store.set({ lane: found.lane });
      mtp.player.seek(found.step + 1);
    });
  }
  // Gradio makes a figure's element anew whenever it likes.
  function watch(place) {
    new MutationObserver(() => document.querySelectorAll(STEPS).forEach(attach)).observe(place, { childList: true, subtree: true });
  }
  return { watch };
})();
