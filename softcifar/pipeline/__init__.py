"""The study as stages: what decides each one's result (plan, fingerprint), how they run (stage, jobs)."""

import sys

from softcifar.pipeline.ending import end_quietly

sys.excepthook = end_quietly
