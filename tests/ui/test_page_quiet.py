"""Waiting for a quiet machine: it ends when others rest, gives up on those who do not, and never waits in the dark."""

import time

import pytest

from mtpviz.ui import quiet

LOAD = "0.10 0.20 0.30 {running}/106 4242\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """machine(running): how many tasks run now, this one among them; machine(None): the system does not tell."""
    monkeypatch.setattr(quiet, "LOAD", tmp_path / "loadavg")

    def tell(running: int | None) -> None:
        quiet.LOAD.unlink(missing_ok=True)
        if running is not None:
            quiet.LOAD.write_text(LOAD.format(running=running))

    return tell


def _took(waiting: quiet.Quiet) -> float:
    start = time.monotonic()
    waiting.wait()
    return time.monotonic() - start


def test_a_machine_at_rest_is_waited_for_briefly(machine):
    machine(1)
    assert quiet.LOOK_SECONDS * (quiet.LOOKS - 1) <= _took(quiet.Quiet(60.0)) < 30


def test_a_machine_that_stays_busy_is_given_up_on_sooner_each_time_until_it_rests(machine):
    waiting = quiet.Quiet(0.08)
    machine(3)
    assert _took(waiting) >= 0.08 and waiting.patience == 0.04
    waiting.wait()
    assert waiting.patience == 0.02
    waiting.patience = 60.0
    machine(1)
    waiting.wait()
    assert waiting.patience == 0.08


@pytest.mark.parametrize("running", [None, "many"])
def test_where_nothing_is_told_nothing_is_waited_for(machine, running):
    machine(running)
    waiting = quiet.Quiet(60.0)
    assert _took(waiting) < 30 and waiting.patience == 60.0
