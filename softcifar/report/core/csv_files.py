"""Tables that stages write as csv files."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from softcifar.errors import UserError


def read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A csv file with at least these columns; UserError where it is missing, unreadable or lacks one."""
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run the stage that writes it (dvc repro)") from None
    except ValueError as error:
        raise UserError(f"{path}: not a readable csv file ({str(error).splitlines()[0]})") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise UserError(f"{path}: has no column '{missing[0]}'; needed: {', '.join(columns)}")
    return table
