"""SWAG: moments against brute force, batch norm renewed, and a training that goes on to the same bytes."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from softcifar.errors import UserError
from softcifar.methods.prediction import predict_logits, to_pixels
from softcifar.methods.swag import SWAG, Collected, flat, renewed
from softcifar.models.classifier import classifier
from softcifar.params.chosen import Chosen
from softcifar.params.options import problems
from softcifar.params.sections import Student
from softcifar.training.loop import train
from tests.methods.helpers import MANIFEST, SWAG_SMALL, chosen
from tests.training.helpers import CPU, SMALL, Killed, make_task, no_progress, same

LAST = {"method": SWAG_SMALL, "checkpoint": "last"}
CHOSEN = chosen(SWAG_SMALL, checkpoint="last")


class Line(nn.Module):
    """A classifier of two weights and no statistics, with what SWAG keeps beside its last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Module()
        self.network.head = nn.Linear(3, 2)
        self.network.head = SWAG(start=1).head(3, 2)


def visited(steps: int, start: int, every: int) -> tuple[Collected, torch.Tensor]:
    """What SWAG collected of gradient descent on a noisy quadratic, and the weights after the steps that it takes."""
    torch.manual_seed(0)
    line, method, taken = Line(), SWAG(start=start, every=every, rank=5), []
    weights = list(line.parameters())
    for step in range(1, steps + 1):
        with torch.no_grad():
            for each in weights:
                each -= 0.3 * (each - 1) + 0.5 * torch.randn_like(each)
        method.end_step(line, None, None)
        if step in range(start, steps + 1, every):
            taken.append(flat(weights))
    return line.network.head.kept, torch.stack(taken).double()


@pytest.mark.parametrize(("steps", "start", "every"), [(60, 20, 3), (7, 1, 1), (50, 10, 40)])
def test_mean_and_covariance_are_those_of_the_weights_taken(steps, start, every):
    collected, taken = visited(steps, start, every)
    assert collected.count == len(taken)
    assert collected.steps == steps
    torch.testing.assert_close(collected.mean.double(), taken.mean(dim=0), rtol=1e-5, atol=1e-6)
    variance = taken.var(dim=0, correction=0)
    torch.testing.assert_close(collected.squares.double() / len(taken), variance, rtol=1e-4, atol=1e-6)
    deviations = [each - taken[: number + 1].mean(dim=0) for number, each in enumerate(taken)][-5:]
    low_rank = torch.stack(deviations).T @ torch.stack(deviations) / (len(deviations) - 1)
    kept = collected.deviations[: len(taken)].double()
    torch.testing.assert_close(kept.T @ kept / (len(kept) - 1), low_rank, rtol=1e-4, atol=1e-5)
    drawn = collected.draw(20_000, 1.0).double()
    spread = (variance.diag() + low_rank) / 2
    largest = spread.diagonal().max().item()
    torch.testing.assert_close(drawn.T.cov(), spread, rtol=0, atol=0.05 * largest)
    torch.testing.assert_close(drawn.mean(dim=0), taken.mean(dim=0), rtol=0, atol=0.05 * math.sqrt(largest))


def test_a_scale_of_0_is_the_mean_and_4_doubles_the_deviations():
    collected, _ = visited(60, 20, 3)
    assert torch.equal(collected.draw(2, 0.0), collected.mean.expand(2, -1))
    torch.testing.assert_close(collected.draw(2, 4.0) - collected.mean, 2 * (collected.draw(2, 1.0) - collected.mean))


def test_small_variances_beside_large_weights_are_not_lost():
    """A mean of squares less a squared mean would be 0 in float32."""
    collected = Collected()
    taken = 100 + 1e-3 * torch.randn(50, 8)
    for weights in taken:
        collected.add(weights, 5)
    torch.testing.assert_close(collected.squares / 50, taken.double().var(dim=0, correction=0).float(), rtol=0.05, atol=0)


