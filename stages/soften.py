"""Derive one label source's probability vector for every training image: python -m stages.soften <label source>."""

from pathlib import Path

import numpy as np

from softcifar.data.splits import load_split
from softcifar.errors import UserError
from softcifar.files import read_json, read_npz, write_npz
from softcifar.labels import LABEL_SOURCES
from softcifar.labels.one_hot import hard
from softcifar.labels.source import inputs, of_teacher
from softcifar.params.candidates import label_candidates
from softcifar.params.sections import LabelSource
from softcifar.pipeline.stage import entry, run


def main() -> Path:
    plan = entry("soften", "label source")
    chosen, out = LabelSource(**plan.params), Path("data/labels") / f"{plan.name}.npz"
    split, manifest = load_split(Path("data/study/train.npz")), read_json("data/study/inputs.json")
    given = {"labels": split.labels, "num_classes": len(manifest["classes"]), "votes": split.votes}
    if chosen.teacher is not None:
        taught = read_npz(Path("models/teachers") / chosen.teacher / "logits.npz", "logits", "index", "temperature")
        if not np.array_equal(taught["index"], split.index):
            raise UserError(f"teachers.{chosen.teacher}: learned from other training images; run its teach stage again")
        given |= of_teacher(taught["logits"], float(taught["temperature"]), calibrated=chosen.calibrated)
    # A source that needs the student's own predictions is applied while it trains; until then its labels are hard.
    online = "student_logits" in inputs(LABEL_SOURCES[chosen.source])
    function = hard if online else LABEL_SOURCES[chosen.source]
    if "votes" in inputs(function) and split.votes is None:
        raise UserError(
            f"labels.{plan.name}: source '{chosen.source}' needs people's votes, but the training images "
            "have none; name a data set of votes as data.votes.train"
        )
    probs = [
        function(*(given[each] for each in inputs(function)), **({} if online else one.options))
        for _, one in label_candidates(chosen)
    ]
    write_npz(
        out,
        probs=np.stack(probs).astype(np.float32),
        index=split.index,
        online=np.bool_(online),
    )
    return out


if __name__ == "__main__":
    run(main)
