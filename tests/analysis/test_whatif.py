"""The what-if: known costs come back out, limits hold, and what a run measured is predicted nearly."""

import math

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mtpviz.analysis import passes, whatif
from mtpviz.analysis.cards import CARDS, card_named, card_of
from mtpviz.analysis.cost import chain_tau
from mtpviz.analysis.ranks import Ranks, best_tau, ranks
from mtpviz.analysis.whatif import Choice
from mtpviz.trace import Trace
from mtpviz.ui.recorded import first_race
from tests.traces import example_race, make_run, make_step, races

LLAMA8 = passes.MODELS["Llama-3.1-8B"]


def test_the_shapes_have_their_models_sizes():
    """Parameters as published: 8.03 billion, 70.55, 1.24 (tied), 0.596 (tied); norms are left out."""
    told = {name: passes.stored_weights(shape) / 1e9 for name, shape in passes.MODELS.items()}
    assert told == pytest.approx({"Qwen3-0.6B": 0.596, "Llama-3.2-1B": 1.236, "Llama-3.1-8B": 8.03,
                                  "Llama-3.3-70B": 70.55}, rel=2e-3)
    assert passes.cache_bytes(LLAMA8, 2) == 131072  # 128 KiB a position


def test_a_pass_waits_for_memory_then_for_arithmetic():
    h200 = card_named("H200 SXM")
    few, bound = whatif.card_ms(LLAMA8, 2, h200, 1, 1, 0)
    launches = whatif.LAUNCH_MS * whatif.KERNELS * 32
    assert bound == "memory" and few - launches == pytest.approx(15.0 / 4.8 / 0.7, rel=0.01)  # 15.0 GB are read
    assert whatif.card_ms(LLAMA8, 2, h200, 1, 64, 0)[0] == few
    many, bound = whatif.card_ms(LLAMA8, 2, h200, 1, 4096, 0)
    assert bound == "compute" and many > 10 * few
    assert whatif.card_ms({**LLAMA8, "hidden": 64, "inner": 64, "vocab": 64}, 2, h200, 1, 1, 0)[1] == "launches"


def test_cards_are_known_by_the_name_of_a_run():
    assert card_of(make_run(hardware="NVIDIA H100 80GB HBM3")).name == "H100 SXM"
    assert card_of(make_run(hardware="NVIDIA A100-SXM4-80GB")).name == "A100 80 GB SXM"
    assert card_of(make_run(hardware="NVIDIA L4")).name == "L4" and card_of(make_run(hardware="NVIDIA L40S")) is None
    assert card_of(make_run(hardware="2-core AMD EPYC")) is None
    assert all(card.flops / card.bandwidth > 10 and card.source for card in CARDS)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.integers(0, 8))
def test_a_tree_of_one_branch_is_a_chain(alphas, nodes):
    measured = Ranks([[alpha] for alpha in alphas], [99] * len(alphas), [0.5])
    chain = (alphas + [alphas[-1]] * nodes)[:nodes]
    assert math.isclose(best_tau(measured, nodes, nodes), chain_tau(chain))


def test_the_best_tree_takes_the_worthiest_nodes():
    """Rates 0.6 and 0.3 at each depth: worths 0.6, 0.36, 0.3, 0.216, 0.18, 0.18."""
    measured = Ranks([[0.6, 0.3]], [99], [0.6, 0.3])
    assert [best_tau(measured, nodes, 9) for nodes in range(5)] == pytest.approx([1, 1.6, 1.96, 2.26, 2.476])
    assert best_tau(measured, 3, 1) == pytest.approx(1.9)  # two children of the root, and no more


def test_ranks_are_counted_by_draft_probability():
    """Two siblings of one probability keep their order; the second one is taken once in two offers."""
    steps = [make_step(0, parents=(-1, -1), accepted=(1,)), make_step(1, parents=(-1, -1)), make_step(2)]
    told = ranks(Trace(make_run(), steps))
    assert told.offers == [2] and told.rates == [[0.0, 0.5]] and told.at(7) == told.pooled
    careful = ranks(Trace(make_run(), steps), careful=True)
    assert careful.offers[0] == 3 and careful.rates[0] == pytest.approx([0, 1 / 3])
    assert ranks(example_race()[0]) is None


