"""How programs end: one sentence where it is no fault of the code, silence where nothing was begun."""

import errno
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from softcifar.errors import UserError
from softcifar.pipeline.ending import end_quietly, sentence
from softcifar.pipeline.stage import run
from tests.conftest import ROOT, with_ears

TOO_MUCH = 2**50  # bytes


def raised(function) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        function()
    return caught.value


@pytest.mark.parametrize(
    ("function", "amount"),
    [
        (lambda: np.zeros(TOO_MUCH, np.uint8), r", another 1\.00 PiB were needed"),
        (lambda: torch.zeros(TOO_MUCH, dtype=torch.uint8), r", another 1,048,576\.0 GiB were needed"),
        (lambda: torch.zeros(2**60, 2**60), ""),
    ],
    ids=["NumPy", "torch", "no such size"],
)
def test_too_little_memory_is_one_sentence_with_what_it_needed(function, amount, capsys):
    error = raised(function)
    with pytest.raises(SystemExit) as ended:
        run(lambda: (_ for _ in ()).throw(error))
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.match(rf"error: memory: there is too little{amount}; take a smaller network, smaller batches or fewer", said)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has ..."),
    ],
)
def test_other_ways_to_say_it(error):
    assert sentence(error).startswith("memory: there is too little")


def test_what_is_a_fault_of_the_code_stays_one(capsys):
    for error in (RuntimeError("shapes"), KeyError("x"), ImportError("no module"), OSError(errno.ECONNREFUSED, "refused")):
        assert sentence(error) is None
        with pytest.raises(type(error)):
            run(lambda error=error: (_ for _ in ()).throw(error))
    end_quietly(KeyError, KeyError("x"), None)
    assert "KeyError: 'x'" in capsys.readouterr().err
    assert sentence(UserError("lr: too high")) == "lr: too high"


def started(program: str, tmp_path, numpy: str) -> tuple[int, str]:
    """(exit status, what it said) of a program that finds this NumPy, the first import of theirs that takes long."""
    (tmp_path / "numpy.py").write_text(numpy)
    ended = subprocess.run(
        with_ears(sys.executable, "-m", program),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
    )
    return ended.returncode, ended.stderr


PROGRAMS = ["stages.train", "stages.plan", "softcifar.pipeline.jobs", "softcifar.pipeline.studies"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_ctrl_c_during_the_first_imports_is_silent(program, tmp_path):
    numpy = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"
    assert started(program, tmp_path, numpy) == (-signal.SIGINT, "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_memory_that_does_not_even_suffice_to_begin_is_one_sentence(program, tmp_path):
    status, said = started(program, tmp_path, "raise ImportError('lib.so: failed to map segment from shared object')")
    assert status == 2
    assert said.startswith("error: memory: there is too little; take a smaller network")
    assert said.count("\n") == 1
