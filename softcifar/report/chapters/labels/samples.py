"""What the images look like: a strip of test images and of every OOD set."""

import numpy as np
from matplotlib.axes import Axes

from softcifar.report.core.drawing import Drawing, Grid, shorten
from softcifar.report.core.study import Study

COUNT, SIDE, GAP, LEFT = 10, 0.72, 0.06, 1.35  # images in a strip; inches


def draw(study: Study) -> Drawing:
    results = study.results
    strips = {"test images": results.part("test")["images"]}
    strips |= {f"{name}\n({results.params['data']['ood'][name]})": images for name, images in results.ood_images.items()}
    grid = Grid([SIDE] * COUNT, [SIDE] * len(strips), left=LEFT, right=0.16, top=2 * GAP, bottom=0, gap_x=GAP, gap_y=2 * GAP)
    for row, (name, images) in enumerate(strips.items()):
        words = "\n".join(shorten(part, 18) for part in name.split("\n"))
        grid.text(0.1, grid.tops[row] + SIDE / 2, words, va="center")
        picks = np.linspace(0, len(images) - 1, min(COUNT, len(images))).round().astype(int)
        for place, pick in enumerate(picks):
            show(grid.axes(row, place), images[pick])
    others = ", ".join(f"{name} ({kind})" for name, kind in results.params["data"]["ood"].items())
    return Drawing(
        "samples",
        "The images",
        "Test images, then images of other kinds that a network should find novel"
        + (": near sets resemble the training images, far sets do not." if others else "."),
        "",
        f"{len(strips)} strips of up to {COUNT} small images: test images{f', {others}' if others else ''}.",
        grid.figure,
        raster=True,
    )


def show(ax: Axes, image: np.ndarray) -> None:
    """One image, uint8 (H, W, 1 or 3)."""
    grey = image.shape[-1] == 1
    ax.imshow(image[..., 0] if grey else image, cmap="gray" if grey else None, vmin=0, vmax=255, interpolation="nearest")
    ax.set_axis_off()
