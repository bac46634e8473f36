"""Store the finished run in the folder of its study: python -m softcifar.pipeline.publish [--note TEXT] (make publish).

studies/<study>/ gets params.yaml, dvc.lock (what the run was made of), the tables, the figures that its README.md shows,
metrics.json, and the part of README.md between two marks: command, hardware, time, versions, what came out. What else lies
in the folder, and what people wrote in README.md, stays. A note (make publish NOTE='...') says what the stages cannot know, for
instance what else ran on the machine; it is about one run, so it is given with every publishing.
"""

import argparse
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd
import yaml

from softcifar.errors import UserError, suggestion
from softcifar.files import atomic_folder, read_json, write_text
from softcifar.metrics.statistics import MOST
from softcifar.params.study import Study, load
from softcifar.pipeline import provenance, studies
from softcifar.pipeline.jobs.__main__ import lock_folder
from softcifar.pipeline.jobs.dvc_command import ask
from softcifar.pipeline.stage import PARAMS, run

BEGIN, END = "<!-- written by make publish, from here -->", "<!-- to here -->"
LARGEST = 2**20  # bytes of one file
LISTED = 15  # rows that more runs would decide, those of the fewest runs
LONGEST = 8  # stages named with their time
LONGEST_NOTE = 300  # characters
TABLES = (".csv", ".md")


def publish(root: Path, lock: int, note: str = "") -> tuple[Path, list[str]]:
    """Store the run in `root`, the current folder; returns the study's folder and what the user should know, a line each.

    lock: the descriptor of softcifar.pipeline.jobs' lock on the folder; note: one line about the run, "" for none.

    UserError, and nothing written, where the run is not finished or its params are not those of the study it names.
    """
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise UserError(f"NOTE: found {len(note):,} characters; allowed: one line of at most {LONGEST_NOTE}")
    study = load(root / PARAMS)
    folder = root / studies.FOLDER / study.study
    _own(root, folder)
    made_of = finished_lock(root, lock)
    tables = _tables(root / "reports/tables")
    readme = folder / studies.README
    written = readme.read_text(encoding="utf-8") if readme.exists() else None
    text = written or studies.from_params(study.study, (root / PARAMS).read_text(encoding="utf-8"))
    figures = shown_figures(text, root / "reports/figures", readme.relative_to(root))
    large = [path for path in tables if path.stat().st_size > LARGEST]
    stored = {"tables": [path for path in tables if path not in large], "figures": figures, "": [root / "reports/metrics.json"]}
    part = published_part(study, root, made_of, root / "reports/tables", note)
    new_text = with_part(text, part, readme.relative_to(root))
    with atomic_folder(folder) as new:
        if folder.exists():
            shutil.copytree(folder, new, dirs_exist_ok=True, ignore=_replaced(folder))
        (new / PARAMS).write_bytes((root / PARAMS).read_bytes())
        write_text(new / studies.LOCK, made_of)
        write_text(new / studies.README, new_text)
        for place, paths in stored.items():
            for path in paths:
                (new / place).mkdir(exist_ok=True)
                shutil.copyfile(path, new / place / path.name)
    write_text(root / studies.LOCK, made_of)  # what switching to the study would bring
    studies.write_index(root)
    told = [f"{path.relative_to(root)}: left out, larger than {LARGEST // 2**20} MiB" for path in large]
    if (before := studies.item(text.partition(BEGIN)[2].partition(END)[0], "note")) not in ("–", note):
        told.append(f"{readme.relative_to(root)}: no longer has the note '{before}'; make publish NOTE='...' writes one")
    return folder, told


def _replaced(folder: Path) -> Callable[[str, list[str]], set[str]]:
    """For copytree: what every publishing writes anew."""
    return lambda place, _: {"tables", "figures", "metrics.json"} if Path(place) == folder else set()


def _own(root: Path, folder: Path) -> None:
    """The params must be those of the study that they name, or of a new one."""
    there = folder / PARAMS
    if there.exists() and there.read_bytes() != (root / PARAMS).read_bytes():
        name = there.relative_to(root)
        raise UserError(
            f"{PARAMS}: its key study is '{folder.name}', but it differs from {name}; give it a name of its own and run "
            f"make repro (only the report runs), or let that study change: cp {PARAMS} {name}"
        )


