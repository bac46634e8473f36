from softcifar.report.chapters.simulations.columns import COLUMNS, METRIC, RANKED, difference_fields, values
from softcifar.report.core.chapter import Chapter
from softcifar.report.core.columns import Field
from softcifar.report.core.study import Study
from softcifar.report.core.tables import Table, build


def table(study: Study) -> Table:
    """The first simulation less every other one, method by method, on the same data sets: what other teachers change."""
    first, records = study.results.first, []
    for other in list(study.results.simulations.values())[1:]:
        for method in first.methods:
            if method not in other.methods or first.words(method) != other.words(method):
                continue
            for column in RANKED:
                a, b = (values(study, each, column.key)[method] for each in (first, other))
                if (a == b).all():
                    continue  # the very same networks
                test = study.design.these(a - b)
                low, high = test.interval()
                record = {"method": method, "other": other.name, "metric": column.key, "difference": test.mean}
                record |= {"low": low, "high": high, "p": test.p_equal()}
                records.append(record | {"ours": a.mean(), "theirs": b.mean(), "n": len(a)})
    means = [
        Field(key, title, text=lambda record, key=key: COLUMNS[record["metric"]].text(record[key]))
        for key, title in (("ours", first.name), ("theirs", "the other"))
    ]
    fields = [Field("method", "Method"), Field("other", "Against", "the other simulation"), METRIC, *means]
    fields += [*difference_fields(f"{first.name} less the other"), Field("n", "n", "data sets")]
    note = (
        f"The same methods on the same data sets in {first.name} and in the other simulation. Methods that come out alike to "
        "the last bit are left out: they use no teacher."
    )
    title = "One simulation against another"
    return build("simulations", title, note, fields, records, shown_only=("ours", "theirs", "n"))


CHAPTER = Chapter("simulations", "One simulation against another", tables=(table,), folder="simulations/versus")
