"""Knowledge distillation (Hinton, Vinyals & Dean 2015): a network learns from the predictions of another one."""

import torch

from softcifar.errors import UserError
from softcifar.losses.cross_entropy import cross_entropy
from softcifar.losses.targets import Reduction, reduce
from softcifar.params.options import require
from softcifar.params.ranges import Fraction, Positive


def distillation(
    logits: torch.Tensor,
    teacher_logits: torch.Tensor,
    labels_or_targets: torch.Tensor,
    *,
    alpha: Fraction = 0.9,
    temperature: Positive = 20.0,
    reduction: Reduction = "mean",
) -> torch.Tensor:
    """alpha T^2 KL(softmax(teacher_logits / T) || softmax(logits / T)) + (1 - alpha) CE(t, softmax(logits)), in nats.

    The divergence is summed over the classes; T^2 keeps its gradient's size when T changes (section 2 of the paper). The
    gradient in the logits is alpha T (softmax(logits / T) - softmax(teacher_logits / T)) + (1 - alpha) (p - t); none goes to
    the teacher. Computed in float32 at least.
    logits, teacher_logits (B, K), of the very same images; labels (B,) integers or targets (B, K) probabilities; alpha in
    [0, 1]; T = temperature > 0. A logit of -inf is allowed where neither teacher nor target has mass.
    Returns a scalar, or (B,) with reduction 'none'.
    """
    require(0 <= alpha <= 1, "alpha", alpha, "0 to 1")
    require(temperature > 0, "temperature", temperature, "above 0")
    hard_part = cross_entropy(logits, labels_or_targets, reduction="none")
    if teacher_logits.shape != logits.shape:
        raise UserError(f"teacher_logits: found shape {tuple(teacher_logits.shape)}; allowed: {tuple(logits.shape)}")
    log_teacher = torch.log_softmax(teacher_logits.detach().to(hard_part.dtype) / temperature, dim=1)
    log_student = torch.log_softmax(logits.to(hard_part.dtype) / temperature, dim=1)
    teacher = log_teacher.exp()
    # 0 * -inf is nan, and so is its gradient: classes without the teacher's mass are masked out before the product.
    divergence = (teacher * (log_teacher - log_student).masked_fill(teacher == 0, 0)).sum(dim=1)
    return reduce(alpha * temperature**2 * divergence + (1 - alpha) * hard_part, reduction)
