"""The page of simulations opens with its findings as well: every method against the reference, a sentence per question."""

from dataclasses import replace

from softcifar.report.chapters.findings.benefits import QUESTIONS, Benefit, as_probability
from softcifar.report.chapters.findings.sentences import Answer, answer, any_by_chance
from softcifar.report.chapters.simulations.columns import COLUMNS, of
from softcifar.report.core import judged
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.comparisons import against
from softcifar.report.core.study import Study

BENEFITS = (
    Benefit("accuracy", COLUMNS["accuracy"], "Accuracy", "right more often than {}", "right less often"),
    Benefit("calibration", replace(COLUMNS["ece"], scale=100), "ECE", "better calibrated than {}", "worse calibrated"),
    Benefit("truth", COLUMNS["kl"], "KL", "giving what may be true more probability than {}", "giving less", "%", "",
            as_probability),
)  # fmt: skip


def answers(study: Study) -> list[tuple[str, str, list[Answer]]]:
    """(question, the chapter with its evidence, an answer per simulation)."""
    listed, reference = [], study.reference
    for benefit in BENEFITS:
        found = []
        for name, simulation in study.results.simulations.items():
            said = answer(benefit, against(of(study, simulation), [benefit.column], reference, study.design), reference)
            several = len(study.results.simulations) > 1
            found.append(replace(said, text=f"{name}: {said.text[0].lower()}{said.text[1:]}") if several else said)
        listed.append((QUESTIONS[benefit.question][0], "summary", found))
    return listed


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    chance = any_by_chance(len(BENEFITS) * len(study.results.simulations))
    none = {"unanswered": [], "left_out": "", "masked": ""}
    return {"answers": answers(study), "scope": judged.scope(study.design), "chance": chance} | none


CHAPTER = Chapter("findings", "Findings", facts=facts, always=True)
