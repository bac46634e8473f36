"""What the labels bought: means and marks, labels needed, and every strategy against the reference."""

from dataclasses import replace

from softcifar import metrics
from softcifar.report.chapters.acquisition.columns import COLUMNS, KEYS, TESTED, acquired, of, pools, reference
from softcifar.report.chapters.acquisition.results import TARGETS, Acquired, needed_name
from softcifar.report.core import judged
from softcifar.report.core.columns import Field
from softcifar.report.core.comparisons import against
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build, means_table
from softcifar.report.core.verdicts import Finding

NOTE = (
    "Mean ± standard error over runs. Bold: the best mean of a pool, where paired t tests by run separate it from every other "
    "strategy (two-sided p < .015 after Holm's correction over its rivals). Tilde: where none is separated from all others, "
    "the best mean and every mean that the tests do not separate from it. Where nobody is separated, a column has no mark. "
    "Spread and tests are over runs on the same images. There is no test below three runs. Ambiguous has two meanings here: a "
    "test image is ambiguous where it is not certainly of one class, an image that was bought where its data set made it so "
    "or, where that does not say, where no class has more than 80 % of its exact label distribution."
)


def table(study: Study) -> Table:
    """A row per acquisition; no rows where the study has none."""
    return means_table(
        of(study), study.design, "acquisition", "What the labels bought", list(COLUMNS.values()), note=NOTE, keys=KEYS,
        counted="runs",
    )  # fmt: skip


def summary(study: Study) -> Table:
    """The same as the summary of a study that has nothing else."""
    return replace(table(study), name="summary", title="Summary")


def needed(study: Study) -> Table:
    """A row per acquisition: how many labels an accuracy takes."""
    numbers, records = of(study), []
    fields = [Field("acquisition", "Acquisition"), Field("pool", "Pool")]
    for each in acquired(study).values():
        own, budget = numbers[numbers["student"] == each.name], each.options["budget"]
        record = {"acquisition": each.name, "pool": each.pool}
        for target in TARGETS:
            values = own[own["metric"] == needed_name(target)]["value"]
            mean, error = metrics.mean_and_standard_error(values.dropna()) if values.notna().any() else (None, None)
            reached, key = int(values.notna().sum()), needed_name(target)
            record |= {key: mean, f"{key}_se": error, f"{key}_reached": reached}
            record[f"{key}_text"] = _needed(mean, reached, len(values), budget)
        records.append(record)
    for target in TARGETS:
        key = needed_name(target)
        fields.append(
            Field(key, f"{target:.0%}".replace("%", " %"), f"labels at which an accuracy of {target:.0%} is first reached",
                  text=lambda record, key=key: record[f"{key}_text"])
        )  # fmt: skip
    note = (
        "Labels at the first step with at least this accuracy on test images that are not ambiguous, mean over the runs that "
        "reach it within the budget; in brackets how many do, where some do not (their mean is then too low)."
    )
    shown_only = [f"{needed_name(target)}_text" for target in TARGETS]
    return build("labels_needed", "Labels needed", note, fields, records, shown_only=shown_only)


def _needed(mean: float | None, reached: int, runs: int, budget: int) -> str:
    if mean is None:
        return f"over {budget}"
    return f"{mean:.0f}" + (f" ({reached} of {runs} runs)" if reached < runs else "")


def comparisons(study: Study) -> Table:
    """Every strategy less the reference of its pool, paired by run."""
    numbers, records, references = of(study), [], []
    for pool, members in pools(study).items():
        base = reference(study, members)
        if base is None or len(members) < 2:
            continue
        references.append(base.name)
        own = numbers[numbers["set"] == pool]
        for finding in against(own, [COLUMNS[key] for key in TESTED], base.name, study.design):
            records.append({"acquisition": finding.compared, "pool": pool, "against": base.name} | judged.comparison(finding))
        for finding in spent(study, members, base) if pool == "dirty" else ():
            record = {"acquisition": finding.compared, "pool": pool, "against": base.name} | judged.comparison(finding)
            records.append(record | {"verdict": fewer(finding), "reason": finding.reason.replace(" it", " fewer")})
    fields = [
        Field("acquisition", "Acquisition"),
        Field("pool", "Pool"),
        Field("against", "Against"),
        Field("metric", "Metric"),
        *judged.fields(study.design),
    ]
    note = (
        "Each strategy less the reference of its pool, paired by run: a run of both starts from the same labels and, where the "
        "networks are the same, the same weights. Better and worse take a one-sided p below .0075 after Holm's correction over "
        "the strategies of one pool and metric; so do fewer and more, of the share of labels that went to ambiguous images, "
        f"of which neither is better. {judged.scope(study.design)}"
    )
    title = f"Against {', '.join(references)}" if references else "Comparisons"
    return build("acquisition_comparisons", title, note, fields, records, folded=True)


def spent(study: Study, members: list[Acquired], base: Acquired) -> list[Finding]:
    """How much less each of these strategies of one pool spends on ambiguous images than `base`, paired by run: rows "buys
    fewer", per cent of the labels bought."""
    numbers = of(study)
    names = [each.name for each in members]
    return against(numbers[numbers["student"].isin(names)], [COLUMNS["bought_ambiguous"]], base.name, study.design)


def fewer(finding: Finding) -> str:
    """The verdict of such a row: fewer, more or undecided."""
    return judged.compared(finding.verdict).replace("better", "fewer").replace("worse", "more")
