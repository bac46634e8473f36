"""Tests of this folder need the device that helpers.DEVICE names: a GPU, or the CPU where SOFTCIFAR_DEVICE=cpu asks for it."""

import pytest
import torch

from softcifar.execution.device import pick
from tests.cuda.helpers import DEVICE

torch.set_num_threads(1)


def pytest_runtest_setup() -> None:
    if DEVICE.type == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU (SOFTCIFAR_DEVICE=cpu runs these tests on the CPU)")


@pytest.fixture(autouse=True)
def _as_the_stages(monkeypatch):
    """The switches that a stage sets when it picks its device, in this process."""
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "1")
    pick()


@pytest.fixture
def full_float32():
    """Convolutions of float32 with all of its bits on a GPU, whatever the stages have; products have them anyway."""
    before, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, False
    yield
    torch.backends.cudnn.allow_tf32 = before
