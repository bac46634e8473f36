"""Simulate all rules and write what came out into docs/verdicts.md: `python -m tests.verdicts`, about 15 minutes."""

from tests.verdicts.table import DOCUMENT, replaced, simulate

DOCUMENT.write_text(replaced(DOCUMENT.read_text(encoding="utf-8"), simulate()), encoding="utf-8")
