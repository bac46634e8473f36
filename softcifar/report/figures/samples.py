"""What the images look like: a strip of test images and of every OOD set."""

import numpy as np
from matplotlib.figure import Figure

from softcifar.report.context import Context
from softcifar.report.figures.style import Drawing, shorten

COUNT, SIDE, GAP, LEFT, RIGHT = 10, 0.72, 0.06, 1.35, 0.1  # images in a strip; inches


def draw(context: Context) -> Drawing | None:
    results = context.results
    strips = {"test images": results.splits["test"]["images"]}
    strips |= {f"{name}\n({results.params['data']['ood'][name]})": images for name, images in results.ood_images.items()}
    width = LEFT + COUNT * (SIDE + GAP) + RIGHT
    height = len(strips) * (SIDE + 2 * GAP) + 2 * GAP
    figure = Figure(figsize=(width, height))
    for row, (name, images) in enumerate(strips.items()):
        bottom = height - 2 * GAP - (row + 1) * (SIDE + 2 * GAP) + 2 * GAP
        words = "\n".join(shorten(part, 18) for part in name.split("\n"))
        figure.text(0.1 / width, (bottom + SIDE / 2) / height, words, va="center", fontsize=9)
        picks = np.linspace(0, len(images) - 1, min(COUNT, len(images))).round().astype(int)
        for place, pick in enumerate(picks):
            x = LEFT + place * (SIDE + GAP)
            ax = figure.add_axes((x / width, bottom / height, SIDE / width, SIDE / height))
            grey = images.shape[-1] == 1
            image = images[pick][..., 0] if grey else images[pick]
            ax.imshow(image, cmap="gray" if grey else None, vmin=0, vmax=255, interpolation="nearest")
            ax.set_axis_off()
    others = ", ".join(f"{name} ({kind})" for name, kind in results.params["data"]["ood"].items())
    return Drawing(
        "samples",
        "The images",
        "Test images, then images of other kinds that a network should find novel"
        + (": near sets resemble the training images, far sets do not." if others else "."),
        "",
        f"{len(strips)} strips of up to {COUNT} small images: test images{f', {others}' if others else ''}.",
        figure,
        raster=True,
    )
