"""A teacher's own prediction as the label (distillation by labels)."""

from scipy.special import softmax

from softcifar.labels.source import on_arrays
from softcifar.params.options import require
from softcifar.params.ranges import Positive


@on_arrays
def teacher(teacher_logits, *, temperature: Positive = 1.0):
    """softmax(teacher_logits / temperature) (Hinton et al. 2015, eq. 1).

    teacher_logits (N, K), from a teacher that did not train on these images; temperature > 0; returns (N, K).
    """
    require(temperature > 0, "temperature", temperature, "above 0")
    return softmax(teacher_logits / temperature, axis=1)
