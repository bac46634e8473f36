"""Label sources: one probability vector per training image (docs/methods.md, Label sources)."""

from softcifar.labels.adaptive_mass import adaptive_instance_based, adaptive_uniform
from softcifar.labels.beta_smoothing import beta_smoothing
from softcifar.labels.class_based import class_based
from softcifar.labels.confidence_scaled import confidence_scaled
from softcifar.labels.dawid_skene import dawid_skene
from softcifar.labels.elicited import elicited, human_where_elicited
from softcifar.labels.human import human, human_thresholded
from softcifar.labels.instance_based import instance_based
from softcifar.labels.kept import human_kept
from softcifar.labels.one_hot import hard, majority
from softcifar.labels.sampled import human_sampled, majority_sampled
from softcifar.labels.self_distillation import self_distillation
from softcifar.labels.shifted_logits import shifted_logits
from softcifar.labels.teacher import teacher
from softcifar.labels.uniform import uniform

LABEL_SOURCES = {
    "hard": hard,
    "majority": majority,
    "human": human,
    "human_thresholded": human_thresholded,
    "human_kept": human_kept,
    "human_sampled": human_sampled,
    "majority_sampled": majority_sampled,
    "dawid_skene": dawid_skene,
    "elicited": elicited,
    "human_where_elicited": human_where_elicited,
    "uniform": uniform,
    "class_based": class_based,
    "teacher": teacher,
    "self_distillation": self_distillation,
    "instance_based": instance_based,
    "adaptive_uniform": adaptive_uniform,
    "adaptive_instance_based": adaptive_instance_based,
    "shifted_logits": shifted_logits,
    "confidence_scaled": confidence_scaled,
    "beta_smoothing": beta_smoothing,
}
