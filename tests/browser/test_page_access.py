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
    "course": "mtp.learn.open('verdict')",
    "papers": "mtp.learn.open('published')",
    "reading": "mtp.learn.open('reading')",
    "lecture": "mtp.learn.open('cost'); mtp.lecture.toggle()",
    "keys": "mtp.help.open()",
    "chinese": "mtp.language.choose('zh')",
    "figures": "mtp.go('figures')",
}


def _violations(page) -> list[str]:
    found = Axe().run(page, context={"exclude": [[".js-plotly-plot"]]}, options=OPTIONS).response["violations"]
    return [
        f"{entry['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for entry in found
        for node in entry["nodes"]
    ]


@pytest.mark.parametrize(
    ("theme", "width", "states"),
    [
        ("light", 1440, tuple(STATES)),
        ("dark", 1440, ("opening", "course", "lecture")),
        ("light", 390, ("opening", "course", "papers")),
    ],
)
def test_axe_finds_nothing(visit, scripted, theme, width, states):
    page = visit(scripted[0], width=width, theme=theme)
    page.wait_for_selector(".lane-exact.yes")
    for state in states:
        page.evaluate(f"mtp.store.set({{course: null, lecture: false}}); {STATES[state]}; null")
        page.wait_for_timeout(300)
        assert _violations(page) == [], state
        page.evaluate("document.querySelector('dialog')?.close()")


def test_the_tab_key_reaches_everything_and_shows_where_it_is(visit, scripted):
    page = visit(scripted[0])
    page.wait_for_selector(".lane-exact.yes")
    page.evaluate("mtp.learn.open('verdict')")
    wanted = [
        *(f".nav-item:nth-of-type({place})" for place in (1, 2)),
        "#mtp-prompt",
        ".chip.preset",
        "#mtp-start",
        "button[lang=zh-CN]",
        ".lane-name",
        ".lane-speed",
        ".lane-facts .term",
        ".lane-exact .term",
        ".lane-text",
        "#mtp-ghosts",
        ".tree .node.root",
        ".play",
        ".rate select",
        ".track input",
        ".help-button",
        ".learn select",
        ".learn .next",
        ".learn-keys .chip:last-child",
    ]
    page.wait_for_function("document.activeElement.tagName === 'H2'")
    page.evaluate("document.activeElement.blur()")
    reached, unseen = set(), []
    for _ in range(260):
        page.keyboard.press("Tab")
        found, seen, name = page.evaluate(
            """(wanted) => {
              const node = document.activeElement, around = node.closest(".prompt-box, .learn-count");
              const lit = [node, around].some((part) => part && getComputedStyle(part).outlineStyle !== "none");
              const rect = node.matches("g.node") && getComputedStyle(node.querySelector("rect"));
              const seen = lit || (rect && parseFloat(rect.strokeWidth) >= 2);
              return [wanted.filter((one) => node.matches(one)), seen, node.outerHTML.slice(0, 90)];
            }""",
            wanted,
        )
        reached.update(found)
        if not seen and "<body" not in name:
            unseen.append(name)
        if len(reached) == len(wanted):
            break
    assert reached == set(wanted), set(wanted) - reached
    assert not unseen