def test_known_costs_come_back_out():
    """A race whose passes cost 4 + 0.5 a draft, drafts 1 a level: a chain of two, priced by another lane."""
    def lane(name, depth, count):
        steps, clock = [], 6.0
        for index in range(count):
            verify, draft = 4 + 0.5 * depth, 1.0 * depth
            clock += verify + draft
            steps.append(make_step(index, parents=range(-1, depth - 1), accepted=range(depth // 2), clock=clock,
                                   times=(draft, verify, 0, 0)))
        return Trace(make_run(name, name), steps)

    race = [lane("ntp", 0, 8), lane("a", 2, 6), lane("b", 4, 5)]
    told = whatif.lane(race[1], race)
    assert [*told.table[0], *told.table[1]] == pytest.approx([1, 4, 5, 6])
    found = whatif.present(told)
    assert (found.verify, found.draft, found.rest) == pytest.approx((5 / 4, 2 / 4, 0))
    assert whatif.error(told) == pytest.approx(0, abs=1e-9)
    batch = whatif.predict(told, Choice(batch=4, length=2, nodes=2))
    assert batch.plain_ms == pytest.approx(5.5) and batch.bound == "extended"  # 12 rows: 9.5 on the same slope
    assert batch.verify == pytest.approx(9.5 / 5.5)


def test_what_surrounds_a_plain_pass_is_part_of_its_price():
    """Plain steps of 4 ms with 1 ms around the pass; drafted passes of 5 ms: 2 tokens in 6 ms against 2 in 10."""

    def lane(name, parents, verify, count):
        return Trace(make_run(name, name), [make_step(i, parents=parents, accepted=range(len(parents)),
                                                      times=(0, verify, 0.5, 0.5), clock=6 + (i + 1) * (1 + verify))
                                            for i in range(count)])

    race = [lane("ntp", (), 4.0, 8), lane("a", (-1,), 5.0, 4), lane("b", (-1,), 5.0, 4)]
    told = whatif.lane(race[1], race)
    assert told.measured == pytest.approx(10 / 6) and whatif.error(told) == pytest.approx(0, abs=1e-9)


def test_more_rows_never_cost_less():
    """One slow plain pass beside quick passes over drafts: noise, which must not make the price of rows fall."""
    def lane(name, parents, verify, count):
        draft = len(parents)
        return Trace(make_run(name, name), [make_step(i, parents=parents, times=(draft, verify, 0, 0),
                                                      clock=6 + (i + 1) * (draft + verify)) for i in range(count)])

    race = [lane("ntp", (), 10.0, 1), lane("a", (-1,), 3.0, 4), lane("b", (-1, 0, 1), 2.0, 4)]
    found = whatif.predict(whatif.lane(race[1], race), Choice(batch=64, length=2, nodes=8))
    assert found.plain_ms == 10.0 and found.verify == 1.0 and found.speedup > 0


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(races(), st.integers(1, 16), st.integers(1, 64), st.integers(1, 64))
def test_any_race_gives_finite_predictions(race, length, nodes, batch):
    for trace in race:
        told = whatif.lane(trace, race)
        if told is None:
            continue
        assert math.isfinite(whatif.error(told))
        for card in ("", "L4"):
            found = whatif.predict(told, Choice(card, "", batch, length, max(nodes, length)))
            assert 1 <= found.tau_low <= found.tau <= 1 + max(nodes, length) and found.plain_ms > 0
            assert 0 <= found.speedup_low <= found.speedup < math.inf and found.tokens_per_s > 0


def test_the_recorded_race_is_predicted_within_a_tenth():
    race = first_race()
    told = [whatif.lane(trace, race) for trace in race]
    assert any(told) and all(abs(whatif.error(entry)) < 0.1 for entry in told if entry)
