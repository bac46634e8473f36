"""How many stages run at a time, and what each of them gets of the machine."""

from types import SimpleNamespace

import pytest

from softcifar.pipeline.jobs.resources import Resources, visible_gpus


@pytest.mark.parametrize(
    ("environ", "gpus"),
    [
        ({"CUDA_VISIBLE_DEVICES": "2, 5"}, ("2", "5")),
        ({"CUDA_VISIBLE_DEVICES": "GPU-ab,1"}, ("GPU-ab", "1")),
        ({"CUDA_VISIBLE_DEVICES": ""}, ()),
        ({"CUDA_VISIBLE_DEVICES": "0,-1,1"}, ("0",)),
        ({"CUDA_VISIBLE_DEVICES": "0,1", "SOFTCIFAR_DEVICE": "cpu"}, ()),
        ({"PATH": "/nowhere"}, ()),
    ],
)
def test_which_gpus_there_are(environ, gpus):
    assert visible_gpus(environ) == gpus


def test_gpus_are_counted_by_nvidia_smi(tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: one (UUID: GPU-1)'\necho '  MIG 1g: a part'\necho 'GPU 1: two (UUID: GPU-2)'\n")
    program.chmod(0o755)
    assert visible_gpus({"PATH": str(tmp_path)}) == ("0", "1")
    program.write_text("#!/bin/sh\necho 'GPU access blocked'\nexit 9\n")
    assert visible_gpus({"PATH": str(tmp_path)}) == ()


def test_a_stage_gets_its_share_of_cores_or_a_gpu_and_everything_when_alone():
    cpu = Resources(jobs=3, cores=8)
    assert cpu.environment({"A": "1"}, 0, rivals=1) == {"A": "1", "SOFTCIFAR_WORKERS": "8"}
    assert cpu.environment({}, 0, rivals=2)["SOFTCIFAR_WORKERS"] == "4"
    assert cpu.environment({}, 0, rivals=20)["SOFTCIFAR_WORKERS"] == "2"  # never more than 3 run
    assert Resources(jobs=9, cores=2).environment({}, 0, rivals=9)["SOFTCIFAR_WORKERS"] == "1"
    assert cpu.environment({"SOFTCIFAR_WORKERS": "5"}, 0, rivals=1) == {"SOFTCIFAR_WORKERS": "5"}
    gpu = Resources(jobs=4, cores=8, gpus=("2", "5"))
    assert [gpu.environment({}, slot, rivals=9) for slot in range(3)] == [{"CUDA_VISIBLE_DEVICES": each} for each in "252"]
    assert gpu.environment({"CUDA_VISIBLE_DEVICES": "2,5"}, 1, rivals=1) == {"CUDA_VISIBLE_DEVICES": "2,5"}


def test_jobs_are_by_default_as_many_as_gpus_or_cores(monkeypatch):
    monkeypatch.setattr("softcifar.pipeline.jobs.resources.joblib", SimpleNamespace(cpu_count=lambda: 6))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    monkeypatch.delenv("SOFTCIFAR_DEVICE", raising=False)
    assert Resources.found() == Resources(3, 6, ("0", "1", "2"))
    assert Resources.found(5).jobs == 5
    monkeypatch.setenv("SOFTCIFAR_DEVICE", "cpu")
    assert Resources.found() == Resources(6, 6, ())
