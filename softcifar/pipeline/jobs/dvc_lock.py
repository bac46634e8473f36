"""dvc.lock, where DVC writes down what each stage read and wrote: kept whole, and in the order of a sequential run."""

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from softcifar.files import write_text

FILE, MUTEX = Path("dvc.lock"), Path(".dvc/tmp/lock")


def mend() -> tuple[str, bool]:
    """(the text of dvc.lock, '' if there is none; whether it was cut short: a killed DVC wrote its last entry in part).

    That entry is removed. Stages without an entry are looked up in DVC's cache of runs, so nothing is trained again.
    """
    if _is_whole(_read()):
        return _read(), False
    with _alone():
        text = _read()
        if _is_whole(text):  # DVC was only just writing it
            return text, False
        head, blocks, _ = split(text)
        if len(blocks) < 2:
            FILE.unlink()
            return "", True
        text = head + "".join(list(blocks.values())[:-1])
        write_text(FILE, text)
        return text, True


def tidy(before: str, order: list[str]) -> None:
    """Put the entries that `before` lacks in the `order` of dvc.yaml; DVC has appended them as stages happened to end."""
    if in_order(before, after := _read(), order) != after:
        with _alone():
            write_text(FILE, in_order(before, _read(), order))


def _read() -> str:
    return FILE.read_text() if FILE.exists() else ""


def _is_whole(text: str) -> bool:
    return text.endswith("\n") or not FILE.exists()


@contextmanager
def _alone() -> Iterator[None]:
    """Hold DVC's own lock of the project."""
    MUTEX.parent.mkdir(parents=True, exist_ok=True)
    with open(MUTEX, "a") as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        yield


def in_order(before: str, after: str, order: list[str]) -> str:
    """The text `after` with the entries that `before` lacks sorted as in `order`; the others keep their places."""
    known = split(before)[1]
    head, blocks, foot = split(after)
    place = {name: number for number, name in enumerate(order)}
    new = sorted(blocks.keys() - known.keys(), key=lambda name: (place.get(name, len(place)), name))
    return head + "".join(blocks[name] for name in [*(name for name in blocks if name in known), *new]) + foot


def split(text: str) -> tuple[str, dict[str, str], str]:
    """(what stands before the first entry, {stage: its lines}, what stands behind the last one)."""
    start = re.search(r"^stages:\n", text, re.MULTILINE)
    if not start:
        return text, {}, ""
    end = re.compile(r"^[^ \n]", re.MULTILINE).search(text, start.end())
    body = text[start.end() : end.start() if end else len(text)]
    names = list(re.finditer(r"^  ([^ \n].*?):?$", body, re.MULTILINE))
    edges = [found.start() for found in names] + [len(body)]
    blocks = {found[1]: body[edges[i] : edges[i + 1]] for i, found in enumerate(names)}
    return text[: start.end()], blocks, text[len(text) if not end else end.start() :]
