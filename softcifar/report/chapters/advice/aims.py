"""What labels may be wanted for: an aim for each number that the findings know, and refusing."""

from dataclasses import dataclass

from softcifar.report.chapters.decisions import selective
from softcifar.report.chapters.findings.benefits import PEOPLE as OF_PEOPLE
from softcifar.report.chapters.findings.benefits import TRUTH, benefits
from softcifar.report.core.columns import Column
from softcifar.report.core.study import Study
from softcifar.report.core.voters import voters

REFUSING = "refusing"
WORDS = {"accuracy": "accuracy", "calibration": "calibration", "novelty": "novelty", "robustness": "robustness",
         "teaching": "teaching", TRUTH[1]: "agreement with the truth"}  # fmt: skip


@dataclass(frozen=True)
class Aim:
    """key: the question, as the command takes it; words: in a sentence; column: the number that is held against it."""

    key: str
    words: str
    column: Column


def aims(study: Study) -> list[Aim]:
    """Those that this study's data allow; refusing after what is about the test images as they are."""
    found = benefits(study)
    alone = [benefit.question for benefit in found]
    whose = voters(study.results).removesuffix("'s").removesuffix("'")
    listed = []
    for benefit in found:
        words = WORDS.get(benefit.question, f"agreement with {whose}" if benefit.question == OF_PEOPLE[1] else benefit.question)
        several = alone.count(benefit.question) > 1
        listed.append(Aim(benefit.question, f"{words} ({_inside(benefit.title)})" if several else words, benefit.column))
    others = ("novelty", "robustness", "teaching")
    place = next((number for number, aim in enumerate(listed) if aim.key in others), len(listed))
    return [*listed[:place], Aim(REFUSING, REFUSING, selective.column("aurc", selective.USUAL)), *listed[place:]]


def _inside(title: str) -> str:
    """A title within a sentence: "under FGSM 2/255", but "AUROC, near novel"."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]
