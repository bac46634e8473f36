"""The stages of the pipeline, a thin script each: python -m stages.train hard."""

import sys

from softcifar.pipeline.ending import end_quietly

sys.excepthook = end_quietly
