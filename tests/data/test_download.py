"""download: only whole, verified files arrive; every failure is one sentence with the address or the file."""

import gzip
import hashlib
import io
import os
import pickle
import re
import tarfile
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from softcifar.data import DATA_SOURCES, fetching, mnist
from softcifar.data.cifar10s import read_soft_labels
from softcifar.errors import UserError

ROOT = Path(__file__).parents[2]
PAYLOAD = bytes(range(256)) * 2000


def md5(content):
    return hashlib.md5(content).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `files`; the first `faulty` answers to any request are broken in the way `fault` names."""

    files: dict[str, bytes]
    fault = "cut"
    faulty = 0
    asked = 0
    ranges = False  # whether it gives a file from where it is asked to
    sent = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked += 1
        content = self.server.files.get(self.path)
        broken = self.server.asked <= self.server.faulty
        if content is None or (broken and self.server.fault == "unavailable"):
            self.send_error(404 if content is None else 503)
            return
        asked_from = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked_from[1]) if asked_from and self.server.ranges else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        content = content[start:]
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if broken and self.server.fault == "cut":
            content = content[: len(content) // 2]
        self.server.sent += len(content)
        if broken and self.server.fault == "changed":
            content = content[:-1] + b"?"
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path_factory):
    monkeypatch.delenv("SOFTCIFAR_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("time.sleep", lambda _: None)  # between attempts
    monkeypatch.setattr(fetching, "PARTS", tmp_path_factory.mktemp("parts"))
    with Server(("127.0.0.1", 0), Handler) as running:
        running.files = {"/file.bin": PAYLOAD}
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield running
        running.shutdown()


def url(server, name="file.bin"):
    return f"http://127.0.0.1:{server.server_port}/{name}"


def published(server, content=PAYLOAD):
    return fetching.Published("some/file.bin", f"sha256:{hashlib.sha256(content).hexdigest()}", (url(server),))


def test_download_is_verified_and_leaves_only_the_file(server, tmp_path, capfd):
    fetching.fetch_file(published(server), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == PAYLOAD
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]
    assert "file.bin: 100%" in capfd.readouterr().err  # a progress bar that names the file


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("fault", ["cut", "changed", "unavailable"])
def test_a_broken_download_is_tried_again(server, tmp_path, fault, ranges):
    server.fault, server.faulty, server.ranges = fault, fetching.RETRIES, ranges
    fetching.fetch_file(published(server), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == PAYLOAD
    assert server.asked == fetching.RETRIES + 1


@pytest.mark.parametrize(
    ("fault", "message"), [("cut", "download failed"), ("changed", "damaged or has changed"), ("unavailable", "503")]
)
def test_a_download_that_stays_broken_is_an_error_and_leaves_nothing(server, tmp_path, fault, message):
    server.fault, server.faulty = fault, 100
    with pytest.raises(UserError, match=message) as caught:
        fetching.fetch_file(published(server), tmp_path / "file.bin")
    text = str(caught.value)
    assert url(server) in text
    assert "set SOFTCIFAR_MIRROR to a torchvision root that holds some/file.bin" in text
    assert "\n" not in text
    if fault == "changed":
        assert hashlib.sha256(PAYLOAD).hexdigest() in text
    assert list(tmp_path.iterdir()) == []


def arrived():
    return [path.stat().st_size for path in fetching.PARTS.iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on_where_the_server_allows_it(server, tmp_path, ranges):
    """Also in another run, and at another address."""
    server.fault, server.faulty, server.ranges = "cut", 100, ranges
    with pytest.raises(UserError, match="run again, which goes on with what has arrived"):
        fetching.fetch_file(published(server), tmp_path / "file.bin")
    (there,) = arrived()
    assert 0 < there < len(PAYLOAD)
    assert (there > len(PAYLOAD) // 2) == ranges  # each attempt brings no more than half of what is left
    server.faulty = server.sent = 0
    server.files = {"/other.bin": PAYLOAD}
    fetching.fetch_file(replace(published(server), urls=(url(server), url(server, "other.bin"))), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == PAYLOAD
    assert server.sent == len(PAYLOAD) - (there if ranges else 0)
    assert arrived() == []


def test_a_download_that_breaks_often_goes_on_as_long_as_enough_arrives(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "RETRIES", 0)
    server.ranges, server.faulty = True, 3
    with monkeypatch.context() as enough:
        enough.setattr(fetching, "PROGRESS", 1 << 16)
        fetching.fetch_file(published(server), tmp_path / "file.bin")
    assert server.asked == 4
    server.faulty = 7
    with pytest.raises(UserError, match="IncompleteRead"):
        fetching.fetch_file(published(server), tmp_path / "other.bin")
    assert server.asked == 5


@pytest.mark.parametrize("left", [b"?" * 1000, PAYLOAD + b"too much", PAYLOAD], ids=["another", "longer", "whole"])
def test_what_a_killed_download_left_is_checked_like_any_other(server, tmp_path, left):
    server.ranges = True
    (fetching.PARTS / f"{hashlib.sha256(PAYLOAD).hexdigest()}-file.bin").write_bytes(left)
    fetching.fetch_file(published(server), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == PAYLOAD
    assert server.asked == (0 if left == PAYLOAD else 2)
    assert arrived() == []


def test_a_full_disk_keeps_nothing_and_old_parts_are_removed(server, tmp_path, monkeypatch):
    old, young = fetching.PARTS / "old", fetching.PARTS / "young"
    for path in (old, young):
        path.touch()
    os.utime(old, (0, 0))

    def full(url, file):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetching, "_stream", full)
    with pytest.raises(OSError, match="No space left"):
        fetching.fetch_file(published(server), tmp_path / "file.bin")
    assert {path.name for path in fetching.PARTS.iterdir() if path.suffix != ".lock"} == {"young"}


def test_where_all_addresses_fail_the_sentence_says_which_file_to_put_where(server, tmp_path, monkeypatch):
    server.files = {}
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path))
    there = published(server)
    with pytest.raises(UserError) as caught:
        fetching.fetch_file(replace(there, urls=(url(server, "a"), url(server, "b"))), tmp_path / "file.bin")
    assert str(caught.value) == (
        f"{url(server, 'a')}: download failed (HTTP status 404); {url(server, 'b')}: download failed (HTTP status 404); check "
        "the network and run again, which goes on with what has arrived, or get the file "
        f"({there.checksum}) elsewhere and put it at {tmp_path}/some/file.bin"
    )


def test_no_connection(server, tmp_path):
    server.shutdown()
    server.socket.close()
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1.*download failed \(.*refused.*SOFTCIFAR_MIRROR"):
        fetching.fetch_file(published(server), tmp_path / "file.bin")


def test_second_address_is_tried(server, tmp_path):
    there = published(server)
    both = fetching.Published(there.path, there.checksum, (url(server, "gone.bin"), *there.urls))
    fetching.fetch_file(both, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == PAYLOAD


def test_mirror_is_used_first_and_a_damaged_file_there_is_named(server, tmp_path, monkeypatch):
    kept = tmp_path / "root/some/file.bin"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(PAYLOAD)
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path / "root"))
    fetching.fetch_file(published(server), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == PAYLOAD
    kept.write_bytes(PAYLOAD[:-1])
    found, expected = (hashlib.sha256(content).hexdigest() for content in (PAYLOAD[:-1], PAYLOAD))
    with pytest.raises(UserError, match=rf"some/file\.bin: damaged .* {found} where {expected} is expected"):
        fetching.fetch_file(published(server), tmp_path / "file.bin")
    assert server.asked == 0
    kept.unlink()
    fetching.fetch_file(published(server), tmp_path / "file.bin")  # what the mirror lacks is downloaded
    assert server.asked == 1


def test_mirror_that_is_no_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"SOFTCIFAR_MIRROR: '.*nowhere' is not a folder"):
        fetching.mirror()


def packed(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def small_cifar(server, monkeypatch):
    """torchvision's table of CIFAR-10, pointing at a small archive on the local server."""
    from torchvision.datasets import CIFAR10

    def batch(count):
        return pickle.dumps({"labels": list(range(count)), "data": [[0] * 3072] * count}, protocol=2)

    files = {"data_batch_1": batch(3), "data_batch_2": batch(2), "test_batch": batch(4), "batches.meta": b"names"}
    archive = packed({f"cifar-10-batches-py/{name}": content for name, content in files.items()} | {"other": b"x"})
    server.files["/cifar.tar.gz"] = archive
    monkeypatch.setattr(CIFAR10, "train_list", [[n, md5(files[n])] for n in ("data_batch_1", "data_batch_2")])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5(files["test_batch"])]])
    monkeypatch.setattr(CIFAR10, "meta", {"filename": "batches.meta", "md5": md5(files["batches.meta"])})
    monkeypatch.setattr(CIFAR10, "url", url(server, "cifar.tar.gz"))
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(archive))
    return files, archive


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("where", ["internet", "archive in the mirror", "one file in the mirror", "all in the mirror"])
def test_archive_and_single_files(small_cifar, server, tmp_path, monkeypatch, where):
    files, archive = small_cifar
    root, raw = tmp_path / "root", tmp_path / "raw"
    (root / "cifar-10-batches-py").mkdir(parents=True)
    raw.mkdir()
    if where != "internet":
        monkeypatch.setenv("SOFTCIFAR_MIRROR", str(root))
    if where == "archive in the mirror":
        (root / "cifar-10-python.tar.gz").write_bytes(archive)
    for name in {"one file in the mirror": ["test_batch"], "all in the mirror": files}.get(where, []):
        (root / "cifar-10-batches-py" / name).write_bytes(files[name])
    DATA_SOURCES["cifar10"].fetch(raw)
    assert contents(raw) == files
    assert server.asked == (0 if where in ("archive in the mirror", "all in the mirror") else 1)


