"""The publishers' own files, where SOFTCIFAR_MIRROR names a torchvision root that holds them; and their checksums."""

import os
from pathlib import Path

import numpy as np
import pytest

from softcifar.data import DATA_SOURCES, cifar, svhn
from softcifar.data.cifar10s import read_asked, read_soft_labels
from softcifar.labels import dawid_skene, majority

MIRROR = os.environ.get("SOFTCIFAR_MIRROR", "")


def needs(*paths):
    missing = [path for path in paths if not (Path(MIRROR) / path).exists()] if MIRROR else ["SOFTCIFAR_MIRROR unset"]
    return pytest.mark.skipif(bool(missing), reason=f"no mirror with {paths[0]}: {', '.join(missing)}")


def fetched(tmp_path, source):
    DATA_SOURCES[source].fetch(tmp_path)
    return DATA_SOURCES[source]


@needs("cifar-10h/cifar10h-counts.npy")
def test_real_cifar10h(tmp_path):
    votes = fetched(tmp_path, "cifar10h").read_votes(tmp_path)["test"]
    assert votes.shape == (10000, 10)
    assert votes.sum() == 511_000
    assert votes.sum(axis=1).min() == 47


@needs("cifar-10n/CIFAR-10_human.pt")
def test_real_cifar10n(tmp_path):
    votes = fetched(tmp_path, "cifar10n").read_votes(tmp_path)["train"]
    assert votes.shape == (50000, 10)
    assert (votes.sum(axis=1) == 3).all()


@needs("cifar-10s/cifar10s_t2clamp_redist10.json")
def test_real_cifar10s(tmp_path):
    fetched(tmp_path, "cifar10s")
    labels = read_soft_labels(tmp_path)
    assert labels.shape == (10000, 10)
    known = labels.sum(axis=1) > 0
    assert known.sum() == 1000
    np.testing.assert_allclose(labels[known].sum(axis=1), 1)
    asked = read_asked(tmp_path)
    np.testing.assert_array_equal(asked > 0, known)
    assert (asked[known].min(), asked.max()) == (6, 11)
    assert labels[0].argmax() == 3  # a cat
    assert 0.1 < labels[0, 5] < 0.4  # that some take for a dog


@needs("cifar-10n/CIFAR-10_human.pt", "cifar-10-batches-py/data_batch_1")
def test_a_model_of_annotators_is_right_more_often_than_the_majority_of_three(tmp_path):
    for source in ("cifar10", "cifar10n"):
        (tmp_path / source).mkdir()
        fetched(tmp_path / source, source)
    labels = DATA_SOURCES["cifar10"].read(tmp_path / "cifar10")["train"].labels
    votes = DATA_SOURCES["cifar10n"].read_votes(tmp_path / "cifar10n")["train"]
    right = {source: (source(votes).argmax(axis=1) == labels).mean() for source in (dawid_skene, majority)}
    assert right[majority] == pytest.approx(0.912, abs=0.002)
    assert right[dawid_skene] == pytest.approx(0.920, abs=0.002)


@needs("MNIST/raw", "FashionMNIST/raw")
@pytest.mark.parametrize("source", ["mnist", "fashion_mnist"])
def test_real_mnist_family(tmp_path, source):
    parts = fetched(tmp_path, source).read(tmp_path)
    assert parts["train"].images.shape == (60000, 28, 28, 1)
    assert parts["test"].images.shape == (10000, 28, 28, 1)
    assert len(parts["train"].classes) == 10
    assert set(parts["test"].labels) == set(range(10))


def test_checksums_that_stand_for_a_download_are_those_of_torchvision():
    """Which checks the files with its own."""
    from torchvision.datasets import CIFAR10, CIFAR100, SVHN

    for module, checksums in (
        (cifar, [CIFAR10.tgz_md5, CIFAR100.tgz_md5]),
        (svhn, [SVHN.split_list[part][2] for part in ("train", "test")]),
    ):
        code = Path(module.__file__).read_text()
        assert all(f'"md5:{checksum}"' in code for checksum in checksums)
