"""Why a stage failed, in one line of its log."""

import pytest

from softcifar.pipeline.jobs.dvc_command import last_words


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("Running stage 'a':\n> x\nerror: lr: too high\nERROR: failed to reproduce 'a': exited with 2\n", "lr: too high"),
        ("Running stage 'a':\n> x\n\ra:  5%|#  | 1/21 [00:01<00:20, 1it/s]error: full\nERROR: failed\n", "full"),
        ("> x\n\r\x1b[A\x1b[32mx: 7%|\x1b[0m█  | 1.5M/20.0M [00:10<00:08, 1MB/s]\x1b[B\rKeyError: 3\n", "KeyError: 3"),
        ("Running stage 'a':\n> x\nTraceback:\n  File\nKeyError: 3\nERROR: failed to reproduce 'a'\n", "KeyError: 3"),
        ("Running stage 'a':\n> false\nERROR: failed to run 'a'\n", "failed to run 'a'"),
        ("ERROR: 'o' is busy, it is being blocked by:\n  (PID 1): dvc\n\ntry again.\n", "'o' is busy, it is being blocked by:"),
        ("Killed\n", "Killed"),
        ("", "it left no message"),
    ],
)  # fmt: skip
def test_the_reason_of_a_failure_is_the_stage_s_own_last_word(log, words):
    assert last_words(log) == words
