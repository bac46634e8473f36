"""DUQ: closed forms on toy problems, and the mistakes that published implementations made."""

import math

import pytest
import torch
import torch.nn.functional as F

from softcifar.methods.duq import DUQ, Kernels
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.training.loop import train
from tests.methods.helpers import DUQ_SMALL, MANIFEST, chosen
from tests.training.helpers import CPU, make_task, no_progress


def kernels() -> tuple[Kernels, torch.Tensor]:
    torch.manual_seed(0)
    return Kernels(6, 3, 5, 0.3), torch.randn(8, 6)


def test_log_kernels_have_the_papers_form():
    layer, features = kernels()
    for number in range(3):
        embedded = features @ layer.weight[number].T
        centroid = layer.total[number] / layer.count[number]
        kernel = torch.exp(-((embedded - centroid) ** 2).mean(dim=1) / (2 * 0.3**2))
        torch.testing.assert_close(layer(features)[:, number].exp(), kernel)


def test_centroids_are_moving_averages_with_fractional_counts():
    layer, features = kernels()
    targets = torch.tensor([[0.5, 0.25, 0.25]]).expand(8, 3)
    count, total = layer.count.clone(), layer.total.clone()
    layer.move(features, targets, 0.9)
    torch.testing.assert_close(layer.count, 0.9 * count + 0.1 * torch.tensor([4.0, 2.0, 2.0]))
    sums = torch.stack([targets[0, k] * (features @ layer.weight[k].T).sum(dim=0) for k in range(3)])
    torch.testing.assert_close(layer.total, 0.9 * total + 0.1 * sums)


def test_initial_weights_and_centroids_are_the_authors():
    torch.manual_seed(0)
    layer = Kernels(512, 10, 256, 0.1)
    assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / (10 * 512)), rel=0.01)
    assert set(layer.count.tolist()) == {13.0}
    assert (layer.total / layer.count[:, None]).std().item() == pytest.approx(0.05, rel=0.05)


def test_centroids_move_by_an_evaluation_pass_of_the_batch():
    method = DUQ(embedding=16, momentum=0.9)
    network = network_with(method)
    head = network.network.head
    pixels, targets = torch.rand(6, 3, 32, 32), torch.eye(2).repeat(3, 1)
    network(pixels)  # so that running statistics are not the batch's
    expected = network_with(method)
    expected.load_state_dict(network.state_dict())
    expected.eval()
    sums = torch.einsum("bk,bke->ke", targets, expected.network.head.embed(expected.features(pixels)))
    method.end_step(network, pixels, targets)
    torch.testing.assert_close(head.total, 0.9 * expected.network.head.total + 0.1 * sums)
    assert network.training
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), expected.parameters(), strict=True))
    assert torch.equal(network.network.stem.weight, expected.network.stem.weight)


def test_far_images_are_still_ranked():
    """1 - max k is 1 for all of them in float32."""
    method = DUQ(embedding=16)
    network = network_with(method).eval()
    score = method.scores(network, torch.rand(1, 3, 32, 32) * torch.tensor([1.0, 10.0, 30.0, 100.0])[:, None, None, None])
    assert (score["kernel"].diff() > 0).all()
    assert (-torch.expm1(-score["kernel"][1:])).unique().tolist() == [1.0]


def network_with(method: DUQ):
    options = {"embedding": method.embedding, "length_scale": method.length_scale}
    return classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=Chosen(name="duq", options=options)).train()


def test_the_loss_is_binary_cross_entropy_of_the_kernels():
    method = DUQ(embedding=16, length_scale=2.0, gradient_penalty=0.0)
    network = network_with(method)
    pixels, targets = torch.rand(6, 3, 32, 32), torch.rand(6, 2).softmax(dim=1)
    logits = network(pixels)
    expected = F.binary_cross_entropy(logits.exp(), targets, reduction="none").mean(dim=1)
    torch.testing.assert_close(method.loss(network, pixels, logits, targets, base=None), expected)


def test_kernels_of_one_and_of_zero_have_finite_gradients():
    logits = torch.tensor([[0.0, -1e4]], requires_grad=True)
    method = DUQ(gradient_penalty=0.0)
    loss = method.loss(None, None, logits, torch.tensor([[0.2, 0.8]]), base=None).mean()
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_the_penalty_reaches_the_weights_and_is_two_sided():
    pixels, targets = torch.rand(6, 3, 32, 32).requires_grad_(), torch.eye(2).repeat(3, 1)
    found = {}
    for strength in (0.0, 0.5):
        method = DUQ(embedding=16, length_scale=2.0, gradient_penalty=strength)
        network = network_with(method)
        loss = method.loss(network, pixels, network(pixels), targets, base=None).mean()
        loss.backward()
        found[strength] = loss.item(), network.network.stem.weight.grad.clone()
    assert (found[0.5][1] - found[0.0][1]).abs().max() > 1e-6
    logits = network(pixels)
    (slope,) = torch.autograd.grad(logits.exp().sum(), pixels)
    norms = (slope * torch.tensor(MANIFEST["std"]).view(3, 1, 1)).flatten(1).norm(dim=1)
    assert found[0.5][0] - found[0.0][0] == pytest.approx(0.5 * ((norms - 1) ** 2).mean().item(), rel=1e-3)


def test_centroids_are_those_of_training(splits, tmp_path):
    """The trap: a centroid that is never updated."""
    fresh = classifier(Chosen(name="resnet8"), splits[2], seed=0, method=chosen(DUQ_SMALL))
    trained = train(make_task(splits, method=DUQ_SMALL, epochs=1), CPU, tmp_path / "state", no_progress).best
    name = "network.head.total"
    assert (trained[name] - fresh.state_dict()[name]).abs().max() > 1e-3