def finished_lock(root: Path, lock: int) -> str:
    """The root's dvc.lock without entries of other studies; UserError where a stage of this one is out of date."""
    changed = json.loads(ask("status", "--json", lock=lock, meanwhile=lambda: None))
    if changed:
        some = ", ".join(list(changed)[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        raise UserError(f"{PARAMS}: the study is not finished, out of date: {some}; run make repro, then make publish")
    stages = ask("stage", "list", "--all", "--name-only", lock=lock, meanwhile=lambda: None).split()
    return only((root / studies.LOCK).read_text(encoding="utf-8"), stages)


def only(text: str, stages: Iterable[str]) -> str:
    """The text of a dvc.lock with the entries of these stages alone."""
    wanted, lines, keep = set(stages), [], True
    for line in text.splitlines(keepends=True):
        if entry := re.match(r"  ([^\s'\"].*):$", line):
            keep = entry[1] in wanted
        elif not line.startswith(" "):
            keep = True
        if keep:
            lines.append(line)
    kept = "".join(lines)
    if missing := wanted - (yaml.safe_load(kept)["stages"] or {}).keys():
        raise UserError(f"{studies.LOCK}: has no entry of {min(missing)}; run make repro, then make publish")
    return kept


def _tables(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.glob("*") if path.suffix in TABLES)
    if not {"summary.csv", "summary.md"} <= {path.name for path in files}:
        raise UserError(
            f"{folder.parent.name}/{folder.name}: has no summary.csv and summary.md; run make repro, then make publish"
        )
    return files


def shown_figures(text: str, folder: Path, readme: Path) -> list[Path]:
    """The files of the figures that a README shows as ![...](figures/...)."""
    there = [path.name for path in folder.glob("*")]
    wanted = list(dict.fromkeys(re.findall(r"!\[[^]]*\]\(figures/([^)\s]+)\)", text)))
    for name in wanted:
        if name not in there:
            raise UserError(f"{readme}: shows figures/{name}, which the report does not have{suggestion(name, there)}")
        if (size := (folder / name).stat().st_size) > LARGEST:
            raise UserError(f"{readme}: shows figures/{name} of {size:,} bytes; allowed: {LARGEST:,}")
    return [folder / name for name in wanted]


def published_part(study: Study, root: Path, lock: str, tables: Path, note: str = "") -> str:
    """What stands between the marks: how the run was made and what came out."""
    recorded = provenance.records(root, yaml.safe_load(lock)["stages"])
    slowest = sorted(recorded.items(), key=lambda item: -item[1].seconds)[:LONGEST]
    each = ", ".join(f"{name} {provenance.duration(record.seconds)}" for name, record in slowest)
    facts = {
        "command": f"`make repro STUDY={study.study}`",
        "hardware": provenance.hardware(recorded.values()),
        "time": provenance.time_taken(recorded),
        **({"note": note} if note else {}),
        "longest stages": each or "none recorded",
        "versions": provenance.versions(recorded.values()),
        "n": _counts(study),
        "finished": max((record.finished.split()[0] for record in recorded.values()), default="not recorded"),
    }
    return render(facts, tables, to_decide(tables, study.seeds.runs, seconds_of_a_run(root, recorded)))


def _counts(study: Study) -> str:
    if study.simulations:
        return f"{study.seeds.runs} networks per method and data set"
    counted = [f"{len(study.students)} students"] if study.students else []
    counted += [f"{len(study.acquisitions)} strategies and pools of active learning"] if study.acquisitions else []
    return f"{' and '.join(counted)}, {study.seeds.runs} run{'s' * (study.seeds.runs > 1)} each"


def render(facts: dict[str, str], tables: Path, decisions: str) -> str:
    """Facts as a list, then what came out, from the tables findings.csv, claims.csv and summary.md, and what would decide the
    rest."""
    listed = "".join(f"- {key}: {value}\n" for key, value in facts.items())
    summary = re.sub(r"\A#.*\n", "", (tables / "summary.md").read_text(encoding="utf-8")).strip()
    came_out = f"{findings(tables)}{claims_in_words(tables)}{decisions}{summary}"
    return f"## What came out\n\n{listed}\n{came_out}\n\nAll tables: [tables/](tables/).\n"


def findings(tables: Path) -> str:
    """What is compared, and the sentences with which the page opens, those of a question under it; "" where there are none."""
    if not (tables / "findings.csv").exists():
        return ""
    compared, *found = pd.read_csv(tables / "findings.csv").groupby("question", sort=False)["finding"].agg(list).items()
    text = f"{compared[1][0]}\n\n"
    for question, said in found:
        text += f"- {question} {said[0]}\n" if len(said) == 1 else f"- {question}\n" + "".join(f"  - {each}\n" for each in said)
    note = (tables / "findings.md").read_text(encoding="utf-8").strip().rpartition("\n\n")[2]
    return f"{text}\n{note}\n\n"


def claims_in_words(tables: Path) -> str:
    """A line per published claim that the run was held against: how many of its rows support it."""
    if not (tables / "claims.csv").exists():
        return ""
    claims = pd.read_csv(tables / "claims.csv")
    lines = []
    for (number, statement), rows in claims.groupby(["claim", "statement"], sort=False):
        together, at_once = (rows["compared"].str.contains(words) for words in (" pairs together ", " at once(?:$|:)"))
        counted = Counter(rows.loc[~together & ~at_once, "verdict"])
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counted.items(), key=lambda item: -item[1]))
        first = [f"{row.metric} of all pairs together {row.verdict}" for row in rows[together].itertuples()]
        first += [
            f"{row.metric.removesuffix(', points')}, against all at once: {row.verdict}" for row in rows[at_once].itertuples()
        ]
        lines.append(f"- {number}. {statement.rstrip('.')}: {'; '.join([*first, verdicts])}.\n")
    return f"Published claims, by rows of [claims](tables/claims.md):\n\n{''.join(lines)}\n"


