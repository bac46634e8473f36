"""Derive one label source's probability vector for every training image: python -m stages.soften <label source>."""

from pathlib import Path

import numpy as np

from softcifar.data.cifar10s import read_soft_labels
from softcifar.data.splits import Split, folder_of, load_inputs, load_split, write_splits
from softcifar.errors import UserError
from softcifar.files import read_npz
from softcifar.labels import LABEL_SOURCES
from softcifar.labels.one_hot import hard
from softcifar.labels.source import inputs as needed
from softcifar.labels.source import of_teacher
from softcifar.params.candidates import label_candidates
from softcifar.params.sections import LabelSource
from softcifar.pipeline.stage import entry, run

STUDY = Path("data/study")


def main() -> Path:
    plan = entry("soften", "label source")
    chosen, out, inputs = LabelSource(**plan.params), Path("data/labels") / f"{plan.name}.npz", load_inputs(STUDY)
    # A source that needs the student's own predictions is applied while it trains; until then its labels are hard.
    online = "student_logits" in needed(LABEL_SOURCES[chosen.source])
    function = hard if online else LABEL_SOURCES[chosen.source]
    arrays = []
    for split, manifest in enumerate(inputs):
        train = load_split(STUDY, "train", split)
        if "votes" in needed(function) and train.votes is None:
            raise UserError(
                f"labels.{plan.name}: source '{chosen.source}' needs people's votes, but the training images "
                "have none; name a data set of votes as data.votes.train"
            )
        given = {"labels": train.labels, "num_classes": len(manifest["classes"]), "votes": train.votes}
        if chosen.people is not None:
            given["soft_labels"] = read_soft_labels(Path("data/raw") / chosen.people)[train.index]
        if chosen.teacher is not None:
            taught = folder_of(Path("models/teachers") / chosen.teacher, split, len(inputs))
            given |= _of_teacher(taught, chosen, train)
        probs = [
            function(*(given[each] for each in needed(function)), **({} if online else one.options))
            for _, one in label_candidates(chosen)
        ]
        arrays.append({"probs": np.stack(probs).astype(np.float32), "index": train.index, "online": np.bool_(online)})
    write_splits(out, arrays)
    return out


def _of_teacher(folder: Path, chosen: LabelSource, train: Split) -> dict[str, np.ndarray]:
    taught = read_npz(folder / "logits.npz", "logits", "index", "temperature")
    if not np.array_equal(taught["index"], train.index):
        raise UserError(f"teachers.{chosen.teacher}: learned from other training images; run its teach stage again")
    return of_teacher(taught["logits"], float(taught["temperature"]), calibrated=chosen.calibrated)


if __name__ == "__main__":
    run(main)
