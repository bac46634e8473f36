"""How much of the campaign runs (CAMPAIGN_SHARE), the seed of its draws (CAMPAIGN_SEED), and the counts at its end."""

import os
from collections.abc import Callable

import pytest

COUNTS = "campaign"


@pytest.fixture
def seed() -> int:
    """What every draw of the campaign comes from."""
    return int(os.environ.get("CAMPAIGN_SEED", 0))


@pytest.fixture
def share() -> Callable[[int], int]:
    """share(1000): how many of so many are tried; a tenth, unless the environment says otherwise."""
    return lambda whole: max(1, round(whole * float(os.environ.get("CAMPAIGN_SHARE", 0.1))))


@pytest.fixture
def counted(record_property) -> Callable[[str], None]:
    """counted(text): a line for the end of the run, with seed and counts."""
    return lambda line: record_property(COUNTS, line)


def pytest_terminal_summary(terminalreporter) -> None:
    """The lines of all tests, also of those that ran in other processes."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    for report in reports:
        for name, line in report.user_properties if report.when == "call" else ():
            if name == COUNTS:
                terminalreporter.write_line(line)
