"""`bench page`: is the page smooth, does it lose nothing, and what does it cost the engine? In real Chromium.

Two kinds of races: fed ones, whose steps are written down and come at a given rate (bench/feed.py), and races on the
model. Servers run in processes of their own. The machine is the browser's too, so a figure holds for both together.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from mtpviz.bench import machine, prompts
from mtpviz.bench.browser import ROOT, app, chromium, feed, visit
from mtpviz.bench.harness import Bench, Suite, spread
from mtpviz.bench.report import Goal, Report, Spread, Table

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LEAST_SHARE = 0.85  # of the command line's tokens/s: as close as paired runs on an idle CPU come
MODEL_MS = 300_000  # the longest that the model may take to load, and that a queue of visitors may take
LANES = "mtp.store.state.race.lanes"
STREAMED = f"{LANES}.reduce((sum, lane) => sum + (lane.steps.at(-1)?.tokens ?? 0), 0)"
# Whether every lane's text on the page is its trace's, token by token.
WHOLE = """() => {
  const shown = [...document.querySelectorAll('.lane .lane-text')].map((lane) => {
    const copy = lane.cloneNode(true);
    copy.querySelectorAll('.prompt, .ghost').forEach((node) => node.remove());
    return copy.textContent;
  });
  const { lanes } = mtp.store.state.race;
  return shown.length === lanes.length && lanes.every((lane, i) => lane.text === shown[i]);
}"""
SCRUB = """async (count) => {
  const took = [];
  for (let k = 1; k <= count; k++) {
    let start;
    requestAnimationFrame(() => (start = performance.now()));
    mtp.player.seek(k);
    await new Promise((done) => requestAnimationFrame(() => {
      document.body.offsetHeight; // styles and layout, which the browser would do right after this
      took.push(performance.now() - start);
      done();
    }));
    await new Promise((done) => setTimeout(done, 20));
  }
  return took;
}"""
# The last of the store's readers is called once all views have drawn: how old the newest token is once its race stands
# there as ended.
DRAINED = """() => mtp.store.read(({ race }) => {
  if (!race?.live || !race.finished || probe.end !== null) return;
  probe.end = Math.min(...race.lanes.flatMap((lane) => lane.steps.map((step) => lateness(step.texts[0]))));
})"""
ENDED = "() => !mtp.store.state.running && mtp.store.state.race.finished && mtp.store.state.race.live"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the suite's own options."""
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="of each fed race")
    parser.add_argument("--visitors", type=int, default=10, metavar="N", help="at once, on the model")
    parser.add_argument("--max-new-tokens", type=int, default=128, metavar="N", help="of each race on the model")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of the page against the command line")


def run(bench: Bench) -> Report:
    """Measure; passes if no text was lost or mixed up. Times that miss their goal do not make it fail."""
    report = Report("page", machine.environment(bench.open(None)))
    with chromium() as browser:
        _streaming(bench, browser, report)
        _scrubbing(bench, browser, report)
        _stopping(bench, browser, report)
        _on_the_model(bench, browser, report)
    return report


def _streaming(bench: Bench, browser: Browser, report: Report) -> None:
    rows = []
    for lanes, rate in ((4, 250), (8, 500)):
        bench.progress(f"{lanes} lanes at {rate} tokens/s")
        with feed(lanes, rate, bench.args.seconds) as url:
            rows.append({"lanes": lanes, "tokens/s a lane": rate} | _race(visit(browser, url)))
    report.tables.append(Table("Streaming", rows, "tick: from the moment a message is sent to its newest token in the "
                               "DOM; token: from the step that made a token, so up to 67 ms of waiting for the next "
                               "message are in it. drained: from the last step until the ended race is there, whole "
                               "traces and all. long tasks: over 50 ms, while tokens stream, and when the whole traces "
                               "arrive after it. bytes: of the event stream, trees and all."))
    slow, fast = rows
    for row in rows:
        report.passed &= row["whole text"]
    report.goals += [
        _goal("fed races whose every text is its trace's, to the letter", str(len(rows)),
              float(sum(row["whole text"] for row in rows)), None, all(row["whole text"] for row in rows)),
        _goal("4 lanes x 250 tokens/s: message to DOM, p95", "at most 100 ms", slow["tick p95 ms"], 100),
        _goal("4 lanes x 250 tokens/s: long tasks in all", "at most 200 ms", slow["long ms"], 200),
        _goal("4 lanes x 250 tokens/s: bytes a token", "at most 40", slow["bytes a token"], 40),
        _goal("8 lanes x 500 tokens/s: drained", "at most 1 s", fast["drained s"], 1),
        _goal("8 lanes x 500 tokens/s: long tasks", "none", fast["long ms"], 0)]


