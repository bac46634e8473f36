"""Progress bars with an estimate of the time left; plain lines now and then where the output is no terminal."""

import sys
from collections.abc import Iterable

from tqdm import tqdm


def bar(items: Iterable | None = None, *, total: int | None = None, what: str, unit: str = "it") -> tqdm:
    """A tqdm bar on standard error, labelled `what`; in a log it prints at most one line every 10 seconds."""
    terminal = sys.stderr.isatty()
    tqdm.monitor_interval = 0  # no thread of its own: processes are forked while a bar is shown (softcifar.execution.local)
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


def advance(shown: tqdm, steps: int, text: str, *_: object) -> None:
    """Move a bar on by `steps`, and show `text` behind it; what else is reported is not for the bar."""
    shown.set_postfix_str(text, refresh=False)
    shown.update(steps)
