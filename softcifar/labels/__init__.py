"""Label sources: one probability vector per training image (methods.md, section 1)."""

from softcifar.labels.human import human, human_thresholded
from softcifar.labels.instance_based import adaptive_instance_based, instance_based
from softcifar.labels.one_hot import hard, majority
from softcifar.labels.teacher import teacher
from softcifar.labels.uniform import uniform

SOURCES = {
    "hard": hard,
    "majority": majority,
    "human": human,
    "human_thresholded": human_thresholded,
    "uniform": uniform,
    "teacher": teacher,
    "instance_based": instance_based,
    "adaptive_instance_based": adaptive_instance_based,
}

__all__ = [
    "SOURCES", "adaptive_instance_based", "hard", "human", "human_thresholded", "instance_based", "majority",
    "teacher", "uniform",
]  # fmt: skip
