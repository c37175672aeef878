"""The small operations between the passes: embedding, gathering, feeding, weighing."""

import pytest
import torch
from check_attention import random_parents
from poison import DEVICE, poisoned

from mtpviz.kernels.device.embed import embed, embed_reference
from mtpviz.kernels.device.feed import feed, feed_reference
from mtpviz.kernels.device.gather import gather, gather_last, gather_reference
from mtpviz.kernels.device.vocab import VocabScratch, top_tokens
from mtpviz.kernels.device.weigh import weigh_probs, weigh_reference, weigh_rows


def test_embeds_the_rows_of_a_block(draw, dtype):
    table, tokens = draw(37, 20, dtype=dtype), torch.randint(0, 37, (3, 7), generator=draw.generator).int()
    for first in (0, 4):
        out = poisoned(3 * (7 - first), 20, dtype=torch.float32)
        embed(tokens, table, out, first)
        assert torch.equal(out, embed_reference(tokens[:, first:], table).float())


def test_gathers_the_path(draw, dtype):
    x, kept = draw(3 * 9, 40, dtype=dtype), torch.tensor([3, 0, 1]).int()
    path = torch.stack([torch.randperm(9, generator=draw.generator)[:5].sort()[0] for _ in range(3)]).int()
    out, last = poisoned(3 * 4, 40, dtype=torch.float32), poisoned(3, 40, dtype=torch.float32)
    gather(x, path, kept, out)
    gather_last(x, path, kept, last)
    for b, rows in enumerate(gather_reference(x, path, kept)):
        mine = out.view(3, 4, 40)[b]
        assert torch.equal(mine[: kept[b]], rows.float()) and mine[kept[b] :].isnan().all()
        assert torch.equal(last[b], rows[-1].float()) if kept[b] else last[b].isnan().all()


@pytest.mark.parametrize("root", [False, True])
def test_feeds_what_has_not_been_run(draw, root):
    text = torch.randint(0, 99, (4, 30), generator=draw.generator).int()
    seen, lengths = torch.tensor([0, 5, 9, 10]).int(), torch.tensor([3, 9, 9, 9]).int()
    tokens, parents = (poisoned(4, 3, dtype=torch.int32) for _ in range(2))
    counts, after = (poisoned(4, dtype=torch.int32) for _ in range(2))
    feed(text, seen, lengths, tokens, parents, counts, root, after)
    for b, expected in enumerate(feed_reference(text, seen, lengths, 3, root)):
        assert tokens[b, : counts[b]].tolist() == expected
        assert after[b] == min(seen[b], lengths[b]) + len(expected)
    assert parents.tolist() == [[-1, 0, 1]] * 4


def test_weighs_drafted_tokens_with_and_without_written_distributions(draw, dtype, near):
    batch, rows, width, vocab = 2, 5, 24, 70
    normed, head = draw(batch * rows, width, dtype=dtype), draw(vocab, width, dtype=dtype)
    parents = random_parents(draw, batch, rows)
    parents[:, 1:] = parents[:, 1:].clamp(min=0)
    tokens, wanted = (torch.randint(0, vocab, (batch, rows), generator=draw.generator).int() for _ in range(2))
    counts = torch.tensor([rows, 2]).int()
    best, probs, lse = torch.zeros(10, 1).int(), torch.zeros(10, 1), torch.zeros(10)
    top_tokens(normed, head, best, probs, lse, VocabScratch(DEVICE, 10, vocab, 1))
    full = (normed.double() @ head.double().T).softmax(-1)
    expected = weigh_reference(full.view(batch, rows, vocab), tokens, parents, counts)
    by_rows, by_probs, own = (poisoned(batch, rows, dtype=torch.float32) for _ in range(3))
    weigh_rows(normed, head, lse, tokens, parents, counts, by_rows)
    weigh_probs(full.float(), wanted, tokens, parents, counts, by_probs, own)
    for b, count in enumerate(counts.tolist()):
        for out in (by_rows, by_probs):
            near(out[b, 1:count], torch.tensor(expected[b]))
            assert out[b, count:].isnan().all() and out[b, 0].isnan()
    assert torch.equal(own.flatten(), full.float().gather(1, wanted.flatten()[:, None].long())[:, 0])
