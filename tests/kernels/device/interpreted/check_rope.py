import pytest
import torch
from poison import poisoned

from mtpviz.kernels.device.rope import place, rotate_reference


@pytest.mark.parametrize(("heads", "kv", "head_dim", "norms"), [(4, 1, 64, False), (2, 2, 80, True), (8, 1, 128, True)])
def test_queries_keys_and_values(draw, dtype, near, heads, kv, head_dim, norms):
    batch, rows, slots, first = 3, 4, 40, 2
    angles = draw(64, head_dim // 2)
    cos, sin = angles.cos(), angles.sin()
    qkv = draw(batch * rows, (heads + 2 * kv) * head_dim, dtype=dtype)
    q_norm, k_norm = (draw(head_dim, dtype=dtype) if norms else None for _ in range(2))
    positions = torch.randint(0, 64, (batch, first + rows), dtype=torch.int32, generator=draw.generator)
    lengths, counts = torch.tensor([0, 7, 30], dtype=torch.int32), torch.tensor([6, 5, 2], dtype=torch.int32)
    query = poisoned(batch * rows, heads, head_dim, dtype=dtype)
    keys, values = (poisoned(batch, kv, slots, head_dim, dtype=dtype) for _ in range(2))
    place(qkv, query, keys, values, cos, sin, positions, lengths, counts, 1e-6, q_norm, k_norm, first)

    at = positions[:, first:].flatten()
    q, k, v = qkv.reshape(batch * rows, -1, head_dim).split([heads, kv, kv], 1)
    near(query, rotate_reference(q, cos, sin, at, 1e-6, q_norm))
    k = rotate_reference(k, cos, sin, at, 1e-6, k_norm).reshape(batch, rows, kv, head_dim)
    v = v.reshape(batch, rows, kv, head_dim)
    written = torch.zeros(batch, slots, dtype=torch.bool)
    for b in range(batch):
        for row in range(max(int(counts[b]) - first, 0)):
            slot = int(lengths[b]) + first + row
            if row < rows:
                near(keys[b, :, slot], k[b, row])
                assert torch.equal(values[b, :, slot], v[b, row])
                written[b, slot] = True
    assert torch.equal(~keys.isnan().any(-1).any(1), written)  # padding rows write nowhere
