"""Check spoiled params files, all in one process: python -m tests.campaign.params_worker SEED FIRST LAST FOLDER.

Writes a line of JSON for each, {"number", "done", "outcome", "said"}; outcome: accepted, refused, traceback, hang or wrong.
"""

import json
import resource
import signal
import sys
import traceback
from pathlib import Path

import dvc.utils.serialize

from softcifar.errors import UserError
from softcifar.params.reading import read
from softcifar.params.study import load
from softcifar.pipeline.fingerprint import Code
from softcifar.pipeline.plan import entries, text
from stages.plan import own_files, own_votes
from tests.campaign.params_mutations import ROOT, mutated

SECONDS = 60  # of this process's own time, for one file; a plan takes below 1
MEMORY = 16 << 30
LONGEST = 2000  # characters of a sentence, whose list of allowed names may be long


class Hang(BaseException):
    """A check takes too long."""


def main() -> None:
    seed, first, last = map(int, sys.argv[1:4])
    path, code = Path(sys.argv[4]) / f"params_{first}.yaml", Code(ROOT)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGVTALRM, _stop)
    for number in range(first, last):
        done, content = mutated(seed, number)
        path.write_bytes(content)
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            outcome, said = _check(path, code)
        except UserError as error:
            outcome, said = _sentences(str(error), path)
        except Hang:
            outcome, said = "hang", traceback.format_exc()
        except Exception:
            outcome, said = "traceback", traceback.format_exc()
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        print(json.dumps({"number": number, "done": done, "outcome": outcome, "said": said}), flush=True)


def _check(path: Path, code: Code) -> tuple[str, str]:
    study = load(path, own_files, own_votes)
    for entry in entries(study, ROOT, code).values():
        json.loads(text(entry), parse_constant=_no_number)
    if repr(read(path)) != repr(dvc.utils.serialize.load_yaml(path)):
        return "wrong", "DVC reads another content"
    return "accepted", ""


def _sentences(said: str, path: Path) -> tuple[str, str]:
    lines = said.split("\n")
    fine = all(line.startswith(f"{path}: ") and len(line) <= LONGEST and line.isprintable() for line in lines)
    return "refused" if fine and len(lines) <= 21 and "pydantic" not in said else "wrong", said


def _no_number(constant: str) -> None:
    raise ValueError(f"the plan has a {constant}")


def _stop(*_: object) -> None:
    raise Hang


if __name__ == "__main__":
    main()
