"""The rooms and their order (design): a module imports from its own room and from rooms below it, never upwards."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# From top to bottom. A room may import those that stand after it in the list; modules at the package's top are rooms.
ROOMS = ["__main__", "commands", "ui", "export", "plots", "serving", "training", "bench", "race", "peers", "strategies",
         "heads", "engine", "models", "kernels", "gallery", "foreign", "analysis", "discover", "limits", "chinese",
         "strings", "trace", "errors"]
# Third-party libraries that only some rooms may import.
ONLY = {"gradio": {"ui"}, "plotly": {"ui", "plots", "export"}, "triton": {"kernels", "bench"},
        "torch": {"ui", "commands", "training", "bench", "race", "peers", "strategies", "heads", "engine", "models",
                  "kernels"}}


def _imports(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _modules():
    for path in sorted((ROOT / "mtpviz").rglob("*.py")):
        room = path.relative_to(ROOT / "mtpviz").parts[0].removesuffix(".py")
        if room != "__init__":
            yield path, room


def test_every_room_is_on_the_list():
    assert {room for _, room in _modules()} <= set(ROOMS)


def test_dependencies_point_down():
    upwards = []
    for path, room in _modules():
        for name in _imports(path):
            parts = name.split(".")
            if parts[0] == "mtpviz" and len(parts) > 1 and ROOMS.index(parts[1]) < ROOMS.index(room):
                upwards.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not upwards, upwards


def test_libraries_stay_in_their_rooms():
    strays = []
    for path, room in _modules():
        for name in _imports(path):
            library = name.split(".")[0]
            if library in ONLY and room not in ONLY[library]:
                strays.append(f"{path.relative_to(ROOT)} imports {library}")
    assert not strays, strays


def test_top_level_is_the_agreed_one():
    import subprocess

    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    allowed = {"app.py", "requirements.txt", "mtpviz", "assets", "tests", "README.md", "LICENSE", "pyproject.toml",
               "packages.txt"}
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.startswith(".")} <= allowed
