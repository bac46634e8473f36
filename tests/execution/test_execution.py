"""run_all: the same results in this process, in several and on a Ray cluster; what happens when a worker dies."""

import functools
import os
import subprocess
import sys
import time

import pytest
import torch

from softcifar.errors import UserError
from softcifar.execution import device, run_all
from softcifar.execution.cluster import require_alike
from tests.conftest import ROOT, alive
from tests.execution.tasks import die, divide, meet, square, stumble, surroundings_of, tensor
from tests.training.helpers import contents, run_distillation, run_student, run_teacher, write_student


@pytest.fixture
def two(monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "2")
    monkeypatch.setenv("SOFTCIFAR_DEVICE", "cpu")


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_results_come_in_the_order_of_the_tasks_and_reports_arrive(workers, monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_WORKERS", str(workers))
    reports, ended = [], {}
    found = run_all(functools.partial(square, 5), range(6), progress=lambda *got: reports.append(got), done=ended.__setitem__)
    assert found == [5, 6, 9, 14, 21, 30]
    assert ended == dict(enumerate(found))
    assert sorted(reports) == [(number, "seen") for number in range(6)]


def test_no_task_at_all(two):
    assert run_all(functools.partial(square, 0), []) == []


def test_two_workers_are_two_processes_of_one_thread_that_run_at_the_same_time(two, tmp_path):
    processes, threads, devices = zip(*run_all(surroundings_of, range(8)), strict=True)
    assert os.getpid() not in processes
    assert len(set(processes)) <= 2
    assert (set(threads), set(devices)) == ({1}, {"cpu"})
    assert run_all(functools.partial(meet, tmp_path), range(2)) == [True, True]


def test_tensors_outlive_the_worker_that_made_them(two):
    found = run_all(tensor, range(3))
    assert [float(each["weights"].mean()) for each in found] == [0, 1, 2]


def test_an_error_ends_the_other_tasks_at_once_and_keeps_its_sentence(two, tmp_path):
    with pytest.raises(UserError, match=r"^the second task stumbled$"):
        run_all(functools.partial(stumble, tmp_path), range(2))
    assert not (tmp_path / "slept").exists()


def test_a_fault_in_a_worker_says_where_it_happened(two):
    with pytest.raises(ZeroDivisionError) as caught:
        run_all(divide, range(2))
    assert "in divide" in caught.value.__notes__[0]


def test_a_killed_worker_is_a_sentence(two):
    with pytest.raises(UserError, match=r"SOFTCIFAR_WORKERS: one of the processes.*SIGKILL"):
        run_all(die, range(2))


@pytest.mark.parametrize("variable", ["SOFTCIFAR_WORKERS", "SOFTCIFAR_THREADS"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "²"])
def test_counts_are_whole_numbers_from_1(variable, value, monkeypatch):
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=f"^{variable}: found '{value}'; allowed: a whole number from 1$"):
        run_all(tensor, range(2))


def test_an_unknown_executor(monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_EXECUTOR", "dask")
    with pytest.raises(UserError, match=r"^SOFTCIFAR_EXECUTOR: found 'dask'; allowed: local, ray, ray://host:port$"):
        run_all(tensor, range(2))


def test_teachers_students_and_shallow_students_are_the_same_bytes_side_by_side(splits, tmp_path, monkeypatch):
    _, _, manifest = splits
    write_student(tmp_path / "student", manifest)
    found = []
    for workers in ("1", "2"):
        monkeypatch.setenv("SOFTCIFAR_WORKERS", workers)
        run_teacher(splits, tmp_path / workers, folds=2)
        student, _, _ = run_student(splits, tmp_path / workers, lr=[0.05, 0.1], epochs=2)
        shallow = run_distillation(splits, tmp_path / "student", workers + "d", workers + "d")
        found.append(contents(tmp_path / workers / "2", student, *shallow))
    assert found[0] == found[1]


def test_ray_where_it_is_not_installed(monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_EXECUTOR", "ray")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"^SOFTCIFAR_EXECUTOR: found 'ray', but Ray is not installed; run pip install"):
        run_all(tensor, range(2))


def test_nodes_that_differ_are_refused():
    one, other = {"torch": "2.15.0", "device": "cpu"}, {"torch": "2.15.0", "device": "cuda"}
    require_alike([one, one])
    with pytest.raises(UserError, match=r"nodes differ in device \(cpu and cuda\)"):
        require_alike([one, one, other])


def test_workers_follow_the_cores_that_the_process_may_use(monkeypatch):
    monkeypatch.delenv("SOFTCIFAR_WORKERS")
    monkeypatch.setenv("SOFTCIFAR_DEVICE", "cpu")
    monkeypatch.setattr(device, "cores", lambda: 6)
    assert device.workers() == ["cpu"] * 6
    monkeypatch.setenv("SOFTCIFAR_THREADS", "4")
    assert device.workers() == ["cpu"]
    assert torch.get_num_threads() == 4
    monkeypatch.setenv("SOFTCIFAR_THREADS", "1")
    device.pick()
    assert torch.get_num_threads() == 1


def test_cores_are_not_more_than_the_affinity_allows():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert device.cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_several_gpus_each_get_their_share(monkeypatch):
    """Without a GPU: which device each worker would get."""
    monkeypatch.setattr(device, "pick", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("SOFTCIFAR_WORKERS")
    assert device.workers() == ["cuda:0", "cuda:1"]
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "3")
    assert device.workers() == ["cuda:0", "cuda:1", "cuda:0"]
    monkeypatch.setattr(device, "pick", lambda: torch.device("cuda:1"))
    assert device.workers() == ["cuda:1"] * 3


def test_workers_end_with_a_killed_parent(two, tmp_path):
    """As where a stage is killed: nothing trains on behind its back."""
    code = (
        "import functools, pathlib; from softcifar.execution import run_all; from tests.execution.tasks import live; "
        f"run_all(functools.partial(live, pathlib.Path({str(tmp_path)!r})), range(2))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    until(lambda: len(list(tmp_path.iterdir())) == 2 and all(file.read_text() for file in tmp_path.iterdir()))
    workers = [int(file.read_text()) for file in tmp_path.iterdir()]
    assert all(map(alive, workers))
    parent.kill()
    parent.wait()
    until(lambda: not any(map(alive, workers)))


def until(condition) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited for a minute")