def test_batch_norm_has_the_statistics_of_the_training_images_under_the_weights_drawn():
    network = classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=CHOSEN).eval()
    weights, pixels = flat(network.parameters()) * 1.1, torch.rand(30, 3, 32, 32)
    (found,) = renewed(network, [weights], [pixels[:15], pixels[15:], pixels[:1]])
    assert not network.training
    by_hand = classifier(Chosen(name="resnet8"), MANIFEST, seed=0, method=CHOSEN)
    with torch.no_grad():
        for each in by_hand.parameters():
            each *= 1.1
        norms = [module for module in by_hand.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = None
        by_hand.train()
        by_hand(pixels[:15]), by_hand(pixels[15:])
    expected = {name: buffer for name, buffer in by_hand.named_buffers() if buffer.is_floating_point() and "kept" not in name}
    torch.testing.assert_close(found, flat(expected.values()))
    assert all(norm.momentum == 0.1 for norm in network.modules() if isinstance(norm, nn.BatchNorm2d))


def test_every_network_drawn_is_a_sample_of_the_prediction(splits, tmp_path):
    work = make_task(splits, **LAST, epochs=2)
    state = train(work, CPU, tmp_path / "state", no_progress)
    assert state.fitted == {"weights_taken": 3.0}  # after steps 3, 5, 7 of 8
    network = classifier(work.recipe.network, splits[2], seed=0, method=work.recipe.method)
    network.load_state_dict(state.best)
    logits = predict_logits(network, splits[1].images, work.recipe.method, batch_size=8, seed=0)
    assert logits.shape == (4, 20, 2)
    kept, pixels = network.network.head.kept, to_pixels(torch.as_tensor(splits[1].images))
    assert kept.deviations.numel() == kept.mean.numel() == 0
    alone = classifier(work.recipe.network, splits[2], seed=0).eval()
    for number in range(4):
        torch.nn.utils.vector_to_parameters(kept.weights[number], alone.parameters())
        buffers = [buffer for buffer in alone.buffers() if buffer.is_floating_point()]
        for buffer, part in zip(buffers, kept.statistics[number].split([each.numel() for each in buffers]), strict=True):
            buffer.copy_(part.view(buffer.shape))
        with torch.no_grad():
            np.testing.assert_allclose(alone(pixels).numpy(), logits[number], atol=1e-5)


def test_with_a_scale_of_0_the_networks_own_prediction_is_every_sample(splits, tmp_path):
    """The network ends as the mean, with batch norm statistics of the training images; so do novelty scores see it."""
    work = make_task(splits, **(LAST | {"method": {**SWAG_SMALL, "scale": 0}}), epochs=2)
    state = train(work, CPU, tmp_path / "state", no_progress)
    network = classifier(work.recipe.network, splits[2], seed=0, method=work.recipe.method)
    network.load_state_dict(state.best)
    own = predict_logits(network, splits[1].images, Chosen(name="softmax"), batch_size=8, seed=0)
    samples = predict_logits(network, splits[1].images, work.recipe.method, batch_size=8, seed=0)
    np.testing.assert_allclose(samples, np.repeat(own, 4, axis=0), atol=1e-5)
    for statistics in network.network.head.kept.statistics:
        (expected,) = renewed(network, [flat(network.parameters())], [to_pixels(torch.as_tensor(work.images))])
        torch.testing.assert_close(statistics, expected, rtol=1e-4, atol=1e-5)


def test_training_is_the_plain_networks_and_runs_draw_differently(splits, tmp_path):
    plain = train(make_task(splits, checkpoint="last", epochs=2), CPU, tmp_path / "plain", no_progress)
    one = train(make_task(splits, **LAST, epochs=2), CPU, tmp_path / "one", no_progress)
    assert one.history == plain.history
    seeds = [classifier(Chosen(name="resnet8"), splits[2], seed=seed, method=CHOSEN).network.head.kept.seed
             for seed in (0, 0, 1)]  # fmt: skip
    assert seeds[0] == seeds[1] != seeds[2]


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_a_killed_training_goes_on_to_the_same_bytes(splits, tmp_path, killed_after):
    """Before the first weights are taken, between two, and with more taken than deviations are kept."""
    task = make_task(splits, method={**SWAG_SMALL, "start": 5}, checkpoint="last", epochs=4)
    whole, seen = train(task, CPU, tmp_path / "whole", no_progress), []

    def kill(*_: object) -> None:
        seen.append(None)
        if len(seen) == killed_after:
            raise Killed

    with pytest.raises(Killed):
        train(task, CPU, tmp_path / "killed", kill)
    resumed = train(task, CPU, tmp_path / "killed", no_progress)
    assert same(resumed.best, whole.best)
    assert resumed.fitted == whole.fitted


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"checkpoint": "best"},
         "method: found swag with checkpoint best, patience null; allowed there: checkpoint: last and patience: null, because "
         "it averages weights up to the last step"),
        ({"checkpoint": "last", "patience": 2},
         "method: found swag with checkpoint last, patience 2; allowed there: checkpoint: last and patience: null, because it "
         "averages weights up to the last step"),
        ({"checkpoint": "last", "lookahead": {"every": 2, "decay": 0.9}},
         "lookahead: found with method swag, which averages weights itself; allowed there: lookahead: null"),
    ],
)  # fmt: skip
def test_recipes_that_it_cannot_do_with_are_refused(changes, sentence):
    with pytest.raises(ValidationError) as raised:
        Student.model_validate({**SMALL, "labels": "hard", "method": SWAG_SMALL, **changes})
    assert [text for _, text in problems(raised.value)] == [sentence]


def test_a_start_that_leaves_nothing_to_average_is_refused_after_training(splits, tmp_path):
    """Where params do not tell how many images there are; otherwise the plan refuses it."""
    task = make_task(splits, method={**SWAG_SMALL, "start": 8}, checkpoint="last", epochs=2)
    with pytest.raises(
        UserError, match="found swag with start 8, every 2 in a training of 8 steps; allowed there: together at most 8"
    ):
        train(task, CPU, tmp_path / "state", no_progress)
