"""A student trained on a real Ray cluster of two nodes on this machine, also where a worker or a node dies meanwhile."""

import importlib.util
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from softcifar.errors import UserError
from softcifar.execution import run_all
from softcifar.params.sections import Seeds
from tests.conftest import ROOT
from tests.execution.tasks import surroundings_of
from tests.training.helpers import contents, run_distillation, run_student, run_teacher, write_student

# Looked for, not imported: that takes seconds, of every worker and in runs that leave these tests out.
HAS_RAY = importlib.util.find_spec("ray") is not None
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not HAS_RAY, reason="Ray is optional: pip install 'softcifar[ray]'")]
CLIENT_PORT = 24815
SEEDS = Seeds(runs=3, search=1, init=0, order=0)
LONG = {"epochs": 60}  # a second or two on images of 8x8, so that something can happen meanwhile


@pytest.fixture(scope="module")
def cluster(alone):
    """Two nodes of one core each; Ray Client listens on the first."""
    before = dict(os.environ)
    os.environ |= {"PYTHONPATH": str(ROOT), "RAY_DEDUP_LOGS": "0", "RAY_USAGE_STATS_ENABLED": "0"}  # workers import the tests
    os.environ |= {"RAY_worker_niceness": "0"}  # else whatever else runs on the machine comes before them
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False, "ray_client_server_port": CLIENT_PORT}
    made = Cluster(initialize_head=True, head_node_args=head)
    made.add_node(num_cpus=1)
    made.wait_for_nodes()
    os.environ["RAY_ADDRESS"] = made.address
    yield made
    ray.shutdown()
    made.shutdown()
    os.environ.clear()
    os.environ |= before


@pytest.fixture
def on_cluster(cluster, monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_EXECUTOR", "ray")
    monkeypatch.setenv("SOFTCIFAR_DEVICE", "cpu")


@pytest.fixture(scope="module")
def trained_here(tmp_path_factory):
    """Files of the student as this process trains it, by the splits that a test has."""
    made = {}

    def files(splits) -> dict[str, bytes]:
        if not made:
            before, os.environ["SOFTCIFAR_EXECUTOR"] = os.environ.get("SOFTCIFAR_EXECUTOR"), "local"
            made.update(contents(run_student(splits, tmp_path_factory.mktemp("here"), seeds=SEEDS, **LONG)[0]))
            os.environ.pop("SOFTCIFAR_EXECUTOR") if before is None else os.environ.update(SOFTCIFAR_EXECUTOR=before)
        return made

    return files


def workers() -> list[int]:
    """Processes that train for Ray right now; Ray writes into their command lines what they do."""
    found = psutil.process_iter(["cmdline"])
    return [process.pid for process in found if (process.info["cmdline"] or [""])[0].startswith("ray::run_on_node")]


def meanwhile(states: Path, runs: int, action) -> threading.Thread:
    """Do something as soon as so many runs have ended an epoch: then as many nodes are at work."""

    def wait() -> None:
        while len(list(states.glob("*.safetensors"))) < runs:
            time.sleep(0.01)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_both_nodes_work_and_end_in_the_same_bytes(on_cluster, splits, tmp_path, trained_here):
    out, _, _ = run_student(splits, tmp_path, seeds=SEEDS, **LONG)
    assert contents(out) == trained_here(splits)
    found = run_all(surroundings_of, range(6))
    assert len({process for process, _, _ in found}) >= 2
    assert os.getpid() not in {process for process, _, _ in found}
    assert {threads for _, threads, _ in found} == {1}


def test_a_killed_worker_is_replaced_and_the_run_ends_whole(on_cluster, splits, tmp_path, trained_here):
    killed = []

    def kill() -> None:
        for process in workers()[:1]:
            os.kill(process, signal.SIGKILL)
            killed.append(process)

    thread = meanwhile(tmp_path / ".state/a", 2, kill)
    out, _, _ = run_student(splits, tmp_path, seeds=SEEDS, **LONG)
    thread.join()
    assert len(killed) == 1
    assert contents(out) == trained_here(splits)


def test_a_node_that_goes_takes_nothing_with_it(on_cluster, cluster, splits, tmp_path, trained_here):
    third = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    thread = meanwhile(tmp_path / ".state/a", 3, lambda: cluster.remove_node(third, allow_graceful=False))
    out, _, _ = run_student(splits, tmp_path, seeds=SEEDS, **LONG)
    thread.join()
    assert contents(out) == trained_here(splits)


def test_teachers_and_shallow_students_come_out_the_same(on_cluster, splits, tmp_path, monkeypatch):
    _, _, manifest = splits
    write_student(tmp_path / "student", manifest)
    found = {}
    for executor in ("local", "ray"):
        monkeypatch.setenv("SOFTCIFAR_EXECUTOR", executor)
        run_teacher(splits, tmp_path / executor, folds=2)
        shallow = run_distillation(splits, tmp_path / "student", executor, executor)
        found[executor] = contents(tmp_path / executor / "2", *shallow)
    assert found["ray"] == found["local"]


def test_a_mistake_on_a_node_is_one_sentence(on_cluster, splits, tmp_path):
    with pytest.raises(UserError, match=r"^student a, run 0: the loss is no longer finite"):
        run_student(splits, tmp_path, seeds=SEEDS, lr=1000, weight_decay=100, augment=[])


def test_through_ray_client(cluster, monkeypatch, splits, tmp_path, trained_here):
    import ray

    ray.shutdown()
    monkeypatch.setenv("SOFTCIFAR_EXECUTOR", f"ray://127.0.0.1:{CLIENT_PORT}")
    monkeypatch.setenv("SOFTCIFAR_DEVICE", "cpu")
    out, _, _ = run_student(splits, tmp_path, seeds=SEEDS, **LONG)
    assert contents(out) == trained_here(splits)
    ray.shutdown()


def test_a_cluster_that_does_not_answer(monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_EXECUTOR", "ray://127.0.0.1:9")
    monkeypatch.setattr("ray.util.client.worker.INITIAL_TIMEOUT_SEC", 0.2)
    monkeypatch.setattr("ray.util.client.worker.MAX_TIMEOUT_SEC", 0.2)
    with (
        pytest.warns(UserWarning, match="Ray Client"),
        pytest.raises(UserError, match=r"^SOFTCIFAR_EXECUTOR: found 'ray://127.0.0.1:9', where no"),
    ):
        run_all(surroundings_of, range(2))