def _race(page: Page) -> dict:
    """One fed race, from Start to the whole traces."""
    page.fill("#mtp-prompt", "Once")
    page.evaluate("probe.late = [], probe.ticks = [], probe.long = [], probe.bytes = 0, probe.end = null")
    page.evaluate(DRAINED)
    page.click("#mtp-start")
    page.wait_for_function("mtp.store.state.race?.live")
    page.wait_for_function(ENDED)
    page.wait_for_timeout(700)
    found, tokens = page.evaluate("probe"), page.evaluate(STREAMED)
    during = [ms for start, ms in found["long"] if start < found["last"]]
    after = [ms for start, ms in found["long"] if start >= found["last"]]
    return {"tick p50 ms": _p(found["ticks"], 50), "tick p95 ms": _p(found["ticks"], 95),
            "token p50 ms": _p(found["late"], 50), "token p95 ms": _p(found["late"], 95),
            "drained s": None if found["end"] is None else found["end"] / 1000,
            "long ms": sum(during), "long at the end ms": sum(after),
            "bytes a token": round(found["bytes"] / tokens, 1), "whole text": page.evaluate(WHOLE)}


def _scrubbing(bench: Bench, browser: Browser, report: Report) -> None:
    bench.progress("150 steps with trees of 60 nodes")
    with feed(3, 100, 3.0, nodes=60) as url:
        page = visit(browser, url)
        page.fill("#mtp-prompt", "Once")
        page.click("#mtp-start")
        page.wait_for_function(ENDED)
        took = page.evaluate(SCRUB, 150)[5:]
    report.tables.append(Table("Scrubbing", [{"steps": len(took), "nodes": 60, "draw p50 ms": _p(took, 50),
                                              "draw p95 ms": _p(took, 95)}],
                               "A draw is everything that the page does for a step (lanes, tree, waterfall, timeline) "
                               "with the browser's styles and layout for it, without painting."))
    report.goals.append(_goal("scrubbing, a draw, p95", "at most 8 ms", _p(took, 95), 8))


def _stopping(bench: Bench, browser: Browser, report: Report) -> None:
    bench.progress("Stop")
    took = []
    with feed(4, 50, 10.0) as url:  # as many tokens as a race of the page may have
        page = visit(browser, url)
        for _ in range(5):
            page.fill("#mtp-prompt", "Once")
            page.click("#mtp-start")
            page.wait_for_function("mtp.store.state.race?.live && mtp.store.state.race.lanes[0].steps.length > 20")
            start = time.monotonic()
            page.click("#mtp-start")
            page.wait_for_function("!mtp.store.state.running")
            took.append(time.monotonic() - start)
    report.goals.append(_goal("Stop, to the whole traces on the page", "at most 1 s", spread(took), 1))


def _on_the_model(bench: Bench, browser: Browser, report: Report) -> None:
    args = bench.args
    bench.progress("the page comes up")
    with app(*_model(args)) as (answers, url):
        start = time.monotonic()
        page = visit(browser, url)
        shown = time.monotonic() - start
        page.wait_for_function("mtp.store.state.engine.state === 'ready'", timeout=MODEL_MS)
        ready = time.monotonic() - start
        report.tables.append(Table("Coming up", [{"server answers after s": answers, "first view after s": shown,
                                                  "model ready after s": ready}], "Of the process; of the visit."))
        _against_command_line(bench, page, report)
        page.context.close()
        _visitors(bench, browser, url, report)


def _model(args: argparse.Namespace) -> list[str]:
    return ["--model", args.model, "--device", args.device, "--dtype", args.dtype]


def _start(page: Page, prompt: str, tokens: int) -> None:
    page.evaluate(f"document.querySelector('#mtp-tokens').value = {tokens}")
    page.fill("#mtp-prompt", prompt)
    page.click("#mtp-start")


