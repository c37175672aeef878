import torch
import torch.nn.functional as F

from mtpviz.training import loss
from mtpviz.training.loss import cross_entropy, distillation_loss


def leaves():
    torch.manual_seed(0)
    features = torch.randn(11, 8, requires_grad=True)
    weight = torch.randn(20, 8, requires_grad=True)
    return features, weight, torch.randint(0, 20, (11,))


def gradients(value, *tensors):
    return torch.autograd.grad(value, tensors)


def test_cross_entropy_and_its_gradient_equal_the_plain_form(monkeypatch):
    monkeypatch.setitem(loss.CHUNK, "cpu", 4)
    features, weight, targets = leaves()
    ours = cross_entropy(features, weight, targets, torch.float32)
    plain = F.cross_entropy(features @ weight.T, targets)
    torch.testing.assert_close(ours, plain)
    for a, b in zip(
        gradients(3 * ours, features, weight), gradients(3 * plain, features, weight), strict=True
    ):
        torch.testing.assert_close(a, b)


def test_distillation_is_kl_plus_cross_entropy_up_to_the_teachers_entropy(monkeypatch):
    monkeypatch.setitem(loss.CHUNK, "cpu", 4)
    features, weight, targets = leaves()
    teacher_features, teacher_weight = torch.randn(11, 6), torch.randn(20, 6)
    ours = distillation_loss(
        features, weight, targets, teacher_features, teacher_weight, data_share=0.1, dtype=torch.float32
    )
    logits = features @ weight.T
    p = (teacher_features @ teacher_weight.T).softmax(-1)
    entropy = -(p * p.log()).sum(-1).mean()
    kl = F.kl_div(logits.log_softmax(-1), p, reduction="batchmean")
    plain = 0.9 * kl + 0.1 * F.cross_entropy(logits, targets)
    torch.testing.assert_close(ours, plain + 0.9 * entropy)
    for a, b in zip(gradients(ours, features, weight), gradients(plain, features, weight), strict=True):
        torch.testing.assert_close(a, b)
