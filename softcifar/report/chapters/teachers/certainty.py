"""In-sample against cross-fitted teachers: how sure is each of the labels of the training images?"""

import numpy as np

from softcifar.report.chapters.teachers.table import comparisons, label_probability, way
from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import ACCENT, DARK, Drawing, legend, no_zero, note, panels, unit_axis
from softcifar.report.core.study import Study
from softcifar.report.core.voters import voters

BINS = 20
KNOWN = {"color": ACCENT, "linewidth": 1.3}


def draw(study: Study) -> Drawing | None:
    results = study.results
    if not results.teachers:
        return None
    labels = results.part("train")["labels"]
    probs = {name: label_probability(teacher, labels) for name, (teacher, *_) in results.teachers.items()}
    titles = {f"{name} ({way(results.teachers[name][0]).replace('cross-fitted, ', '')})": name for name in probs}
    figure, axes = panels(list(titles), ylabel="share of training images", width=2.6)
    edges = np.linspace(0, 1, BINS + 1)
    shares = {name: np.histogram(values, edges)[0] / len(values) for name, values in probs.items()}
    known = next(iter(results.targets("train").items()), None)
    theirs = np.histogram(known[1][np.arange(len(labels)), labels], edges)[0] / len(labels) if known else None
    for title, ax in axes.items():
        name = titles[title]
        ax.set_xlabel("probability of the label", labelpad=2)
        ax.bar(edges[:-1], shares[name], width=1 / BINS, align="edge", color=DARK, edgecolor="white", linewidth=0.4)
        if theirs is not None:
            ax.stairs(theirs, edges, **KNOWN)
        sure = float((probs[name] > 0.95).mean())
        note(ax, f"above .95: {100 * sure:.0f} %\nmean {plain(probs[name].mean(), 2)}", "upper left")
    unit_axis(ax, "x")
    ax.set_ylim(0, None)
    ax.yaxis.set_major_formatter(no_zero)
    if known:
        whose = {"human": f"{voters(results)} votes for the label", "exact": "the exact probability of the label"}[known[0]]
        legend(figure, {"teacher": {"color": DARK, "linewidth": 6}, whose: KNOWN})
    table = study.tables["teachers"].frame.set_index("teacher")
    facts = [
        f"{name} ({way(teacher)}) gives the label {table['label_probability'][name]:.2f} on average and tells "
        f"{table['instance_information'][name]:.3f} nats about the single image"
        for name, (teacher, *_) in results.teachers.items()
    ]
    return Drawing(
        "teachers",
        "How sure teachers are",
        "A teacher that is near certain of every label has nothing to add to it: its soft labels are hard ones. In-sample: it "
        "saw the images with their labels; cross-fitted: it did not. Each is one set of networks.",
        "; ".join([*facts, *comparisons(study, study.tables["teachers"])]) + ".",
        f"{len(axes)} histograms, one per teacher, of its probability of the label on the training images"
        f"{' of split 0' if len(results.splits) > 1 else ''}.",
        figure,
    )
