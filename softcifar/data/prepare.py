"""From raw data sets to one study: three splits with their labels and votes, and the sets of novel images."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from softcifar.data import DATA_SOURCES
from softcifar.data.drawing import LUMINANCE
from softcifar.data.images import Images, Source
from softcifar.data.patches import patch_covariance
from softcifar.data.protocols import PROTOCOLS, Splits
from softcifar.data.splits import PARTS
from softcifar.errors import UserError, choose
from softcifar.files import atomic_folder, write_json, write_npz


def prepare(
    raw: Path,
    study: Path,
    ood: Path,
    corruptions: Path,
    *,
    sources: dict[str, str],
    protocol: str,
    images: str,
    votes: dict[str, str],
    sizes: dict[str, int | None],
    split_seed: int,
    ood_sets: Iterable[str],
    corrupted: str | None = None,
    count: int = 1,
) -> dict:
    """Write study/{train,validation,test}.npz and inputs.json, ood/<name>.npz, and a manifest.json in each; return the study's.

    Also corruptions/<data set>_<corruption>.npz, images uint8 (5, N, H, W, C) by severity, of the N test images, where
    `corrupted` names a data set that holds them.

    count: splits of the images into three parts. Of several, each file holds the images that it has in any of them once, and
    `rows`, int64 (count, N), says which are those of each split (softcifar.data.splits.of_rows); inputs.json is then a list,
    and so are the manifest's mean and std, and the per_class and index of each part.
    raw: holds a folder per data set; only those named here are read. sources: {data set: its source}. images: the data
    set to learn. votes: {part: data set whose votes join that part's images}. sizes: {split: images, None: the rest}.
    ood_sets: data sets of novel images. Raises UserError for combinations that do not fit.
    """
    parts = _labelled(raw, images, sources)
    parts = _join_votes(raw, parts, images, votes, sources)
    splits = choose(PROTOCOLS, protocol, "data.protocol")(parts, sizes, split_seed, count)
    shape = next(iter(parts.values())).images.shape[1:]
    study.mkdir(parents=True, exist_ok=True)
    # Nothing is moved into place before everything has been made. The folder itself stays, with what others keep there.
    with (
        TemporaryDirectory(dir=study, prefix=".part-") as part,
        atomic_folder(ood) as ood_part,
        atomic_folder(corruptions) as corruptions_part,
    ):
        manifest, inputs = _write_study(Path(part), parts, splits)
        manifest |= {"protocol": protocol, "dataset": images, "source": sources[images], "split_seed": split_seed}
        write_json(Path(part) / "manifest.json", manifest)
        # What networks are built from, apart: the manifest also names test images, which must not touch training.
        write_json(Path(part) / "inputs.json", _alone(inputs))
        _write_ood(ood_part, raw, images, ood_sets, sources, shape)
        _write_corrupted(corruptions_part, raw, corrupted, sources, parts, [each["test"] for each in splits])
        for file in sorted(Path(part).iterdir()):
            file.replace(study / file.name)
    return manifest


def _source(sources: dict[str, str], name: str, key: str) -> Source:
    return choose(DATA_SOURCES, choose(sources, name, key), f"datasets.{name}.source")


def _labelled(raw: Path, name: str, sources: dict[str, str]) -> dict[str, Images]:
    source = _source(sources, name, "data.images")
    if source.read_data_sets is not None:
        raise UserError(f"data.images: '{name}' (source {sources[name]}) holds many data sets; allowed with protocol: repeated")
    if source.read is None:
        raise UserError(f"data.images: '{name}' (source {sources[name]}) holds votes, no images; name it under data.votes")
    parts = source.read(raw / name)
    for part, content in parts.items():
        if content.labels is None:
            raise UserError(
                f"data.images: the {part} images of '{name}' have no labels; such a set is allowed under data.ood only"
            )
    classes = parts["train"].classes if "train" in parts else parts["test"].classes
    if len(classes) < 2:
        raise UserError(f"data.images: '{name}' has {len(classes)} class; two or more are needed")
    return parts


def _join_votes(
    raw: Path, parts: dict[str, Images], images: str, votes: dict[str, str], sources: dict[str, str]
) -> dict[str, Images]:
    """Put each table of votes beside the part that it was taken on; row n belongs to image n of the official order."""
    joined = dict(parts)
    for part, name in votes.items():
        key = f"data.votes.{part}"
        content = choose(parts, part, "data.votes")
        source = _source(sources, name, key)
        if source.read_votes is None:
            raise UserError(f"{key}: '{name}' (source {sources[name]}) holds images; a data set that holds votes is allowed")
        table = choose(source.read_votes(raw / name), part, f"{key}: '{name}'")
        if len(table) != len(content.images):
            raise UserError(f"{key}: '{name}' has votes on {len(table)} images, '{images}' has {len(content.images)}")
        if table.shape[1] != len(content.classes):
            raise UserError(
                f"{key}: '{name}' has votes for {table.shape[1]} classes, '{images}' has {len(content.classes)} classes"
            )
        joined[part] = replace(content, votes=table)
    return joined


def _write_study(folder: Path, parts: dict[str, Images], splits: Splits) -> tuple[dict, list[dict]]:
    """Write the three files; the manifest, and what networks are built from in each split."""
    manifest: dict = {"splits": {}}
    inputs = []
    for name in PARTS:
        part, indices = splits[0][name][0], [split[name][1] for split in splits]
        content = parts[part]
        index, rows = _once(indices)
        arrays = {"images": content.images[index], "labels": content.labels[index], "index": index}
        known = {each: getattr(content, each) for each in ("votes", "exact", "ambiguous")}
        arrays |= {each: values[index] for each, values in known.items() if values is not None}
        per_class = [np.bincount(content.labels[each], minlength=len(content.classes)) for each in indices]
        if name == "train":
            about = {"classes": list(content.classes), "image_shape": list(content.images.shape[1:])}
            for each, counts in zip(indices, per_class, strict=True):
                _check_classes(counts, content.classes)
                mean, std = _channel_statistics(content.images[each])
                covariance = patch_covariance(content.images[each], mean, std)
                inputs.append({**about, "mean": mean, "std": std, "covariance": covariance})
            manifest |= about | {key: _alone([each[key] for each in inputs]) for key in ("mean", "std")}
        if rows is not None:
            arrays["rows"] = rows
        write_npz(folder / f"{name}.npz", **arrays)
        manifest["splits"][name] = {
            "count": len(indices[0]),
            "per_class": _alone([counts.tolist() for counts in per_class]),
            "part": part,
            "index": _alone([each.tolist() for each in indices]),
            "sha256": {each: checksum(values) for each, values in arrays.items()},
        }
    return manifest, inputs


def _once(indices: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """Every position that is in any of the splits, rising, and, where there are several, each split's rows of those (k, N)."""
    if len(indices) == 1:
        return indices[0], None
    union = np.unique(np.concatenate(indices))
    return union, np.stack([np.searchsorted(union, each) for each in indices])


def _alone(values: list) -> object:
    """What a manifest says of its splits: a list, or the one value where there is one split."""
    return values if len(values) > 1 else values[0]


def _check_classes(per_class: np.ndarray, classes: tuple[str, ...]) -> None:
    empty = np.flatnonzero(per_class == 0)
    if len(empty):
        raise UserError(
            f"data.images: no training image has the label {empty[0]} ('{classes[empty[0]]}'); "
            f"labels count from 0 to {len(classes) - 1} and every class needs images"
        )


def _channel_statistics(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of every channel, pixels in 0..1; exact, from counts of the 256 values."""
    means, deviations = [], []
    values = np.arange(256) / 255
    for channel in range(images.shape[3]):
        # in pieces: counting needs 8 bytes a pixel
        counts = sum(
            np.bincount(images[n : n + 1000, ..., channel].ravel(), minlength=256) for n in range(0, len(images), 1000)
        )
        share = counts / counts.sum()
        mean = float((share * values).sum())
        deviation = float(np.sqrt((share * (values - mean) ** 2).sum()))
        if deviation == 0:
            raise UserError(f"data.images: channel {channel} has the same value in every training image")
        means.append(mean)
        deviations.append(deviation)
    return means, deviations


def _write_ood(
    folder: Path, raw: Path, images: str, ood_sets: Iterable[str], sources: dict[str, str], shape: tuple[int, ...]
) -> None:
    manifest = {}
    for name in ood_sets:
        if name == images:
            raise UserError(f"data.ood: '{name}' is the data set that is learned (data.images); novel images must be others")
        source = _source(sources, name, "data.ood")
        if source.read is None:
            raise UserError(f"data.ood: '{name}' (source {sources[name]}) holds votes, no images")
        parts = source.read(raw / name)
        novel = converted((parts["test"] if "test" in parts else parts["train"]).images, shape)
        write_npz(folder / f"{name}.npz", images=novel)
        manifest[name] = {
            "count": len(novel),
            "source": sources[name],
            "sha256": {"images": checksum(novel)},
        }
    write_json(folder / "manifest.json", manifest)


def _write_corrupted(
    folder: Path,
    raw: Path,
    name: str | None,
    sources: dict[str, str],
    parts: dict[str, Images],
    tests: list[tuple[str, np.ndarray]],
) -> None:
    """A file per corruption, and the list of them; tests: the test part of every split."""
    write_json(folder / "manifest.json", {"corruptions": []})
    if name is None:
        return
    source = _source(sources, name, "data.corrupted")
    if source.read_corrupted is None:
        raise UserError(
            f"data.corrupted: '{name}' (source {sources[name]}) holds no corrupted copies; allowed: source cifar10c"
        )
    part, (index, rows), listed = tests[0][0], _once([index for _, index in tests]), []
    for corruption, copies in source.read_corrupted(raw / name):
        if part != "test" or copies.shape[1:] != parts[part].images.shape:
            raise UserError(
                f"data.corrupted: '{name}' has copies of {copies.shape[1]:,} test images {copies.shape[2:]}; the study's test "
                f"images are from the {part} part, {len(parts[part].images):,} images {parts[part].images.shape[1:]}"
            )
        listed.append(f"{name}_{corruption}")
        arrays = {"images": copies[:, index]} | ({} if rows is None else {"rows": rows})
        write_npz(folder / f"{listed[-1]}.npz", **arrays)
    write_json(folder / "manifest.json", {"corruptions": listed})


def converted(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Images uint8 (N, H, W, C) as (height, width, channels) of `shape`: grey to RGB or back, resized, antialiased."""
    height, width, channels = shape
    if images.shape[3] == 1 and channels == 3:
        images = np.repeat(images, 3, axis=3)
    elif images.shape[3] == 3 and channels == 1:
        images = np.rint(images @ LUMINANCE).astype(np.uint8)[..., None]
    if images.shape[1:3] == (height, width):
        return images
    resized = np.empty((len(images), height, width, channels), np.uint8)
    for target, image in zip(resized, images, strict=True):
        picture = Image.fromarray(image[..., 0] if channels == 1 else image)
        small = picture.resize((width, height), Image.Resampling.BICUBIC)
        target[...] = np.asarray(small).reshape(height, width, channels)
    return resized


def checksum(values: np.ndarray) -> str:
    """sha256 of an array's values in row-major order."""
    return hashlib.sha256(np.ascontiguousarray(values).data).hexdigest()