def test_archive_that_points_outside_is_refused(tmp_path):
    link = tarfile.TarInfo("data/batch")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tar:
        tar.addfile(link)
    with pytest.raises(UserError, match=r"evil\.tar\.gz"):
        fetching.extract(tmp_path / "evil.tar.gz", {"data/batch": tmp_path / "batch"})
    with pytest.raises(UserError, match="lacks a file"):
        fetching.extract(tmp_path / "evil.tar.gz", {"data/other": tmp_path / "batch"})
    assert not (tmp_path / "batch").exists()


def test_archive_with_a_loop_of_links_is_refused(tmp_path):
    with tarfile.open(tmp_path / "loop.tar.gz", "w:gz") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            for name, other in (("a", "b"), ("b", "a")):
                link = tarfile.TarInfo(f"{kind}{name}")
                link.type, link.linkname = kind, f"{kind}{other}"
                tar.addfile(link)
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        with pytest.raises(UserError, match=r"loop\.tar\.gz: '.*' is no regular file there"):
            fetching.extract(tmp_path / "loop.tar.gz", {f"{kind}a": tmp_path / "a"})


def test_truncated_archive(tmp_path):
    (tmp_path / "cut.tar.gz").write_bytes(packed({"a": PAYLOAD})[:-300])
    with pytest.raises(UserError, match=r"cut\.tar\.gz: not a whole archive"):
        fetching.extract(tmp_path / "cut.tar.gz", {"a": tmp_path / "a"})


