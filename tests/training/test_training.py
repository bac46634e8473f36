"""Training: it learns, it goes on where it was, it ends in the same bytes, it tunes, it stops at a non-finite loss."""

import copy
import dataclasses
import itertools
import os

import numpy as np
import pytest
import torch

from softcifar.errors import UserError
from softcifar.execution.device import pick, resolve_precision
from softcifar.models.build import build
from softcifar.training import loop
from softcifar.training.loop import norm_biases, train
from softcifar.training.schedules import learning_rate
from softcifar.training.sgd import SGD
from softcifar.training.state import State, Store, load_state, save_state
from tests.training.helpers import CPU, Killed, make_task, no_progress, recipe, same


def test_it_learns_two_easy_classes(splits, tmp_path):
    state = train(make_task(splits, epochs=8), CPU, tmp_path / "state", no_progress)
    assert state.history[-1]["validation_accuracy"] == 1.0
    assert state.history[-1]["train_loss"] < state.history[0]["train_loss"]


@pytest.mark.parametrize("checkpoint", ["best", "last"])
def test_the_kept_epoch_is_the_one_asked_for(splits, tmp_path, checkpoint):
    state = train(make_task(splits, checkpoint=checkpoint, lr=0.5), CPU, tmp_path / "state", no_progress)
    nll = [row["validation_nll"] for row in state.history]
    assert state.best_epoch == (int(np.argmin(nll)) + 1 if checkpoint == "best" else 4)


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize(
    "network",
    ["resnet8", {"name": "resnet8", "dropout": 0.2}, {"name": "resnet8", "spectral_norm": True, "coeff": 0.7}],
    ids=["plain", "dropout", "spectral_norm"],
)
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(splits, tmp_path, after, network):
    task = make_task(splits, network=network, augment=["crop_flip", "mixup"])
    undisturbed = train(task, CPU, tmp_path / "whole", no_progress)
    epochs = []

    def kill(done: int, *_: object) -> None:
        epochs.append(done)
        if len(epochs) == after:
            raise Killed

    with pytest.raises(Killed):
        train(task, CPU, tmp_path / "killed", kill)
    torch.rand(11)  # whatever happened in between
    resumed = train(task, CPU, tmp_path / "killed", lambda done, *_: epochs.append(done))
    assert epochs == [1] * after + [after] + [1] * (4 - after)  # no epoch is trained twice, those of before are told
    assert same(resumed.best, undisturbed.best)
    assert same(resumed.weights, undisturbed.weights)
    assert resumed.history == undisturbed.history


def test_the_last_epochs_are_not_augmented_also_after_a_kill(splits, tmp_path, monkeypatch):
    task = make_task(splits, finetune=2, augment=["crop_flip", "soft_crop"])
    used, original = [], loop.augment
    monkeypatch.setattr(loop, "augment", lambda steps, *rest: used.append(len(steps)) or original(steps, *rest))
    whole = train(task, CPU, tmp_path / "whole", no_progress)
    assert used == [2] * 8 + [0] * 8  # 4 batches an epoch
    assert not same(
        whole.best, train(make_task(splits, augment=["crop_flip", "soft_crop"]), CPU, tmp_path / "x", no_progress).best
    )
    count = iter(range(9))

    def kill(*_: object) -> None:
        if next(count) == 2:
            raise Killed

    with pytest.raises(Killed):
        train(task, CPU, tmp_path / "killed", kill)
    used.clear()
    resumed = train(task, CPU, tmp_path / "killed", no_progress)
    assert used == [0] * 4
    assert same(resumed.best, whole.best)
    assert resumed.history == whole.history


def test_finetune_of_all_epochs_is_no_augmentation(splits, tmp_path):
    one = train(make_task(splits, epochs=2, finetune=2, augment=["soft_crop"]), CPU, tmp_path / "one", no_progress)
    two = train(make_task(splits, epochs=2, augment=[]), CPU, tmp_path / "two", no_progress)
    assert same(one.best, two.best)


