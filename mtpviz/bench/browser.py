"""Chromium and the servers that a page is measured with: each server in a process of its own, as in use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mtpviz.bench.feed import STAMP
from mtpviz.errors import UserError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
SERVER_SECONDS = 180.0
PAGE_MS = 90_000  # the longest that a page may take for any one thing
ROOT = Path(__file__).resolve().parents[2]

# Runs in the page before its own scripts: long tasks, how late each stamped token (bench/feed.py) is in the DOM when it
# first comes there, and the bytes of the event stream.
PROBE = """
window.probe = { long: [], late: [], ticks: [], last: 0, end: null, bytes: 0 };
const fetched = window.fetch;
window.fetch = async (...wish) => {
  const answer = await fetched(...wish);
  if (/queue\\/data/.test(answer.url)) count(answer.clone().body.getReader()).catch(() => {});
  return answer;
};
async function count(reader) {
  const decoder = new TextDecoder();
  for (let rest = "", chunk; !(chunk = await reader.read()).done; ) {
    const messages = (rest + decoder.decode(chunk.value, { stream: true })).split("\\n\\n");
    rest = messages.pop();
    for (const text of messages)
      if (text.includes("process_generating")) probe.bytes += text.length + 2;
  }
}
new PerformanceObserver((list) => { for (const e of list.getEntries()) probe.long.push([e.startTime, e.duration]); })
  .observe({ entryTypes: ["longtask"] });
const known = new WeakSet();
window.lateness = (stamp) => (((Date.now() - Number(stamp)) % STAMP) + STAMP) % STAMP;
new MutationObserver((records) => {
  const { finished } = window.mtp?.store.state.race ?? {};
  let newest = null;
  for (const { addedNodes } of records)
    for (const node of addedNodes)
      if (!known.has(node) && /^\\d{5,8}$/.test(node.textContent.trim()) && node.closest?.(".lane")) {
        const late = lateness(node.textContent);
        known.add(node); // some move within their text later
        if (late < 60000) { newest = Math.min(newest ?? late, late); if (!finished) probe.late.push(late); }
      }
  if (newest === null || finished) return;
  probe.ticks.push(newest);
  probe.last = performance.now();
}).observe(document, { childList: true, subtree: true });
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium. Raises UserError where it or playwright is missing."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        raise UserError("The page is measured in Chromium, which is not installed here; Debian's package is chromium.")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise UserError("The page is measured with playwright; tests/requirements.txt names it.") from None
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def visit(browser: Browser, url: str, width: int = 1440) -> Page:
    """A page of its own profile, its probe in place, once its first view stands."""
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PAGE_MS)
    page.add_init_script(PROBE.replace("STAMP", str(STAMP)))
    page.goto(url)
    page.wait_for_selector(".mtp .lane .tok")
    return page


@contextmanager
def feed(lanes: int, rate: float, seconds: float, nodes: int = 8) -> Iterator[str]:
    """The address of a page whose races are written down (mtpviz/ui/feed.py)."""
    words = ["-m", "mtpviz.ui.feed", *(f"--{name}={value}" for name, value in
                                       (("lanes", lanes), ("rate", rate), ("seconds", seconds), ("nodes", nodes)))]
    with _process(words) as (_, url):
        yield url


@contextmanager
def app(*options: str) -> Iterator[tuple[float, str]]:
    """(seconds until it answered, address) of the page on its model."""
    with _process([str(ROOT / "app.py"), *options]) as found:
        yield found


@contextmanager
def _process(words: list[str]) -> Iterator[tuple[float, str]]:
    """Start a server, wait for the address in its output and for the first answer; end it afterwards."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                               env=os.environ | {"GRADIO_ANALYTICS_ENABLED": "False"})
    try:
        line = process.stdout.readline().strip()
        url = line.rpartition(" ")[2]
        while line and time.monotonic() - start < SERVER_SECONDS:
            try:
                urllib.request.urlopen(url, timeout=10).read()
                break
            except OSError:  # not up yet, or too busy to answer
                time.sleep(0.05)
        if not line:
            raise UserError("The page's server did not start; its own output above says why.")
        yield time.monotonic() - start, url
    finally:
        process.terminate()
        process.wait(20)
