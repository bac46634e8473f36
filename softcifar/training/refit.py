"""Training again on all images: what validation chose learns from training and validation images together."""

import numpy as np

from softcifar.data.splits import Split
from softcifar.labels import LABEL_SOURCES
from softcifar.labels.one_hot import hard
from softcifar.labels.source import inputs
from softcifar.params.sections import LabelSource
from softcifar.training.online import is_online


def together(images: np.ndarray, targets: np.ndarray, validation: Split, source: LabelSource) -> tuple[np.ndarray, np.ndarray]:
    """Training images (N, H, W, C) and targets (N, K), each followed by those of the M validation images.

    The targets of validation images are what `source`, without lists and without a teacher, makes of their labels or votes;
    one that makes its labels during training starts from one-hot ones.
    """
    function = hard if is_online(source.source) else LABEL_SOURCES[source.source]
    given = {"labels": validation.labels, "num_classes": targets.shape[1], "votes": validation.votes}
    options = {} if function is hard else source.options
    more = function(*(given[name] for name in inputs(function)), **options)
    return np.concatenate([images, validation.images]), np.concatenate([targets, more.astype(targets.dtype)])
