"""How a program of this project ends that cannot go on: in one sentence where it is no fault of the code.

It is imported before anything that takes long, so that Ctrl-C during the first imports ends in silence; hence no NumPy here.
"""

import errno
import re
import sys
from types import TracebackType

from softcifar.errors import UserError

PLACE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR,
                errno.EISDIR, errno.EEXIST, errno.EIO}  # fmt: skip
# What NumPy, torch (processor and GPU), Python's threads and the loader of libraries say where memory does not suffice.
NO_MEMORY = re.compile(
    r"allocate memory|out of memory|Unable to allocate|not enough memory|start new thread|failed to map segment|"
    r"Storage size calculation overflowed"
)
ASKED = re.compile(r"allocate (\d[\d.]*) ?(bytes|[KMGTPE]iB)")


def sentence(error: BaseException) -> str | None:
    """What to say of a mistake, of a disk or of too little memory; None of anything else, which is a fault of the code."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.errno in PLACE_ERRORS:
        place = error.filename or "the disk"
        return f"{place}: cannot be written or read ({error.strerror}); make space or give access there, and run again"
    full = isinstance(error, OSError) and error.errno == errno.ENOMEM
    if (
        isinstance(error, MemoryError)
        or full
        or (isinstance(error, RuntimeError | ImportError | OSError) and NO_MEMORY.search(str(error)))
    ):
        return (
            f"memory: there is too little{_asked(str(error))}; take a smaller network, smaller batches or fewer workers "
            "(SOFTCIFAR_WORKERS), or allow more (ulimit -v, the container's limit)"
        )
    return None


def _asked(text: str) -> str:
    """', another 2.5 GiB were needed', of an error's text; '' where it names no amount."""
    found = ASKED.search(text)
    if not found:
        return ""
    amount, unit = found.groups()
    if unit == "bytes":
        size = int(float(amount))
        amount, unit = next(
            ((f"{size / 2**power:,.1f}", name) for power, name in ((30, "GiB"), (20, "MiB")) if size >= 2**power),
            (f"{size:,}", "bytes"),
        )
    return f", another {amount} {unit} were needed"


def end_quietly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A sys.excepthook, for what happens while a program still imports: nothing has been begun that a word would be due to."""
    if issubclass(kind, KeyboardInterrupt):
        return
    if (said := sentence(error)) is None:
        sys.__excepthook__(kind, error, trace)
    else:
        print(f"error: {said}", file=sys.stderr)
        sys.exit(2)  # a hook may do so; Python's own status would be 1
