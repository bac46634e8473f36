"""What every stage script shares: its entry of the plan, and how it ends (a mistake: one sentence, status 2, no traceback)."""

import argparse
import errno
import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softcifar.errors import UserError, suggestion
from softcifar.files import md5, read_json
from softcifar.pipeline.outputs import entry_of
from softcifar.pipeline.record import write_run_record

PARAMS, PLAN = Path("params.yaml"), Path("data/plan")
OF_PARAMS = PLAN / "params.json"  # which params.yaml the plan was made of
PLACE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR,
                errno.EISDIR, errno.EEXIST}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """What decides a stage's result besides its input data: resolved params and the fingerprint of its code."""

    name: str  # of the item, '' for a stage without items
    params: dict[str, Any]
    code: str


def entry(stage: str, kind: str = "") -> Entry:
    """The plan's entry of a stage; with a `kind` of item, of the one that the command line names.

    UserError where there is no such item, no plan, or a plan of other params than those of params.yaml.
    """
    parser = argparse.ArgumentParser()
    if kind:
        parser.add_argument("name", help=f"the {kind}, a key of params.yaml")
    name = getattr(parser.parse_args(), "name", "")
    if not OF_PARAMS.is_file() or read_json(OF_PARAMS) != of_params():
        raise UserError(f"{PLAN}: is not the plan of the present {PARAMS}; run python -m stages.plan (dvc repro does)")
    names = [path.stem for path in (PLAN / stage).glob("*.json")]
    if kind and name not in names:
        raise UserError(f"{PARAMS}: there is no {kind} '{name}'{suggestion(name, names)}")
    return Entry(name, **read_json(PLAN / stage / f"{name}.json" if kind else PLAN / f"{stage}.json"))


def of_params() -> dict[str, str]:
    """{'sha256': ...} of the file params.yaml: the order of its keys counts as well, as that of the report's rows."""
    try:
        return {"sha256": hashlib.sha256(PARAMS.read_bytes()).hexdigest()}
    except FileNotFoundError:
        raise UserError(f"{PARAMS}: not found; make repro STUDY=shapes copies a study there") from None


def run(main: Callable[[], Path | None]) -> None:
    """Call main(); a user's mistake or a failing disk ends in one sentence for each and status 2.

    Beside the output that main() returns, a record of the run is left: <output>.run.json.
    """
    started = time.time()
    try:
        output = main()
        if output is not None:
            planned = entry_of(output)
            write_run_record(output, started, md5((PLAN / planned).read_bytes()) if planned else None)
    except UserError as error:
        print(*(f"error: {sentence}" for sentence in str(error).split("\n")), sep="\n", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        if error.errno not in PLACE_ERRORS:
            raise
        place = error.filename or "the disk"
        print(
            f"error: {place}: cannot be written or read ({error.strerror}); make space or give access there, and run again",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("stopped; what was trained so far is kept, run again to go on", file=sys.stderr)
        raise SystemExit(130) from None