def test_the_last_epochs_have_augmentations_of_their_own(splits, tmp_path, monkeypatch):
    used, original = [], loop.augment
    monkeypatch.setattr(loop, "augment", lambda steps, *rest: used.append([s.name for s in steps]) or original(steps, *rest))
    flips = {"name": "crop_flip", "padding": 0}
    task = make_task(splits, epochs=3, finetune=1, augment=["soft_crop", "cutout"], finetune_augment=[flips, "cutout"])
    train(task, CPU, tmp_path / "state", no_progress)
    assert used == [["soft_crop", "cutout"]] * 8 + [["crop_flip", "cutout"]] * 4


def test_training_stops_after_epochs_without_a_lower_validation_loss(splits, tmp_path, monkeypatch):
    """NLL 3, 2, 4, 2: the second epoch is the lowest, the fourth is no lower, and then patience 2 is over."""
    nll = iter([3.0, 2.0, 4.0, 2.0])
    told = []
    scores = {"validation_accuracy": 0.5, "validation_ece": 0.1}
    monkeypatch.setattr(loop, "_validate", lambda *_: {"validation_nll": next(nll)} | scores)
    task = make_task(splits, epochs=9, patience=2)
    state = train(task, CPU, tmp_path / "state", lambda done, *_: told.append(done))
    assert [row["epoch"] for row in state.history] == [1, 2, 3, 4]
    assert (state.best_epoch, state.weights, state.optimizer) == (2, {}, {})
    assert told == [1, 1, 1, 6]  # the epochs that are not needed are told as done
    again = train(task, CPU, tmp_path / "state", lambda done, *_: told.append(done))
    assert told[4:] == [9]
    assert again.history == state.history


def test_a_network_without_validation_images_keeps_its_last_epoch(splits, tmp_path):
    task = dataclasses.replace(make_task(splits, checkpoint="last"), validation_images=None, validation_labels=None)
    told = []
    state = train(task, CPU, tmp_path / "state", lambda *how: told.append(how))
    assert state.best_epoch == 4
    assert all(row.keys() == {"epoch", "lr", "train_loss"} for row in state.history)
    assert told[-1] == (1, f"training loss {state.history[-1]['train_loss']:.3f}", [state.history[-1]])
    with_it = train(make_task(splits, checkpoint="last"), CPU, tmp_path / "other", no_progress)
    assert same(state.best, with_it.best)


def test_an_epoch_may_draw_more_images_than_there_are(splits, tmp_path, monkeypatch):
    """100 draws of 60 images: each once, then 40 of them again; 7 batches of 16, the last one of 4."""
    seen = []
    monkeypatch.setattr(loop, "to_pixels", lambda batch: seen.append(batch) or batch.permute(0, 3, 1, 2) / 255)
    task = make_task(splits, epochs=1, augment=[])
    images = task.images.copy()
    images[:, 0, 0, 0] = np.arange(60)
    train(dataclasses.replace(task, images=images, images_per_epoch=100), CPU, tmp_path / "state", no_progress)
    drawn = [int(image[0, 0, 0]) for batch in seen for image in batch]
    assert [len(batch) for batch in seen] == [16] * 6 + [4]
    assert sorted(drawn[:60]) == list(range(60))
    assert len(set(drawn[60:])) == 40
    assert drawn[60:] != drawn[:40]


def test_weights_multiply_each_images_loss_before_the_mean(splits, tmp_path, monkeypatch):
    """Weights of 0 and 2 for half of the images each are those halves alone; the mean is over all images of the batch."""
    task = make_task(splits, epochs=1, augment=[], lr=1e-9, batch_size=60)
    plain = loop.augment

    def only_dark(*given):
        images, targets, _ = plain(*given)
        return images, targets, 2 * targets[:, 0]

    seen = []

    def loss(pixels, logits, targets):
        losses = -(targets * logits.log_softmax(1)).sum(1)
        seen.append((losses.detach(), targets))
        return losses

    monkeypatch.setattr(loop, "augment", only_dark)
    state = train(dataclasses.replace(task, loss=loss), CPU, tmp_path / "state", no_progress)
    losses, targets = seen[0]
    assert state.history[0]["train_loss"] == pytest.approx(losses[targets[:, 0] == 1].mean().item(), rel=1e-5)


