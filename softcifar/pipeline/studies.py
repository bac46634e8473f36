"""The studies, a folder each: which one runs, and whether what was published of it still holds.

    python -m softcifar.pipeline.studies                  writes their index, studies/README.md
    python -m softcifar.pipeline.studies --switch NAME    makes NAME the study that runs: its params.yaml, its dvc.lock

studies/<name>/ holds params.yaml (the whole study), README.md (the question) and, once `make publish` has stored a finished
run there (softcifar.pipeline.publish), dvc.lock, tables/, figures/ and metrics.json.
"""

import argparse
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml

from softcifar.errors import UserError, suggestion
from softcifar.files import atomic, md5, write_text
from softcifar.pipeline.jobs.__main__ import lock_folder
from softcifar.pipeline.stage import PARAMS, PLAN, run

if TYPE_CHECKING:
    from softcifar.pipeline.fingerprint import Code

FOLDER, LOCK, README = "studies", "dvc.lock", "README.md"
State = Literal["fresh", "networks fresh", "stale", "not published"]
HEAD = """# Studies

`make repro STUDY=<name>` runs one; `make publish` stores what came out in its folder and writes this table anew
(`python -m softcifar.pipeline.studies` does that alone). *Fresh*: the published results are those of the code and params that
lie here. *Networks fresh*: so are the networks and their scores, and only the report's code has changed since. *Stale*: code or
params that decide them have changed since, or what they were made of was not recorded.

| study | question | runs on | time taken | results |
|---|---|---|---|---|
"""


def names(root: Path) -> list[str]:
    """The studies of the project in `root`, sorted."""
    folders = (path.parent.name for path in (root / FOLDER).glob(f"*/{PARAMS}"))
    return sorted(name for name in folders if not name.startswith("."))


def switch(root: Path, name: str) -> bool:
    """Make `name` the study that runs; False where it is already. UserError where edits would be lost.

    The root's dvc.lock becomes the published one of the study. Where none is published it stays: entries of stages that
    another study shares only say what those last ran with, and DVC looks into its cache of runs before it runs one anew.
    """
    known = names(root)
    if name not in known:
        raise UserError(f"STUDY: there is no study '{name}'{suggestion(name, known)}")
    chosen, running = root / FOLDER / name, root / PARAMS
    wanted = (chosen / PARAMS).read_bytes()
    if running.exists():
        current = running.read_bytes()
        if current == wanted:
            return False
        if not any(current == (root / FOLDER / each / PARAMS).read_bytes() for each in known):
            raise UserError(
                f"{PARAMS}: holds edits that no {FOLDER}/*/{PARAMS} holds and that STUDY={name} would overwrite; to keep them, "
                f"give its key study a new name and store it: mkdir {FOLDER}/<that name> && cp {PARAMS} {FOLDER}/<that name>/; "
                f"to drop them, remove {PARAMS}"
            )
    if (chosen / LOCK).exists():  # first, so that a run cut short in between is switched again
        _copy(chosen / LOCK, root / LOCK)
    _copy(chosen / PARAMS, running)
    return True


def _copy(source: Path, target: Path) -> None:
    with atomic(target) as part:
        part.write_bytes(source.read_bytes())


def state(root: Path, name: str, code: "Code | None" = None) -> State:
    """Whether results of a study are published, and whether the code and params that lie here would give the same.

    code: what has been read of `root`'s code before; several studies share it.
    """
    folder = root / FOLDER / name
    if not (folder / "tables").is_dir():
        return "not published"
    if not (folder / LOCK).exists():  # published before runs were recorded
        return "stale"
    recorded, present = recorded_plan(folder / LOCK), present_plan(folder / PARAMS, root, code)
    if recorded == present:
        return "fresh"
    report = {f"{PLAN}/report.json": ""}
    return "networks fresh" if recorded | report == present | report else "stale"


def recorded_plan(lock: Path) -> dict[str, str]:
    """{file of the plan: md5} of all that the stages in a dvc.lock were run with."""
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"].values()
    deps = [dep for stage in stages for dep in stage.get("deps", [])]
    return {dep["path"]: dep["md5"] for dep in deps if dep["path"].startswith(f"{PLAN}/")}


def present_plan(params: Path, root: Path, code: "Code | None" = None) -> dict[str, str]:
    """{file of the plan: md5} that stage plan would write now."""
    from softcifar.params.study import load  # here, because they import torch and a switch needs none
    from softcifar.pipeline.plan import entries, text

    return {f"{PLAN}/{name}": md5(text(entry).encode()) for name, entry in entries(load(params), root, code).items()}


def index(root: Path) -> str:
    """The text of studies/README.md: a row per study."""
    from softcifar.pipeline.fingerprint import Code

    code = Code(root)
    return HEAD + "".join(_row(root, name, code) for name in names(root))


def _row(root: Path, name: str, code: "Code") -> str:
    text = readme(root, name)
    results = state(root, name, code)
    if results != "not published":
        results = f"*{results}*"
    return f"| [`{name}`]({name}/) | {question(text)} | {item(text, 'runs on')} | {item(text, 'time')} | {results} |\n"


def readme(root: Path, name: str) -> str:
    """A study's README.md; where it has none, one made of its params."""
    path = root / FOLDER / name / README
    if path.exists():
        return path.read_text(encoding="utf-8")
    return from_params(name, (root / FOLDER / name / PARAMS).read_text(encoding="utf-8"))


def from_params(name: str, params: str) -> str:
    """A README to begin with: the comment at the top of the text of a params.yaml."""
    top = itertools.takewhile(lambda line: line.startswith("#"), params.splitlines())
    about = " ".join(line.lstrip("# ") for line in top).removeprefix(f"{name}: ")
    return f"# {name}\n\n{about or 'No question is written down.'}\n\n- command: `make repro STUDY={name}`\n"


def question(text: str) -> str:
    """The first paragraph of a study's README, below its title, on one line."""
    paragraphs = [part for part in re.split(r"\n\s*\n", text.strip()) if not part.startswith("#")]
    return " ".join(paragraphs[0].split()) if paragraphs else "–"


def item(text: str, key: str) -> str:
    """What a study's README says in its line '- key: ...', an en dash where it has none."""
    line = re.search(rf"^- {key}: (.+)$", text, re.MULTILINE)
    return line[1] if line else "–"


def write_index(root: Path) -> None:
    write_text(root / FOLDER / README, index(root))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m softcifar.pipeline.studies", description=__doc__.partition(":")[0] + ".")
    parser.add_argument("--switch", metavar="NAME", help="make this the study that runs, instead of writing the index")
    name = parser.parse_args().switch
    if name is None:
        write_index(Path())
        return
    lock_folder()  # no stage is at work whose params would change under it
    if switch(Path(), name):
        print(f"{PARAMS}: now the study {name}")


if __name__ == "__main__":
    run(main)