def _against_command_line(bench: Bench, page: Page, report: Report) -> None:
    """Races in turns: on the page with its browser attached, and by `python -m mtpviz race` with the page idle."""
    args, prompt = bench.args, prompts.BUILT_IN[0].text
    first, pairs, chosen = [], [], []
    for number in range(args.repeats):
        bench.progress(f"page and command line, round {number + 1} of {args.repeats}")
        start = time.monotonic()
        _start(page, prompt, args.max_new_tokens)
        page.wait_for_function("mtp.store.state.race?.live && !mtp.store.state.race.finished && "
                               "mtp.store.state.race.lanes[0].first !== null", polling=5)
        first.append(time.monotonic() - start)
        page.wait_for_function(ENDED, polling=100)  # not at every frame: the driver is no visitor
        lanes = page.evaluate(f"{LANES}.map((lane) => [lane.run.strategy, lane.stats(lane.steps.length).rate])")
        threads = [page.evaluate(f"{LANES}[0].run.threads")]
        command = [sys.executable, "-m", "mtpviz", "race", prompt, "--json", "--strategies",
                   ",".join(name for name, _ in lanes), "--max-new-tokens", str(args.max_new_tokens), *_model(args)]
        alone = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
        pairs.append((dict(lanes), {lane["strategy"]: lane["tokens_per_s"] for lane in alone["lanes"]}))
        chosen.append([*threads, alone["threads"]])
    rows = [{"lane": name, "page tokens/s": spread([page[name] for page, _ in pairs]),
             "command line tokens/s": spread([alone[name] for _, alone in pairs]),
             "page / command line": spread([page[name] / alone[name] for page, alone in pairs])}
            for name in pairs[0][0]]
    report.tables.append(Table("What the page costs the engine", rows, "Rounds in turns on one machine, the browser on "
                               "it too."))
    report.tables.append(Table("Threads beside a browser", [
        {"round": number, "page": page, "command line": alone} for number, (page, alone) in enumerate(chosen, 1)],
        "Both measure before each race whether one thread or all serve better, and take that number."))
    least = min((row["page / command line"].median for row in rows), default=None)
    report.goals += [
        _goal("first token after Start", "at most 1 s", spread(first), 1),
        _goal("tokens/s with the page attached, over the command line's, the worst lane", f"at least {LEAST_SHARE}",
              least, None, None if least is None else least >= LEAST_SHARE)]


def _visitors(bench: Bench, browser: Browser, url: str, report: Report) -> None:
    """Many browsers press Start at once, each with its own prompt; every one must get its own text, whole."""
    count, tokens = bench.args.visitors, bench.args.max_new_tokens
    bench.progress(f"{count} visitors at once")
    asked = [f"{prompts.BUILT_IN[i % 4].text} {i}" for i in range(count)]
    pages = [visit(browser, url) for _ in asked]
    for page in pages:
        page.wait_for_function("mtp.store.state.engine.state === 'ready'", timeout=MODEL_MS)
        page.evaluate("""() => { window.said = new Set(); setInterval(() => window.said.add(
          document.querySelector('.status .line').textContent), 50); }""")
    start = time.monotonic()
    for page, prompt in zip(pages, asked, strict=True):
        _start(page, prompt, tokens)
    for page in pages:
        page.wait_for_function(ENDED, timeout=MODEL_MS)
    took = time.monotonic() - start
    own = whole = queued = 0
    for page, prompt in zip(pages, asked, strict=True):
        lanes = page.evaluate(
            f"{LANES}.map((lane) => [lane.run.prompt, (lane.steps.at(-1)?.tokens ?? 0) + 1, lane.closed])")
        own += all(found == prompt for found, _, _ in lanes)
        whole += page.evaluate(WHOLE) and all(length == tokens or end == "stop" for _, length, end in lanes)
        queued += any("queue" in said for said in page.evaluate("[...window.said]"))
        page.context.close()
    report.passed &= own == whole == count
    report.tables.append(Table(f"{count} visitors at once", [{
        "visitors": count, "own prompt": own, "whole text": whole, "saw a place in the queue": queued,
        "all done after s": took}], "whole text: every lane has all its tokens, or ended of itself, and the page "
        "shows them to the letter."))
    report.goals.append(_goal(f"{count} browsers at once: each with its own whole text", str(count), float(whole), None,
                              whole == count and own == count))
    report.goals.append(_goal("those who waited saw their place in the queue", f"at least {count - 1}", float(queued),
                              None, queued >= count - 1))


def _p(values: list[float], percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 2) if values else None


def _goal(what: str, wanted: str, measured: float | Spread | None, most: float | None, met: bool | None = None) -> Goal:
    value = measured.median if isinstance(measured, Spread) else measured
    return Goal(what, wanted, measured, met if most is None else None if value is None else value <= most)


SUITE = Suite("page", "the page in real Chromium: smooth, loses nothing, and what it costs the engine", add_arguments,
              run)