@pytest.mark.parametrize("loss", ["cross_entropy", {"name": "label_relaxation", "alpha": 0.1}])
def test_the_mode_of_a_soft_crop_changes_the_training(splits, tmp_path, loss):
    found = [
        train(make_task(splits, epochs=1, loss=loss, augment=[{"name": "soft_crop", "mode": mode}]), CPU, tmp_path / mode,
              no_progress)
        for mode in ("target_and_weight", "target", "weight", "hard")
    ]  # fmt: skip
    for number, one in enumerate(found):
        assert not any(same(one.best, other.best) for other in found[:number])


def test_a_damaged_state_is_a_fresh_start(splits, tmp_path):
    (tmp_path / "state").write_bytes(b"half a fi")
    assert load_state(tmp_path / "state") == State()
    whole = train(make_task(splits, epochs=1), CPU, tmp_path / "other", no_progress)
    assert same(train(make_task(splits, epochs=1), CPU, tmp_path / "state", no_progress).best, whole.best)


def test_a_state_is_read_back_as_it_was(tmp_path):
    now, before = {"w": torch.rand(3)}, {"w": torch.rand(3)}
    for best_epoch, best in ((2, now), (1, before)):
        state = State(2, now, {"w": torch.rand(3)}, best, best_epoch, [{"epoch": 1}, {"epoch": 2}])
        save_state(tmp_path / "state", state)
        found = load_state(tmp_path / "state")
        assert (found.epoch, found.best_epoch, found.history) == (2, best_epoch, state.history)
        assert same(found.weights, now)
        assert same(found.best, best)
        assert same(found.optimizer, state.optimizer)


def test_a_run_is_found_by_what_decides_it(tmp_path):
    first = Store(tmp_path / "a", "data and code")
    file = first.of({"lr": 0.1}, 0)
    assert file == Store(tmp_path / "a", "data and code").of({"lr": 0.1}, 0)
    assert (
        len({file, first.of({"lr": 0.2}, 0), first.of({"lr": 0.1}, 1), Store(tmp_path / "a", "other").of({"lr": 0.1}, 0)}) == 4
    )


def test_states_unused_for_long_are_removed(tmp_path):
    store = Store(tmp_path / "a", "x")
    old, used = store.of("old"), store.of("used")
    for path in (old, used):
        path.write_text("x")
        os.utime(path, (0, 0))
    store.of("used")
    Store(tmp_path / "a", "y")
    assert (old.exists(), used.exists()) == (False, True)


def test_a_finished_run_is_not_trained_again(splits, tmp_path):
    task, epochs = make_task(splits, epochs=2), []
    first, again = (train(task, CPU, tmp_path / "state", lambda done, *_: epochs.append(done)) for _ in range(2))
    assert epochs == [1, 1, 2]
    assert same(again.best, first.best)
    assert again.history == first.history
    whole = (tmp_path / "state").stat().st_size
    assert whole < 1.2 * sum(tensor.nbytes for tensor in first.best.values()) + 20_000  # weights once, no optimizer


def test_a_non_finite_loss_names_student_epoch_and_rate(splits, tmp_path):
    with pytest.raises(UserError, match=r"student a: the loss is no longer finite in epoch 1 at learning rate \d"):
        train(make_task(splits, lr=1000, weight_decay=100, augment=[]), CPU, tmp_path / "state", no_progress)
    assert not (tmp_path / "state").exists()


def test_the_order_seed_changes_the_batches_and_the_init_seed_the_weights(splits, tmp_path):
    task = make_task(splits, epochs=1)
    base = train(task, CPU, tmp_path / "a", no_progress)
    for number, change in enumerate(({"order": 1}, {"init": 1})):
        other = train(dataclasses.replace(task, **change), CPU, tmp_path / f"b{number}", no_progress)
        assert not same(base.best, other.best)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.9, True), (0.9, False), (0.0, False)])
