"""The page of simulations opens with its findings as well: every method against the reference, a sentence per question."""

from dataclasses import replace

from softcifar.report.chapters.findings import table
from softcifar.report.chapters.findings.benefits import QUESTIONS, Benefit
from softcifar.report.chapters.findings.sentences import Answer, about, answer, any_by_chance
from softcifar.report.chapters.simulations.columns import COLUMNS, of
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.comparisons import against
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table
from softcifar.report.core.verdicts import Finding

BENEFITS = (
    Benefit("accuracy", COLUMNS["accuracy"], "Accuracy", "right more often than {}", "right less often"),
    Benefit("calibration", replace(COLUMNS["ece"], scale=100), "ECE", "better calibrated than {}", "worse calibrated"),
    Benefit("truth", COLUMNS["kl"], "KL", "giving what may be true more probability than {}", "giving less", "%",
            base=0.0),
)  # fmt: skip


def answers(study: Study) -> tuple[list[tuple[str, str, list[Answer]]], list[list[Finding]]]:
    """(question, the chapter with its evidence, an answer per simulation), and the rows of each answer."""
    listed, judged, reference = [], [], study.reference
    for benefit in BENEFITS:
        found = []
        for name, simulation in study.results.simulations.items():
            rows = against(of(study, simulation), [benefit.column], reference, study.design)
            said = answer(benefit, rows, reference, study.design)
            several = len(study.results.simulations) > 1
            found.append(replace(said, text=f"{name}: {said.text[0].lower()}{said.text[1:]}") if several else said)
            judged.append(rows)
        listed.append((QUESTIONS[benefit.question][0], "summary", found))
    return listed, judged


def facts(study: Study) -> dict[str, object]:
    """What the chapter's text needs."""
    found, rows = answers(study)
    none = {"unanswered": [], "left_out": "", "opening": "", "nothing": ""}
    return {"answers": found, "about": about(study.design), "chance": any_by_chance(rows, study.design)} | none


def in_sentences(study: Study) -> Table:
    """The sentences as a table, for other files."""
    compared = f"Every method is compared with {study.reference}, data set by data set. {about(study.design)}"
    return table.in_sentences(answers(study)[0], compared)


CHAPTER = Chapter("findings", "Findings", tables=(in_sentences,), facts=facts, always=True)
