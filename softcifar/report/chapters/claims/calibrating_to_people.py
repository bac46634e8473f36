"""The claims about calibrating to people of Tao et al. 2026: G1 and G2."""

import pandas as pd

from softcifar.report.chapters.calibration.calibrators import AFTER, LABELS, ONE_VOTE, TITLES, VOTE, VOTES
from softcifar.report.chapters.published.literature import TAO
from softcifar.report.core.kinds import distinct
from softcifar.report.core.pairs import shared_runs, stated
from softcifar.report.core.study import Study
from softcifar.report.core.verdicts import Check
from softcifar.report.core.voters import PEOPLE, voters

MARGIN = 0.05  # of the KL divergence after calibration to all votes: so much more is as good

G = stated(
    TAO,
    {
        "G1": "Calibrating to people's votes in the place of labels brings predictions nearer to people's answers.",
        "G2": "Calibrating to one vote per image, drawn at random, is as good as calibrating to all votes.",
    },
)


def checks(study: Study) -> list[Check]:
    """A row per calibrator, the mean over all students by run; [] where validation or test images have no votes."""
    students = distinct(study.results)
    known = {(name, what): _mean(study, students, what, name) for name in ONE_VOTE for what in (LABELS, VOTES, VOTE)}
    if any(values.empty for values in known.values()) or "human" not in study.results.targets("test"):
        return []
    whose = voters(study.results)
    rows, title = [], f"KL divergence from {whose} votes, nats"
    labels_too = "" if whose == PEOPLE else ", which are one vote each here"
    for name in ONE_VOTE:
        labels, votes, vote = (known[name, what] for what in (LABELS, VOTES, VOTE))
        of = f"{TITLES[name]} calibration of {len(students)} students together, fitted to "
        against = {"labels": votes - labels}
        rows.append(
            Check(
                "G1", G["G1"], f"{of}{whose} votes against labels{labels_too}", title, False, against, students=tuple(students)
            )
        )
        margin, against = MARGIN * votes, {"all votes": vote - votes}
        words, allowed = (
            f"{of}one of {whose} votes per image against all of them",
            f"{title} (margin {100 * MARGIN:.0f} % of the rival's)",
        )
        rows.append(Check("G2", G["G2"], words, allowed, False, against, margin, tuple(students)))
    return sorted(rows, key=lambda row: row.claim)


def _mean(study: Study, students: list[str], what: str, calibrator: str) -> pd.Series:
    """KL divergence of the calibrated predictions by run, mean over the students."""
    return shared_runs(study.numbers, students, f"{AFTER}kl_divergence", set=what, score=calibrator).mean(axis=1)