@pytest.mark.parametrize("weight_decay", [0.0, 5e-4])
def test_the_update_is_torchs_own_bit_for_bit(momentum, nesterov, weight_decay):
    options = {"momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
    torch.manual_seed(0)
    ours = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Linear(7, 2))
    theirs = copy.deepcopy(ours)
    one, two = SGD(ours, **options), torch.optim.SGD(theirs.parameters(), lr=1, foreach=True, **options)
    for step, lr in enumerate((0.1, 0.2, 0.05, 0.1)):
        images = torch.rand(8, 5, generator=torch.Generator().manual_seed(step))
        for network, optimizer in ((ours, one), (theirs, two)):
            optimizer.zero_grad()
            network(images).square().sum().backward()
        one.step(lr)
        two.param_groups[0]["lr"] = lr
        two.step()
        assert same(ours.state_dict(), theirs.state_dict())


def test_alternating_flips_show_every_image_and_its_mirror_in_turn(splits, tmp_path, monkeypatch):
    seen, original = [], loop.augment

    def look(steps, images, targets, generator, turn):
        found = original(steps, images, targets, generator, turn)
        seen.extend(zip(images.flatten(1).tolist(), turn.tolist(), strict=True))
        assert torch.equal(found[0], torch.where(turn[:, None, None, None], images.flip(3), images))
        return found

    monkeypatch.setattr(loop, "augment", look)
    steps = [{"name": "crop_flip", "padding": 0, "flip": "alternate"}]
    task = make_task(splits, augment=steps, epochs=4)
    train(task, CPU, tmp_path / "state", no_progress)
    count = len(task.images)
    epochs = [{tuple(pixels): turn for pixels, turn in seen[n : n + count]} for n in range(0, len(seen), count)]
    assert len(epochs) == 4
    assert 0 < sum(epochs[0].values()) < count
    for before, after in itertools.pairwise(epochs):
        assert all(after[image] is not turn for image, turn in before.items())


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_rates_of_their_own_are_torchs_parameter_groups(momentum):
    torch.manual_seed(0)
    ours = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Linear(7, 2))
    theirs = copy.deepcopy(ours)
    factors = [1.0, 64.0, 1.0, 8.0]
    options = {"momentum": momentum, "nesterov": momentum > 0, "weight_decay": 5e-4}
    one = SGD(ours, lr_factors=factors, **options)
    # As the published recipe has it: the decay of a step is the same for all.
    groups = [
        {"params": [each], "lr": 0.01 * factor, "weight_decay": 5e-4 / factor}
        for each, factor in zip(theirs.parameters(), factors, strict=True)
    ]
    two = torch.optim.SGD(groups, foreach=True, **options)
    for step in range(4):
        images = torch.rand(8, 5, generator=torch.Generator().manual_seed(step))
        for network, optimizer in ((ours, one), (theirs, two)):
            optimizer.zero_grad()
            network(images).square().sum().backward()
        one.step(0.01)
        two.step()
        for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(own, other)


def test_decoupled_decay_shrinks_every_weight_alike_and_leaves_the_momentum():
    """Loshchilov & Hutter 2019, algorithm 1: without a gradient the weights shrink by 1 - lr weight_decay."""
    layer = torch.nn.Linear(2, 2)
    before = [each.detach().clone() for each in layer.parameters()]
    optimizer = SGD(layer, momentum=0.9, nesterov=True, weight_decay=0.1, decoupled=True, lr_factors=[1.0, 64.0])
    for each in layer.parameters():
        each.grad = torch.zeros_like(each)
    optimizer.step(0.5)
    for each, was in zip(layer.parameters(), before, strict=True):
        torch.testing.assert_close(each.detach(), 0.95 * was)
    assert all(not buffer.any() for buffer in optimizer.tensors().values())


def test_only_biases_of_batch_norm_get_its_rate(splits):
    network = build("resnet8", 2)
    optimizer = loop._optimizer(make_task(splits, norm_bias_lr=8), network)
    faster = {name for (name, _), factor in zip(network.named_parameters(), optimizer.lr_factors, strict=True) if factor == 8}
    assert set(optimizer.lr_factors) == {1, 8}
    assert faster == norm_biases(network)
    assert {"norm.bias", "blocks.0.norm1.bias"} <= faster
    assert not any("head" in name or "conv" in name or name.endswith("weight") for name in faster)


