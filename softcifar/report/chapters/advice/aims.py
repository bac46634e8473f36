"""What labels may be wanted for: an aim for each number that the findings know, and refusing."""

from dataclasses import dataclass, replace

from softcifar.report.chapters.decisions import selective
from softcifar.report.chapters.findings.benefits import PEOPLE as OF_PEOPLE
from softcifar.report.chapters.findings.benefits import TRUTH, Benefit, benefits
from softcifar.report.core.columns import Column
from softcifar.report.core.study import Study
from softcifar.report.core.voters import voters

REFUSING = "refusing"
MEASURED = {"calibration": ", as trained", "novelty": ", predictive entropy", REFUSING: ", max probability"}  # after a title
WORDS = {"accuracy": "accuracy", "calibration": "calibration as trained (before temperature scaling)",
         "novelty": "novelty by entropy", "robustness": "robustness",
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
        listed.append(Aim(benefit.question, f"{words} ({_inside(benefit.title)})" if several else words, _column(benefit)))
    others = ("novelty", "robustness", "teaching")
    place = next((number for number, aim in enumerate(listed) if aim.key in others), len(listed))
    column = selective.column("aurc", selective.USUAL)
    refusing = Aim(REFUSING, "refusing by max probability", replace(column, title=column.title + MEASURED[REFUSING]))
    return [*listed[:place], refusing, *listed[place:]]


def _column(benefit: Benefit) -> Column:
    """Its column, of whose title the score is a part: a student may be good at novelty by another one."""
    return replace(benefit.column, title=benefit.column.title + MEASURED.get(benefit.question, ""))


def _inside(title: str) -> str:
    """A title within a sentence: "under FGSM 2/255", but "AUROC, near novel"."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]
