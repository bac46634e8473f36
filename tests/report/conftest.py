"""What several test files of the report share."""

import pandas as pd
import pytest


@pytest.fixture(scope="session")
def tables(study):
    """The csv tables of the fabricated study by name; only to be read."""
    return {path.stem: pd.read_csv(path) for path in (study[0] / "reports" / "tables").glob("*.csv")}