def test_a_lookahead_that_would_never_look_is_refused(splits, tmp_path):
    task = make_task(splits, lookahead={"every": 1000, "decay": 0.9}, checkpoint="last")
    with pytest.raises(UserError, match=r"lookahead\.every: found 1000 with .* steps in all; allowed: at most that"):
        train(task, CPU, tmp_path / "state", no_progress)


class TestSchedules:
    def test_linear_from_a_share_to_a_share(self):
        """airbench's triangle: .2 at the start, 1 at 23 % of the steps, .07 at the end."""
        steps = recipe(epochs=10, lr=2.0, schedule="linear", factor=0.07, warmup=2.3, warmup_from=0.2)
        rates = [learning_rate(steps, epoch) for epoch in (0, 1.15, 2.3, 6.15, 10)]
        assert rates == pytest.approx([0.4, 1.2, 2.0, 1.07, 0.14])

    def test_cosine_with_warm_up(self):
        steps = recipe(epochs=10, warmup=2, lr=1.0)
        assert learning_rate(steps, 1.0) == pytest.approx(0.5)
        assert learning_rate(steps, 2.0) == pytest.approx(1.0)
        assert learning_rate(steps, 6.0) == pytest.approx(0.5)
        assert learning_rate(steps, 10.0) == pytest.approx(0.0)

    def test_multistep_halves_after_each_milestone(self):
        """Protocol A's steps: factor .5 at 56, 106, ..."""
        steps = recipe(epochs=250, warmup=5, lr=0.07, schedule="multistep", milestones=[56, 106], factor=0.5)
        rates = [learning_rate(steps, epoch) for epoch in (2.5, 5, 55.9, 56, 105.9, 106, 249.9)]
        assert rates == pytest.approx([0.035, 0.07, 0.07, 0.035, 0.035, 0.0175, 0.0175])

    def test_constant(self):
        assert learning_rate(recipe(schedule="constant", lr=0.2), 3.3) == 0.2

    def test_decay_divides_by_steps(self):
        """Label relaxation on Fashion-MNIST: .05, times .3162 from epoch 30 on, over 1 + 1e-5 a step of 704 in an epoch."""
        steps = recipe(epochs=50, lr=0.05, schedule="multistep", milestones=[30, 50], factor=0.3162, decay=1e-5)
        assert learning_rate(steps, 0.0, 0) == 0.05
        assert learning_rate(steps, 29.99, 30 * 704 - 1) == pytest.approx(0.05 / 1.21119)
        assert learning_rate(steps, 30.0, 30 * 704) == pytest.approx(0.05 * 0.3162 / 1.2112)
        assert learning_rate(steps, 49.99, 50 * 704 - 1) == pytest.approx(0.05 * 0.3162 / 1.35199)

    def test_the_loop_counts_steps_over_epochs(self, splits, tmp_path):
        """Four steps an epoch at a constant rate: the last of the second epoch has seven before it."""
        task = make_task(splits, epochs=2, schedule="constant", lr=0.01, decay=0.1)
        state = train(task, CPU, tmp_path / "state", no_progress)
        assert [row["lr"] for row in state.history] == pytest.approx([0.01 / 1.3, 0.01 / 1.7])


def test_adam_trains_and_goes_on_where_it_was(splits, tmp_path):
    task = make_task(splits, optimizer="adam", momentum=0.0, nesterov=False, lr=0.003, epochs=3)
    whole = train(task, CPU, tmp_path / "whole", no_progress)
    assert whole.history[-1]["train_loss"] < whole.history[0]["train_loss"]

    def kill(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        train(task, CPU, tmp_path / "killed", kill)
    assert same(train(task, CPU, tmp_path / "killed", no_progress).best, whole.best)


def test_the_device_is_named_clearly(monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_DEVICE", "gpu9")
    with pytest.raises(UserError, match="SOFTCIFAR_DEVICE: found 'gpu9'"):
        pick()
    monkeypatch.setenv("SOFTCIFAR_DEVICE", "cpu")
    assert pick() == CPU
    assert resolve_precision("float32", CPU) == "float32"
    assert resolve_precision("auto", CPU) in ("float32", "bfloat16")