@pytest.mark.parametrize("where", ["internet", "gz in the mirror", "file in the mirror"])
def test_idx_files(server, tmp_path, monkeypatch, where):
    from torchvision.datasets import MNIST

    def idx(values):
        return b"\0\0\x08" + bytes([values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.tobytes()

    generator, files = np.random.default_rng(0), {}
    for prefix, count in (("train", 5), ("t10k", 3)):
        files[f"{prefix}-images-idx3-ubyte"] = idx(generator.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        files[f"{prefix}-labels-idx1-ubyte"] = idx(np.arange(count, dtype=np.uint8))
    packed_files = {f"{name}.gz": gzip.compress(content) for name, content in files.items()}
    monkeypatch.setattr(mnist, "MNIST_FILES", {name: md5(content) for name, content in files.items()})
    monkeypatch.setattr(MNIST, "resources", [(name, md5(content)) for name, content in packed_files.items()])
    monkeypatch.setattr(MNIST, "mirrors", [url(server, "missing/"), url(server, "mnist/")])
    server.files |= {f"/mnist/{name}": content for name, content in packed_files.items()}
    kept = tmp_path / "root/MNIST/raw"
    kept.mkdir(parents=True)
    if where != "internet":
        monkeypatch.setenv("SOFTCIFAR_MIRROR", str(tmp_path / "root"))
    for name, content in {"gz in the mirror": packed_files, "file in the mirror": files}.get(where, {}).items():
        (kept / name).write_bytes(content)
    raw = tmp_path / "raw"
    raw.mkdir()
    DATA_SOURCES["mnist"].fetch(raw)
    assert contents(raw) == files
    assert (server.asked > 0) == (where == "internet")
    parts = DATA_SOURCES["mnist"].read(raw)
    assert parts["train"].images.shape == (5, 28, 28, 1)
    np.testing.assert_array_equal(parts["test"].labels, [0, 1, 2])
    (raw / "t10k-images-idx3-ubyte").write_bytes(files["t10k-images-idx3-ubyte"][:-1])
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte: not a whole IDX file"):
        DATA_SOURCES["mnist"].read(raw)


def test_svhn_reads_the_digit_zero_and_may_leave_the_train_part_out(server, tmp_path, monkeypatch):
    from scipy.io import savemat
    from torchvision.datasets import SVHN

    images = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
    stream = io.BytesIO()
    savemat(stream, {"X": images, "y": np.array([[1], [10], [9], [10]], np.uint8)})
    server.files["/test_32x32.mat"] = stream.getvalue()
    test = [url(server, "test_32x32.mat"), "test_32x32.mat", md5(stream.getvalue())]
    monkeypatch.setattr(SVHN, "split_list", {"test": test})
    DATA_SOURCES["svhn"].fetch(tmp_path, only_test=True)
    parts = DATA_SOURCES["svhn"].read(tmp_path)
    assert list(parts) == ["test"]
    np.testing.assert_array_equal(parts["test"].labels, [1, 0, 9, 0])
    np.testing.assert_array_equal(parts["test"].images, images.transpose(3, 0, 1, 2))
    for length in (0, 300, len(stream.getvalue()) - 40):
        (tmp_path / "test_32x32.mat").write_bytes(stream.getvalue()[:length])
        with pytest.raises(UserError, match=r"test_32x32\.mat: not a readable \.mat file"):
            DATA_SOURCES["svhn"].read(tmp_path)


class Evil:
    def __reduce__(self):
        return os.system, ("touch hacked",)


def test_files_that_would_run_code_are_refused(tmp_path, monkeypatch):
    import torch

    monkeypatch.chdir(tmp_path)
    (tmp_path / "batches.meta").write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(UserError, match=r"batches\.meta: not a readable CIFAR batch \(refused to load .*system"):
        DATA_SOURCES["cifar10"].read(tmp_path)
    torch.save({"random_label1": Evil()}, tmp_path / "CIFAR-10_human.pt")
    with pytest.raises(UserError, match=r"CIFAR-10_human\.pt: not the published file"):
        DATA_SOURCES["cifar10n"].read_votes(tmp_path)
    np.save(tmp_path / "cifar10h-counts.npy", np.array([Evil()]), allow_pickle=True)
    with pytest.raises(UserError, match=r"cifar10h-counts\.npy: not a readable"):
        DATA_SOURCES["cifar10h"].read_votes(tmp_path)
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("source", sorted(DATA_SOURCES))
def test_reading_what_was_never_fetched_names_the_file(tmp_path, source):
    found = DATA_SOURCES[source]
    read = found.read or found.read_votes or found.read_data_sets or found.read_corrupted or read_soft_labels
    with pytest.raises(UserError, match=str(tmp_path)):
        list(read(tmp_path))
