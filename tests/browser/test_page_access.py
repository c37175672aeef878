"""Everyone can use the page: axe finds nothing, the keyboard reaches everything, focus is seen."""

import pytest
from axe_playwright_python.sync_playwright import Axe

OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
# What the page looks like in each of its states; the script brings it there.
STATES = {
    "opening": "1",
    "figures": "mtp.go('figures')",
    "course": "mtp.learn.open('verdict')",
    "papers": "mtp.learn.open('published')",
    "reading": "mtp.learn.open('reading')",
    "lecture": "mtp.learn.open('cost'); mtp.lecture.toggle()",
    "keys": "mtp.help.open()",
    "chinese": "mtp.language.choose('zh')",
}


def _violations(page) -> list[str]:
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{entry['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for entry in found
        for node in entry["nodes"]
    ]


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390)])
def test_axe_finds_nothing(visit, scripted, theme, width):
    page = visit(scripted[0], width=width, theme=theme)
    page.wait_for_selector(".lane-exact.yes")
    for state, script in STATES.items():
        page.evaluate(f"mtp.store.set({{course: null, lecture: false}}); {script}; null")
        page.wait_for_timeout(400)
        assert _violations(page) == [], state
        page.evaluate("document.querySelector('dialog')?.close()")
