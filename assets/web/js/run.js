// Starts and stops this browser's own race.
mtp.run = (() => {
  const { state, set } = mtp.store;

  function id() {
    const bytes = crypto.getRandomValues(new Uint8Array(15));
    return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
  }
  function start(order) {
    if (state.running) return;
    const run = id();
    set({ running: run, last: order, status: { name: "status.waiting" } });
    mtp.link.race({ ...order, run });
  }
  // A run that has begun is asked to stop, and sends its traces; one that still waits leaves the queue.
  async function stop() {
    const run = state.running;
    if (!run) return;
    const known = await mtp.link.server.stop(run).catch(() => false);
    if (!known) {
      mtp.link.leave();
      set({ running: null, status: { name: "status.left" } });
    }
  }
  // Gradio says that a run's event has ended, however it did. One that ended without a word was refused or lost.
  function over() {
    const run = state.running;
    setTimeout(() => {
      if (run && state.running === run && !mtp.wire.reads(run)) set({ running: null, status: { name: "status.lost", bad: true } });
    }, 1500);
  }
  return { start, stop, over };
})();
