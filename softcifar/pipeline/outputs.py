"""Where stages leave what they make, item by item, and what another study or a removed item left in those places."""

import shutil
import time
from pathlib import Path

from softcifar.errors import UserError
from softcifar.pipeline.record import record_of

# stage -> where it leaves an item
OUTPUTS = {
    "download": ("data/raw/{}",),
    "teach": ("models/teachers/{}",),
    "soften": ("data/labels/{}.npz",),
    "train": ("models/students/{}",),
    "surrogate": ("data/surrogates/{}.npz",),
    "evaluate": ("scores/students/{}",),
    "novelty": ("scores/novelty/{}",),
    "distill": ("models/shallow/{}", "scores/shallow/{}"),
    "simulate": ("scores/simulations/{}",),
    "acquire": ("scores/acquisitions/{}",),
    "illustrate": ("scores/illustrations/{}.npz",),
}
WHOLE = {"prepare": "data/study", "report": "reports/index.html"}  # of stages without items
LEFT, KEEP_DAYS = Path(".state/left"), 30


def outputs(plan: list[str], root: Path) -> list[Path]:
    """The outputs of every item of a plan, given the names of its files: ['train/hard.json', 'report.json', ...]."""
    paths = [root / place for place in WHOLE.values()]
    for file in plan:
        stage, _, item = file.removesuffix(".json").partition("/")
        paths += [root / place.format(item) for place in OUTPUTS.get(stage, ())]
    return paths


def output_of(stage: str, root: Path) -> Path | None:
    """Where a stage by its name in dvc.yaml ('train@hard', 'report') leaves what it makes, and beside it its record."""
    name, _, item = stage.partition("@")
    if name in OUTPUTS:
        return root / OUTPUTS[name][0].format(item)
    return root / WHOLE[name] if name in WHOLE else None


def entry_of(output: Path) -> str | None:
    """The other way round: the file of the plan ('train/hard.json') of the item that leaves `output`."""
    name = output.as_posix()
    for stage, (place, *_) in OUTPUTS.items():
        start, _, end = place.partition("{}")
        if name.startswith(start) and name.endswith(end):
            return f"{stage}/{name.removeprefix(start).removesuffix(end)}.json"
    return next((f"{stage}.json" for stage, place in WHOLE.items() if name == place), None)


def folders(root: Path) -> dict[Path, str]:
    """The folders of items, and how an item's output ends there: '.npz', or '' for a folder."""
    return {(root / place).parent: place.partition("{}")[2] for places in OUTPUTS.values() for place in places}


def tidy(plan: list[str], root: Path) -> list[Path]:
    """Move what the plan's items did not make out of the folders that stages depend on as a whole; returns what was moved.

    Otherwise it would be an input: DVC compares whole folders. What is moved lies in .state/left, what a stage noted that it
    made for `KEEP_DAYS` days; what DVC made is in its cache as well, and comes back from there. Folders that a study without
    such items depends on are made. UserError, and nothing is moved, where something lies there that no stage can have made.
    """
    wanted, left = set(outputs(plan, root)), []
    wanted |= {record_of(path) for path in wanted}
    for folder, ending in folders(root).items():
        folder.mkdir(parents=True, exist_ok=True)
        others = [path for path in sorted(folder.iterdir()) if path not in wanted and not path.name.startswith(".")]
        left += others
        for path in others:
            made = path.is_file() and path.name.endswith(ending) if ending else path.is_dir()
            if not (made or path.name.endswith(".run.json")):
                raise UserError(f"{path}: no stage made this, and stages depend on its folder as a whole; move it elsewhere")
    for path in left:
        _move(path, root / LEFT / path.relative_to(root))
    _forget_old(root / LEFT)
    return left


def _move(path: Path, target: Path) -> None:
    """Replace an earlier leftover only where a stage noted that it made that."""
    number, place = 1, target
    while place.exists() and not (record_of(place).exists() or place.name.endswith(".run.json")):
        number, place = number + 1, target.with_name(f"{target.name}~{number + 1}")
    _remove(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, place)


def _forget_old(left: Path) -> None:
    for record in left.glob("*/*/*.run.json"):
        if time.time() - record.lstat().st_ctime > KEEP_DAYS * 86400:
            _remove(record.with_name(record.name.removesuffix(".run.json")))
            _remove(record)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
