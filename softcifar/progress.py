"""Progress bars with an estimate of the time left; plain lines now and then where the output is no terminal."""

import sys
from collections.abc import Iterable

from tqdm import tqdm


def bar(items: Iterable | None = None, *, total: int | None = None, what: str, unit: str = "it") -> tqdm:
    """A tqdm bar on standard error, labelled `what`; in a log it prints at most one line every 10 seconds."""
    terminal = sys.stderr.isatty()
    return tqdm(
        items,
        total=total,
        desc=what,
        unit=unit,
        file=sys.stderr,
        dynamic_ncols=terminal,
        mininterval=0.2 if terminal else 10,
        leave=True,
    )
