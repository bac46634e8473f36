"""Of what a study's pairs are draws, and so what their spread can tell."""

from dataclasses import dataclass

import pandas as pd

from softcifar import metrics
from softcifar.metrics import Estimate
from softcifar.metrics.statistics import FEWEST


@dataclass(frozen=True)
class Design:
    """How the pairs of a study came about.

    unit: what a pair is. splits: run r was made on split r modulo so many; None where every pair has data of its own, as in
    simulations. other_tests: whether each split has test images of its own. repeated: whether any split has several runs.
    """

    unit: str = "runs"
    splits: int | None = 1
    other_tests: bool = True
    repeated: bool = True

    def these(self, differences: pd.Series) -> Estimate:
        """The mean difference as further runs on these images would have it; differences by run (or data set)."""
        values = differences.dropna()
        return metrics.over_runs(values.to_numpy(), values.index.to_numpy() % (self.splits or 1))

    @property
    def tells_beyond(self) -> bool:
        """Do the pairs tell anything of further images (or data sets)? Fewer than three splits do not."""
        return self.splits is None or (self.other_tests and self.splits >= FEWEST)

    @property
    def two_questions(self) -> bool:
        """Do these images and others have tests of their own? With one run per split both tests are one and the same."""
        return self.splits is not None and self.tells_beyond and self.repeated

    def beyond(self, differences: pd.Series) -> Estimate:
        """The same as further images like these would have it, where the pairs tell that."""
        if self.splits is None:
            return self.these(differences)
        values = differences.dropna()
        return metrics.over_images(values.to_numpy(), values.index.to_numpy() % self.splits)

    def shown(self, differences: pd.Series) -> Estimate:
        """What an interval without a verdict is about: further images where the pairs tell of them, else further runs."""
        return self.beyond(differences) if self.tells_beyond else self.these(differences)
