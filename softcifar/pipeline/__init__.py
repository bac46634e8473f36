"""The study as stages: what decides each one's result (plan, fingerprint), how they run (stage, jobs)."""

import sys

from softcifar.pipeline.ending import end_quietly

if sys.argv[:1] == ["-m"]:  # one of its programs starts; who imports it keeps a hook of their own
    sys.excepthook = end_quietly
