"""Images between two grey images: their ink moves along the optimal transport between them (McCann 1997, Adv. Math. 128).

Both images are sampled as equally many points of equal weight, drawn from their ink. The assignment of points with the least
sum of squared distances is the optimal transport between the two sets of points. At t, each point has gone the share t of the
way from its place in the first image to its place in the second. So strokes bend and move, where a mean of the two images would
show one transparent digit over the other.
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment

POINTS = 150  # per image
WIDTH = 0.7  # pixels: standard deviation of the spot that a point is drawn as
FAINT, CONTRAST = 30, 1.35  # grey levels taken off, and what the rest is multiplied by: spots have softer edges than strokes


def between(first: np.ndarray, second: np.ndarray, t: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The images uint8 (T, H, W) at the shares t (T,), 0 to 1, of the way from `first` to `second`, both uint8 (H, W).

    The ends are the two images redrawn from their points. ValueError where one of them is black.
    """
    start, end = ink_points(first, generator), ink_points(second, generator)
    rows, columns = linear_sum_assignment(((start[:, None] - end[None]) ** 2).sum(axis=2))
    t = np.concatenate([[0, 1], t])[:, None, None]
    drawn = spots((1 - t) * start[rows] + t * end[columns], first.shape)
    # The ink of a redrawn end that comes closest to its image, by least squares; on the way it changes evenly.
    ink = [(redrawn * image).sum() / (redrawn**2).sum() for redrawn, image in zip(drawn[:2], (first, second), strict=True)]
    grey = ((1 - t) * ink[0] + t * ink[1]) * drawn
    return np.rint(np.clip((grey[2:] - FAINT) * CONTRAST, 0, 255)).astype(np.uint8)


def ink_points(image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """POINTS places (row, column) in pixels, float64 (P, 2), drawn from the ink of an image (H, W): systematic sampling of
    pixels by their grey level, uniform within a pixel."""
    ink = np.cumsum(image, dtype=np.float64)
    if not ink[-1]:
        raise ValueError("an image without ink")
    pixels = np.searchsorted(ink, ink[-1] * (np.arange(POINTS) + generator.uniform()) / POINTS, side="right")
    places = np.stack(np.unravel_index(pixels, image.shape), axis=1)
    return places + generator.uniform(-0.5, 0.5, places.shape)


def spots(places: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Images float64 (T, H, W) with a round spot of unit weight at every place (T, P, 2), each within the image."""
    height, width = shape
    whole = np.floor(places).astype(np.int64)
    part = places - whole
    image = np.zeros((len(places), height + 2, width + 2))  # with a border of one pixel
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = np.abs(1 - down - part[..., 0]) * np.abs(1 - right - part[..., 1])
        row, column = (whole + np.array([down + 1, right + 1])).transpose(2, 0, 1)
        pixels = np.ravel_multi_index((np.arange(len(places))[:, None], row, column), image.shape)
        image += np.bincount(pixels.ravel(), weight.ravel(), image.size).reshape(image.shape)
    return gaussian_filter(image[:, 1:-1, 1:-1], (0, WIDTH, WIDTH))
