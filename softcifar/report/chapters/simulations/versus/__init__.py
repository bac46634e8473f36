from softcifar.report.chapters.simulations.columns import RANKED, values
from softcifar.report.core import judged
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.columns import Field
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build
from softcifar.report.core.verdicts import Check, judge


def table(study: Study) -> Table:
    """The first simulation less every other one, method by method, on the same data sets: what other teachers change."""
    first, checks, means = study.results.first, [], []
    for other in list(study.results.simulations.values())[1:]:
        for method in first.methods:
            if method not in other.methods or first.words(method) != other.words(method):
                continue
            for column in RANKED:
                a, b = (column.scale * values(study, each, column.key)[method] for each in (first, other))
                if (a == b).all():
                    continue  # the very same networks
                claim = f"{column.key} {other.name}"
                checks.append(Check(claim, "", method, column.title, bool(column.higher), {other.name: a - b}))
                means.append({"method": method, "other": other.name, "ours": a.mean(), "theirs": b.mean()})
    judgements = [judged.comparison(row) for row in judge(checks, study.design)]
    records = [mean | row for mean, row in zip(means, judgements, strict=True)]
    fields = [
        Field("method", "Method"),
        Field("other", "Against", "the other simulation"),
        Field("metric", "Metric"),
        Field("ours", first.name),
        Field("theirs", "the other"),
        *judged.fields(study.design),
    ]
    note = (
        f"The same methods on the same data sets in {first.name} and in the other simulation, {first.name} less the other; "
        "corrected over the methods of one metric. Methods that come out alike to the last bit are left out."
    )
    return build("simulations", "One simulation against another", note, fields, records, shown_only=("ours", "theirs"))


CHAPTER = Chapter("simulations", "One simulation against another", tables=(table,), folder="simulations/versus")
