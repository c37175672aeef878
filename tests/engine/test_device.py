"""What of the device path can be judged without a device: sentences, plans, and the choice of shapes."""

from dataclasses import replace

import pytest
import torch

from mtpviz.discover import device_strategies, strategies
from mtpviz.engine.batch import decode_batch
from mtpviz.engine.budget import PassCost
from mtpviz.engine.device import memory
from mtpviz.engine.device.drafter import Shape
from mtpviz.engine.sampling import Sampling
from mtpviz.engine.session import pick_device, pick_dtype
from mtpviz.errors import UserError
from mtpviz.kernels import device
from mtpviz.models.config import ModelConfig
from mtpviz.models.gpu import GpuModel
from mtpviz.models.weights import random
from mtpviz.strategies.device._auto import Auto
from mtpviz.trace import Node, Row, Step
from tests.models.sentences import sentence

CONFIG = ModelConfig(vocab=64, hidden=32, layers=2, heads=2, kv_heads=1, head_dim=16, inner=48, context=128)


@pytest.fixture
def gpu(monkeypatch):
    """Stands in for the GPU that PyTorch would see."""
    def show(capability=(9, 0), available=True, hip=None, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
        monkeypatch.setattr(torch.version, "hip", hip)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    return show


def test_every_strategy_has_a_device_form_that_is_called_and_set_as_the_host_s():
    assert set(device_strategies()) == set(strategies())
    for name, form in device_strategies().items():
        host = strategies()[name]
        assert [getattr(form, field) for field in ("name", "title", "blurb", "order", "settings")] == \
            [getattr(host, field) for field in ("name", "title", "blurb", "order", "settings")]


def test_auto_takes_a_gpu_that_can_be_used(gpu):
    gpu()
    assert device.why_not() is None and pick_device("auto") == pick_device("cuda") == "cuda"
    assert pick_device("cpu") == "cpu" and pick_dtype("auto", "cuda")[0] == "bf16"


@pytest.mark.parametrize(("seen", "says"), [
    ({"capability": (7, 5)}, "8.0 or newer, and this GPU has 7.5"), ({"hip": "6.2"}, "AMD"),
    ({"available": False, "mps": True}, "Apple"), ({"available": False}, "NVIDIA GPU that PyTorch can see")])
def test_a_gpu_that_cannot_be_used_is_one_sentence_and_the_cpu(gpu, seen, says):
    gpu(**seen)
    assert says in sentence(pick_device, "cuda") and "--device cpu" in sentence(pick_device, "cuda")
    assert pick_device("auto") == "cpu"


def test_the_interpreter_is_never_chosen_by_itself_and_refuses_bf16(gpu, monkeypatch):
    gpu(available=False)
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert pick_device("auto") == "cpu" and pick_device("cuda") == "cuda"
    assert pick_dtype("auto", "cuda")[0] == "fp32" and "fp32" in sentence(pick_dtype, "bf16", "cuda")


def test_a_plan_tells_the_bytes_that_are_taken():
    weights = random(CONFIG)
    planned, real = (GpuModel(CONFIG, weights, torch.float32, where) for where in ("meta", "cpu"))
    assert memory.footprint(planned) == memory.footprint(real)
    assert memory.footprint(planned) > 4 * CONFIG.parameters  # the rotary tables too
    cache, plan = real.new_cache(256, 2), real.planned().new_cache(256, 2)
    assert memory.footprint(plan) == memory.footprint(cache) > 2 * 4 * 2 * 2 * 256 * 16
    assert memory.footprint(real.planned().buffers(1)) == memory.footprint(real.buffers(1))


def test_a_plan_of_a_draft_counts_what_is_its_own():
    weights = random(CONFIG)
    target, draft = GpuModel(CONFIG, weights, torch.float32, "cpu"), replace(weights, layers=weights.layers[:1])
    config = replace(CONFIG, layers=1)
    planned, real = (GpuModel(config, draft, torch.float32, where, target) for where in ("meta", "cpu"))
    assert real.head is target.head and memory.footprint(planned) == memory.footprint(real)
    own = memory.footprint(real) - memory.footprint(target.embedding, target.head)
    assert 0 < own < memory.footprint(target) / 2
    told, cache = memory.caches([real], 256, 3), real.new_cache(256, 3)
    assert told == {"the draft's caches": memory.footprint(cache),
                    "the draft's buffers": memory.footprint(real.buffers(3))}
    assert memory.padded(1) == memory.padded(256) == 256 and memory.padded(257) == 512


def test_what_does_not_fit_is_one_sentence_with_the_numbers(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: 10 * 10**9)
    memory.check("The target model", {"weights": 9 * 10**9})
    said = sentence(memory.check, "The target model", {"weights": 16 * 10**9, "buffers": 10**8})
    assert "16.0 GB of weights" in said and "10.0 GB are free" in said


def test_a_batch_on_a_cpu_is_told(session):
    with pytest.raises(UserError, match="one by one"):
        decode_batch(session, None, ["the fox"], Sampling(), 4)


def step(accepted: int, depth: int, ms: float, draft_ms: float | None = None) -> Step:
    nodes = [Node(1, i - 1, i + 1) for i in range(depth)]
    times = {"draft": depth * 0.1 if draft_ms is None else draft_ms, "verify": ms, "commit": 0.0, "host": 0.0}
    return Step(0, 0, 0, nodes, [Row(0)] * (depth + 1), list(range(accepted)), 0, [0], [""], times, 0.0)


@pytest.mark.parametrize(("right", "least", "most"), [(16, 8, 16), (2, 2, 4), (0, 0, 1)])
def test_auto_finds_the_depth_that_pays(right, least, most):
    """A draft that is right `right` levels deep; a level costs a tenth of a pass."""
    shapes = [Shape()] + [Shape(depth, 15, 4) for depth in (1, 2, 3, 4, 6, 8, 12, 16)]
    auto, chosen = Auto(shapes, PassCost((1, 64), [1.0, 1.05]), free=False), []
    for _ in range(300):
        shape = auto.choose()
        chosen.append(shape.depth)
        auto.observe(step(min(right, shape.depth), shape.depth, 1.0))
    settled = sorted(chosen[150:])
    assert least <= settled[len(settled) // 2] <= most
    assert max(b - a for a, b in zip([-1, *(i for i, d in enumerate(chosen) if d)],
                                     [i for i, d in enumerate(chosen) if d], strict=False)) <= 16


def test_auto_goes_as_deep_as_heads_that_draft_all_levels_at_once_are_right():
    """Drafting costs half a pass whatever the depth: one level does not pay, all four do."""
    auto = Auto([Shape()] + [Shape(depth, 4 * depth, 4) for depth in (1, 2, 3, 4)], PassCost((1, 64), [1.0, 1.05]),
                free=True)
    chosen = []
    for _ in range(100):
        shape = auto.choose()
        chosen.append(shape.depth)
        auto.observe(step(min(3, shape.depth), shape.depth, 1.0, 0.5 * (shape.depth > 0)))
    assert sorted(chosen[50:])[25] >= 3
