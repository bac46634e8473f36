"""1,000 spoiled params files through the plan's check: each is refused in sentences or accepted, and read as DVC reads it."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from tests.campaign.params_mutations import ROOT

pytestmark = pytest.mark.slow

FILES = 1000
SILENCE = 900  # seconds without a word after which a process counts as hanging; one file may take 60 s of its own time


def test_spoiled_params_are_refused_in_sentences(tmp_path, seed, share, counted):
    count, outcomes, bad = share(FILES), Counter(), []
    number = 0
    while number < count:  # a process that hangs or dies beyond help is followed by another, after the file that it died of
        for found in _checked(seed, number, count, tmp_path):
            number = found["number"] + 1
            outcomes[found["outcome"]] += 1
            if found["outcome"] not in ("accepted", "refused"):
                bad.append(f"{found['number']} ({found['done']}): {found['outcome']}: {found['said'].strip()[-600:]}")
        if number < count:
            outcomes["died"] += 1
            bad.append(f"{number}: the process died or hung")
            number += 1
    counted(f"params files: seed {seed}, {count} spoiled, " + ", ".join(f"{n} {each}" for each, n in sorted(outcomes.items())))
    assert not bad, "\n".join(bad)
    assert outcomes["refused"] > outcomes["accepted"] > 0


def _checked(seed: int, first: int, last: int, folder: object) -> list[dict]:
    command = [sys.executable, "-m", "tests.campaign.params_worker", *map(str, (seed, first, last, folder))]
    log = folder / f"{first}.jsonl"
    with log.open("w") as out, subprocess.Popen(command, cwd=ROOT, stdout=out, text=True) as process:
        size = -1
        while process.poll() is None:
            try:
                process.wait(SILENCE)
            except subprocess.TimeoutExpired:
                if log.stat().st_size == size:
                    process.kill()
                size = log.stat().st_size
    return [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
