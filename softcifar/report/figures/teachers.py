"""In-sample against cross-fitted teachers: how sure is each of the labels of the training images?"""

import numpy as np

from softcifar.report.columns import plain
from softcifar.report.context import Context
from softcifar.report.figures.style import ACCENT, DARK, Drawing, legend, note, panels
from softcifar.report.teachers import label_probability, way

BINS = 20
KNOWN = {"color": ACCENT, "linewidth": 1.3}


def draw(context: Context) -> Drawing | None:
    results = context.results
    if not results.teachers:
        return None
    labels = results.splits["train"]["labels"]
    probs = {name: label_probability(teacher, labels) for name, teacher in results.teachers.items()}
    titles = {f"{name} ({way(results.teachers[name]).replace('cross-fitted, ', '')})": name for name in probs}
    figure, axes = panels(list(titles), xlabel="", ylabel="share of training images", width=2.6)
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
        note(ax, f"above .95: {100 * sure:.0f} %\nmean {plain(probs[name].mean(), 2)}", x=0.05, y=0.95, ha="left", va="top")
    first = next(iter(axes.values()))
    first.set(xlim=(0, 1), ylim=(0, None), xticks=[0, 0.5, 1])
    first.set_xticklabels(["0", ".5", "1"])
    first.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("0.", ".", 1))
    if known:
        whose = {"human": "people's votes for the label", "exact": "the exact probability of the label"}[known[0]]
        legend(figure, {"teacher": {"color": DARK, "linewidth": 6}, whose: KNOWN})
    table = context.tables["teachers"].frame.set_index("teacher")
    facts = [
        f"{name} ({way(teacher)}) gives the label {table['label_probability'][name]:.2f} on average and tells "
        f"{table['instance_information'][name]:.3f} nats about the single image"
        for name, teacher in results.teachers.items()
    ]
    finding = "; ".join(facts) + "."
    return Drawing(
        "teachers",
        "How sure teachers are",
        "A teacher that is near certain of every label has nothing to add to it: its soft labels are hard ones. A teacher "
        "that saw the images with their labels (in-sample, one fold) tends to be that sure; one that did not "
        "(cross-fitted) hesitates where the image gives reason to.",
        finding,
        f"{len(axes)} histograms, one per teacher, of its probability of the label on the training images. {finding}",
        figure,
    )
