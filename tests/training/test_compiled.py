"""Training a network as one compiled program."""

import functools
import shutil

import pytest

from softcifar.errors import UserError
from softcifar.params.study import load
from softcifar.training import compiled as module
from softcifar.training.loop import train
from tests.training.helpers import CPU, make_task, no_progress, same

compiler = pytest.mark.skipif(
    not any(map(shutil.which, module.COMPILERS)),
    reason="torch.compile needs a C++ compiler (g++ or clang++), and this machine has none",
)


@pytest.mark.slow
@compiler
def test_a_compiled_network_learns_the_same_and_is_compiled_once(splits, tmp_path, monkeypatch):
    """Against the network's own operations; batches of 16, 16, 16 and 12, of which the last is left to the network itself."""
    monkeypatch.setattr(module, "CACHE", tmp_path / "programs")
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    task = functools.partial(make_task, splits, epochs=2)
    one, two = (train(task(compile=True), CPU, tmp_path / name, no_progress) for name in ("one", "two"))
    assert same(one.best, two.best)
    assert one.history == two.history
    assert list((tmp_path / "programs").rglob("*.cpp"))
    plain = train(task(), CPU, tmp_path / "plain", no_progress)
    assert one.history[0]["validation_nll"] == pytest.approx(plain.history[0]["validation_nll"], rel=1e-3)
    assert one.history[-1]["validation_accuracy"] >= 0.9


def test_without_a_compiler_it_is_a_sentence(splits, tmp_path, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UserError, match=r"^compile: found true, but no C\+\+ compiler"):
        train(make_task(splits, compile=True), CPU, tmp_path / "state", no_progress)


def test_a_loss_that_differentiates_by_the_pixels_is_refused(write_params):
    changes = {"students.hard.compile": True, "students.hard.method": "duq"}
    with pytest.raises(UserError, match=r"students.hard: compile: found true with method 'duq'.*allowed: compile: false"):
        load(write_params(changes))
