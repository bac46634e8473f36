"""The chapters of the page, in order: a folder and a line each."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from softcifar.report.chapters import (
    acquisition,
    advice,
    agreement,
    ambiguity,
    calibration,
    claims,
    decisions,
    distillation,
    files,
    findings,
    labels,
    methods,
    novelty,
    published,
    robustness,
    run,
    structure,
    summary,
    teachers,
    training,
    tuning,
    votes,
)
from softcifar.report.chapters import active_learning as alone
from softcifar.report.chapters import simulations as simulated
from softcifar.report.chapters.acquisition.columns import metric_means as acquisition_means
from softcifar.report.chapters.acquisition.results import load_acquisitions
from softcifar.report.chapters.acquisition.results import read as read_acquisitions
from softcifar.report.chapters.simulations.columns import metric_means as simulated_means
from softcifar.report.chapters.simulations.results import read as read_simulations
from softcifar.report.chapters.summary.columns import metric_means
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.kinds import PLAIN
from softcifar.report.core.long_table import long_table
from softcifar.report.core.predictions import all_predictions
from softcifar.report.core.results import load
from softcifar.report.core.study import Study

STUDENTS = (
    findings.CHAPTER,
    summary.CHAPTER,
    advice.CHAPTER,
    claims.CHAPTER,
    published.CHAPTER,
    run.CHAPTER,
    labels.CHAPTER,
    training.CHAPTER,
    calibration.CHAPTER,
    decisions.CHAPTER,
    agreement.CHAPTER,
    votes.CHAPTER,
    structure.CHAPTER,
    novelty.CHAPTER,
    ambiguity.CHAPTER,
    methods.CHAPTER,
    robustness.CHAPTER,
    teachers.CHAPTER,
    distillation.CHAPTER,
    acquisition.CHAPTER,
    tuning.CHAPTER,
    files.CHAPTER,
)


@dataclass(frozen=True)
class Kind:
    """A kind of study: its chapters, how it is read, and what `dvc metrics` shows of it."""

    chapters: tuple[Chapter, ...]
    read: Callable[..., Study]
    metrics: Callable[[Study], Mapping[str, Any]]


def kind_of(params: Mapping[str, Any]) -> Kind:
    """A study of simulations, of students (and active learning), or of active learning alone."""
    if params["simulations"]:
        return Kind(simulated.CHAPTERS, read_simulations, simulated_means)
    if not params["students"]:
        return Kind(alone.CHAPTERS, read_acquisitions, acquisition_means)
    return Kind(STUDENTS, read_students, metric_means)


def read_students(params: Mapping[str, Any], *, data: Path, scores: Path, models: Path) -> Study:
    """The study with its predictions and the long table, of which every chapter gives rows."""
    results = load(params, data=data, scores=scores, models=models)
    trains = [results.part("train", split) for split in range(len(results.splits))]
    results = replace(results, acquisitions=load_acquisitions(params, Path(scores), trains))
    if any(student["method"]["name"] != PLAIN for student in results.params["students"].values()):
        importlib.import_module("softcifar.methods")  # once, before processes are forked that would each load torch
    predictions = all_predictions(results)
    numbers = long_table(results, predictions, (rows for each in STUDENTS for rows in each.rows))
    return Study(results, predictions, numbers, results.design)
