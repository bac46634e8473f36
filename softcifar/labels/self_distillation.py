"""Self-distillation: the teacher is a network of the student's own architecture (Furlanello et al., ICML 2018)."""

from scipy.special import softmax

from softcifar.labels.source import on_arrays


@on_arrays
def self_distillation(teacher_logits):
    """softmax(teacher_logits), without a temperature; teacher_logits (N, K); returns (N, K).

    The same as `teacher` at temperature 1, under a name of its own because it promises more: the teacher has the
    architecture of the student that learns from it. softcifar.params.study checks that.
    """
    return softmax(teacher_logits, axis=1)
