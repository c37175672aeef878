"""`bench engine` where there is no GPU: one sentence; and what its report makes of a section that fails."""

import argparse
from types import SimpleNamespace

import pytest

from mtpviz.bench import engine
from mtpviz.bench.device.probe import MODELS, Findings, cache_bytes, goal, weight_bytes
from mtpviz.bench.harness import Bench
from mtpviz.bench.report import Table
from tests.models.sentences import sentence


def bench(session, *options: str) -> Bench:
    parser = argparse.ArgumentParser()
    engine.add_arguments(parser)
    return Bench(parser.parse_args(options), lambda dtype: session, lambda line: None)


@pytest.fixture
def gpu_session(session, monkeypatch):
    monkeypatch.setattr(session, "gpu", SimpleNamespace(plan={"weights": 1}, device="cpu", clock=None, name="a GPU"))
    return session


def test_without_a_gpu_it_is_one_sentence(session):
    assert "--device cuda" in sentence(engine.run, bench(session))
    assert "'steeps'" in sentence(engine.run, bench(session, "--sections", "steeps"))


def test_bad_models_and_contexts_are_told(gpu_session):
    assert "'GPT-5'" in sentence(engine.run, bench(gpu_session, "--models", "GPT-5"))
    for contexts in ("many", "0", "512,99999"):
        assert "contexts" in sentence(engine.run, bench(gpu_session, "--contexts", contexts))


def test_a_section_that_fails_is_reported_and_the_rest_goes_on(gpu_session, monkeypatch):
    def section(name):
        def run(probe):
            if name == "checks":
                raise RuntimeError("CUDA error: an illegal memory access was encountered")
            return Findings([Table(name, [{"x": 1.0}])], [goal("x", least=2, measured=1.0)])
        return run

    monkeypatch.setattr(engine, "_section", section)
    report = engine.run(bench(gpu_session, "--sections", "ceilings,checks,steps"))
    assert not report.passed and [table.title for table in report.tables] == ["ceilings", "steps"]
    assert "illegal memory access" in report.sections["checks"]["error"]
    assert "illegal memory access" in report.markdown() and "not met" in report.markdown()
    report = engine.run(bench(gpu_session, "--sections", "ceilings", "--minutes", "0"))
    assert "time was up" in report.sections["ceilings"]["error"]


def test_every_section_is_there():
    assert all(callable(engine._section(name)) for name in engine.SECTIONS)


def test_the_bytes_of_a_step_are_those_that_are_read():
    """Llama-3.1-8B: 15.0 GB without the input embedding, which no step reads as a whole."""
    assert weight_bytes(MODELS["Llama-3.1-8B"], 2) == pytest.approx(15.0e9, rel=0.005)
    assert weight_bytes(MODELS["Qwen3-1.7B"], 2) == pytest.approx(3.44e9, rel=0.01)
    assert weight_bytes(MODELS["Qwen3-0.6B"], 2) == pytest.approx(1.19e9, rel=0.01)
    assert cache_bytes(MODELS["Llama-3.1-8B"], 8192, 2) == 8192 * 2 * 2 * 32 * 8 * 128
