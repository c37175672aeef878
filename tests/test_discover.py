"""Discovery: every module of a folder is an entry, in its order, and importing discover imports none of them."""

import subprocess
import sys

import plotly.graph_objects as go
import pytest

from mtpviz import discover
from mtpviz.errors import UserError


def test_import_is_cheap():
    code = "import sys, mtpviz.discover; print({'torch', 'plotly', 'pandas', 'gradio'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_plots_keep_their_contract():
    orders = [module.ORDER for module in discover.plots().values()]
    assert orders == sorted(orders) and len(set(orders)) == len(orders) >= 6
    for module in discover.plots().values():
        assert module.TITLE and module.ABOUT.endswith(".") and isinstance(module.figure([]), go.Figure)


def test_exports_keep_their_contract():
    assert {"csv", "parquet", "jsonl", "svg", "gif", "png"} <= set(discover.exports())
    assert all(module.SUFFIX.startswith(".") and callable(module.write) for module in discover.exports().values())


def test_strategies_keep_their_contract():
    for name, entry in discover.strategies().items():
        assert entry.name == name and entry.title and entry.blurb and isinstance(entry.order, int)


def test_pick():
    assert discover.pick("export", "csv").SUFFIX == ".csv"
    with pytest.raises(UserError, match="no plot 'pie'; the known ones are tokens_over_time, "):
        discover.pick("plot", "pie")


def test_a_package_that_is_absent_holds_nothing():
    assert discover._marked("mtpviz.nothing_here", "MARK") == []