def seconds_of_a_run(root: Path, recorded: Mapping[str, provenance.Record]) -> dict[str, float]:
    """{student or acquisition: seconds that one more run would take}: training, evaluation, distillation, as stages noted."""
    known = {}
    for name in (stage.removeprefix("acquire@") for stage in recorded if stage.startswith("acquire@")):
        abouts = [read_json(path) for path in sorted((root / "scores/acquisitions" / name).rglob("about.json"))]
        known[name] = recorded[f"acquire@{name}"].seconds / sum(about["runs"] for about in abouts)
    for name in (stage.removeprefix("train@") for stage in recorded if stage.startswith("train@")):
        abouts = [read_json(path) for path in sorted((root / "models/students" / name).rglob("about.json"))]  # one per split
        runs = sum(len(about["seeds"]) for about in abouts)
        further = sum(len(about["seeds"]) - (0 if about["refit"] else about["search_runs"]) for about in abouts)
        networks = further + sum(len(about["candidates"]) * about["search_runs"] for about in abouts)
        others = [
            recorded[stage].seconds for stage in (f"evaluate@{name}", f"novelty@{name}", f"distill@{name}") if stage in recorded
        ]
        known[name] = recorded[f"train@{name}"].seconds / networks + sum(others) / runs
    return known


def to_decide(tables: Path, runs: int, seconds: Mapping[str, float]) -> str:
    """A line per undecided row of a claim that more runs would decide if the effect is as large as it looked, with their cost.

    seconds: of one run, by student; a row whose students are not all in it has no cost.
    """
    if not (tables / "claims.csv").exists():
        return ""
    claims = pd.read_csv(tables / "claims.csv", keep_default_na=False, na_values=[""])
    waiting = claims[(claims["verdict"] == "undecided") & (claims["unit"] == "runs") & (claims["needed"] > runs)]
    lines = []
    counted = waiting[waiting["needed"] <= MOST]  # of others the table says only that they need more
    for row in counted.sort_values("needed", kind="stable").head(LISTED).itertuples():
        students = row.students.split()
        cost = sum(seconds[name] for name in students) * (row.needed - runs) if seconds.keys() >= set(students) else None
        wait = provenance.duration(cost) if cost is not None else "not recorded"
        lines.append(f"| {row.claim} | {row.compared} | {row.metric} | {row.needed:,.0f} | {row.needed_to} | {wait} |\n")
    if not lines:
        return ""
    head = "| claim | compared | metric | runs needed | in order to | more time |\n|---|---|---|---|---|---|\n"
    words = (
        "What would decide undecided rows on these images, with a probability of 80 %, if the true effect is the one that was "
        "seen: find it, or show that it is too small to matter (set `seeds.runs`; finished runs are kept; the time is that of "
        "the students compared, on the machine above, one stage at a time):"
    )
    more = len(waiting) - len(lines)
    rest = f"\nRows that need more runs than these: {more}; column `needed` of tables/claims.csv.\n" if more else ""
    return f"{words}\n\n{head}{''.join(lines)}{rest}\n"


def with_part(text: str, part: str, readme: Path) -> str:
    """A README with its generated part replaced, or put at its end."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if begin and not end:
        raise UserError(f"{readme}: has the line '{BEGIN}' without '{END}' below it; write it there, or remove the first")
    return f"{before.rstrip()}\n\n{BEGIN}\n\n{part}\n{END}" + (after or "\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m softcifar.pipeline.publish", description=__doc__.partition(":")[0] + ".")
    parser.add_argument("--note", metavar="TEXT", default="", help="one line about this run, for its README")
    note = parser.parse_args().note.strip()
    folder, told = publish(Path(), lock_folder(), note)
    for line in told:
        print(line)
    print(f"{folder}: published")


if __name__ == "__main__":
    run(main)
