"""Logits of three telling classes, laid flat by t-SNE: a panel per way of labelling, two numbers per panel."""

import numpy as np

from softcifar.report.chapters.structure.classes import chosen_images, mean_logits, three_classes
from softcifar.report.core.columns import plain
from softcifar.report.core.drawing import ACCENT, DARK, GREY, Drawing, bare, legend, note, panels
from softcifar.report.core.study import Study
from softcifar.report.core.voters import voters

PER_CLASS = 100  # test images drawn per class
FEWEST = 12  # images below which a map means nothing
ITERATIONS = 500
GROUPS = ({"color": DARK, "marker": "o"}, {"color": ACCENT, "marker": "^"}, {"color": GREY, "marker": "s"})


def draw(study: Study) -> Drawing | None:
    results = study.results
    trio = three_classes(results)
    labels = results.part("test")["labels"]
    if trio is None or len(images := chosen_images(labels, trio.classes, PER_CLASS)) < FEWEST:
        return None
    names = _one_per_labelling(study)
    silhouettes = study.mean("silhouette")
    known = next(iter(results.targets("test")), None)
    distances = study.mean("structure_distance", known) if known else {}
    figure, axes = panels(names, height=2.3)
    for name, ax in axes.items():
        points = flat(mean_logits(results.students[name], 0)[images])
        for number, style in zip(trio.classes, GROUPS, strict=True):
            part = points[labels[images] == number]
            ax.scatter(part[:, 0], part[:, 1], s=9, color=style["color"], marker=style["marker"], alpha=0.75, linewidths=0)
        words = [f"silhouette {plain(silhouettes[name], 2)}"] if name in silhouettes else []
        words += [f"distance {plain(distances[name], 2)}"] if name in distances else []
        note(ax, "\n".join(words))
        ax.grid(False)
        bare(ax)
        ax.tick_params(labelbottom=False, labelleft=False)
        ax.set_facecolor("#f7f7f7")
    first = next(iter(axes.values()))
    first.set(xlim=(-1.08, 1.08), ylim=(-1.4, 1.08), xticks=[], yticks=[])
    classes = [results.classes[number] for number in trio.classes]
    point = {"linestyle": "none", "markersize": 4.5}
    legend(figure, {name: {**style, **point} for name, style in zip(classes, GROUPS, strict=True)})
    whose = {"human": f"{voters(results)} votes", "exact": "the exact distributions"}.get(known, "")
    finding = _extremes("Silhouette", silhouettes, "tightest", "loosest") + (
        _extremes(f" Distance of the class similarities to {whose}", distances, "farthest", "nearest") if distances else ""
    )
    distance = (
        f" Distance: how far the wrong classes' shares in a network's predictions are from those of {whose}, 0 for equal."
        if distances
        else ""
    )
    return Drawing(
        "tsne",
        "Three classes in the last layer",
        f"Test images of {', '.join(classes)} ({trio.why}) by their logits in run 0, laid out in the plane so that neighbours "
        "stay neighbours (t-SNE; sizes of groups and gaps between them mean nothing). A student per kind of "
        "labels and loss. Silhouette: 1 where each class is one tight group, 0 where they overlap; tight groups have forgotten "
        f"which images resemble another class.{distance} Both numbers are means over runs, of the logits and predictions "
        "themselves, not of the picture.",
        finding,
        f"{len(axes)} scatter plots, one per student, of the logits of {', '.join(classes)}.",
        figure,
        raster=True,
    )


def flat(points: np.ndarray) -> np.ndarray:
    """t-SNE of (N, D) points in the plane, centred, the farthest at radius 1; the same result every time."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(30.0, (len(points) - 1) / 3)
    with threadpool_limits(1):  # sums over threads come in any order, and t-SNE magnifies the last digit
        embedding = TSNE(perplexity=perplexity, init="pca", random_state=0, max_iter=ITERATIONS).fit_transform(points)
    embedding = embedding - embedding.mean(axis=0)
    return embedding / np.linalg.norm(embedding, axis=1).max()


def _one_per_labelling(study: Study) -> list[str]:
    """The first student of every (labels, loss)."""
    first: dict[tuple, str] = {}
    for name, student in study.results.students.items():
        first.setdefault((student.options["labels"], student.options["loss"]["name"]), name)
    return list(first.values())


def _extremes(what: str, values: dict[str, float], most: str, least: str) -> str:
    if not values:
        return ""
    high, low = max(values, key=values.get), min(values, key=values.get)
    return f"{what}: {least} {values[low]:.2f} ({low}), {most} {values[high]:.2f} ({high})."
