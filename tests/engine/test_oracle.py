"""The oracle tree: the most probable continuations, found by trying all of them; and no drafter's tree beats it."""

import numpy as np
import pytest

from mtpviz.engine.loop import Decoder
from mtpviz.engine.oracle import _committed, best_tree, compare
from mtpviz.engine.sampling import Sampling
from mtpviz.race import make_drafter
from tests.models.sentences import sentence

WARM = Sampling(temperature=0.8, top_k=3, seed=4)


def decode(session, spec, sampling, tokens=40):
    decoder = Decoder(session, make_drafter(spec, session, sampling), "the fox and the", sampling, tokens)
    decoder.prefill()
    while not decoder.done:
        decoder.step()
    return decoder.trace


def test_it_holds_the_most_probable_paths_of_all(session):
    """With three candidates a position, every path of up to three tokens is tried."""
    tokens = session.tokenizer.encode("the fox and the river")
    cache, root = _committed(session.target, tokens[:-1]), tokens[-1]
    tree, chances = best_tree(session.target, cache, root, WARM, 6)
    assert len(tree) == 6 and chances == sorted(chances, reverse=True) and (tree.sources == tree.depths).all()

    def after(path):
        fresh = _committed(session.target, [*tokens, *path][:-1])
        row = np.array([[*tokens, *path][-1]])
        out = session.target.forward(fresh, row, np.array([-1]), np.array([fresh.length]))
        return WARM.distribution(out.logits[0])

    known = {(): 1.0}
    for depth in range(3):
        for path in [path for path in known if len(path) == depth]:
            dist = after(path)
            known |= {(*path, int(token)): known[path] * float(dist[token]) for token in np.flatnonzero(dist)}
    best = sorted((chance for path, chance in known.items() if path), reverse=True)[:6]
    if max(tree.depths) <= 3:
        assert chances == pytest.approx(best, rel=1e-4)
    for node, chance in enumerate(chances):
        path = tuple(int(tree.tokens[i]) for i in tree.path(node))
        assert len(path) > 3 or known[path] == pytest.approx(chance, rel=1e-4)


def test_greedy_it_is_the_text_itself(session):
    trace = decode(session, "draft:tree=dynamic:nodes=6", Sampling())
    for index in (0, 3):
        found = compare(session, trace, index, 8)
        step = trace.steps[index]
        text = [token for later in trace.steps[index:] for token in later.emitted]
        assert found.tree.tokens.tolist() == text[:8] and found.best == pytest.approx(9.0)
        assert found.drafted == pytest.approx(found.realised) == len(step.accepted) + 1


@pytest.mark.parametrize("spec", ["draft:tree=dynamic:nodes=6", "mtp:tree=opt:nodes=5", "lookup"])
def test_no_drafted_tree_is_better(session, spec):
    trace = decode(session, spec, WARM)
    steps = [step.index for step in trace.steps if step.nodes][:6]
    for index in steps:
        found = compare(session, trace, index)
        assert len(found.tree) <= len(trace.steps[index].nodes)
        assert 1.0 <= found.drafted <= found.best * (1 + 1e-5) and found.realised >= 1
        probs = [node.target_prob for node in trace.steps[index].nodes]
        chances = []
        for node, prob in zip(trace.steps[index].nodes, probs, strict=True):
            chances.append(prob * (1.0 if node.parent < 0 else chances[node.parent]))
        assert found.drafted == pytest.approx(1 + sum(chances), rel=1e-3)
    assert steps


def test_a_drawn_tree_has_no_expectation_here(session):
    trace = decode(session, "draft:propose=sample:depth=3", Sampling(temperature=1.0, seed=2))
    assert compare(session, trace, 0).drafted is None


def test_what_cannot_be_compared_is_told(session):
    trace = decode(session, "draft", Sampling(), 10)
    assert "no step 99" in sentence(compare, session, trace, 99)
    for nodes in (0, 64):
        assert "from 1 to 63" in sentence(compare, session, trace, 0, nodes)
    trace.run.model = trace.run.model | {"hash": "0" * 16}
    assert "not of the model that is open" in sentence(compare, session, trace, 0)
