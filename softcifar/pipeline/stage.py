"""What every stage script shares: its arguments, and how a mistake ends (one sentence, status 2, no traceback)."""

import argparse
import errno
import sys
from collections.abc import Callable, Sequence

from softcifar.errors import UserError, suggestion

PARAMS = "params.yaml"
PLACE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR,
                errno.EISDIR, errno.EEXIST}  # fmt: skip


def item(allowed: Sequence[str], kind: str) -> str:
    """The one name given on the command line, checked against `allowed` (the keys of a params section, a `kind`)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", help=f"the {kind}, a key of params.yaml")
    name = parser.parse_args().name
    if name not in allowed:
        raise UserError(f"{PARAMS}: there is no {kind} '{name}'{suggestion(name, allowed)}")
    return name


def run(main: Callable[[], None]) -> None:
    """Call main(); print a user's mistake or a failing disk as one sentence and exit with status 2."""
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        if error.errno not in PLACE_ERRORS:
            raise
        place = error.filename or "the disk"
        print(f"error: {place}: cannot be written or read ({error.strerror}); free it and run again", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("stopped; what was trained so far is kept, run again to go on", file=sys.stderr)
        raise SystemExit(130) from None
