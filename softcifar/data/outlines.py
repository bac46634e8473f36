"""Outlines of the embedded data set: closed curves as radial functions r(theta) around their centre of area.

theta runs clockwise from straight up, so r(theta) = r(-theta) says that the left and right halves mirror each other.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

ANGLES = 720  # samples of r(theta): 0.05 px of arc at the largest radius drawn


def _turn(points: int = 240) -> np.ndarray:
    return np.linspace(0, 2 * np.pi, points, endpoint=False)


def _mirrored(right: list[tuple[float, float]]) -> np.ndarray:
    """Close a curve given by its right half (x >= 0), from top to bottom."""
    left = [(-x, y) for x, y in reversed(right) if x > 0]
    return np.array(right + left)


def _circle() -> np.ndarray:
    u = _turn()
    return np.stack([np.sin(u), np.cos(u)], axis=1)


def _egg() -> np.ndarray:
    u = _turn()
    return np.stack([0.76 * np.sin(u) * (1 - 0.32 * np.cos(u)), 1.1 * np.cos(u)], axis=1)


def _drop() -> np.ndarray:
    u = _turn()
    return np.stack([0.85 * np.sin(u) * np.abs(np.sin(u / 2)) ** 1.8, 1.1 * np.cos(u)], axis=1)


def _triangle() -> np.ndarray:
    return _mirrored([(0, 1.1), (1, -0.65)])


def _trapezoid() -> np.ndarray:
    return _mirrored([(0.45, 0.75), (1.1, -0.75)])


def _square() -> np.ndarray:
    return _mirrored([(1, 1), (1, -1)])


def _hexagon() -> np.ndarray:
    return _mirrored([(0, 1.3), (0.8, 0.55), (0.8, -0.55), (0, -1.3)])


def _kite() -> np.ndarray:
    return _mirrored([(0, 0.85), (0.85, 0.3), (0, -1.5)])


def _shield() -> np.ndarray:
    s = np.linspace(0, 1, 40)
    x = (1 - s) ** 2 * 0.95 + 2 * s * (1 - s) * 0.95  # quadratic Bezier curve from the right side down to the point
    y = (1 - s) ** 2 * 0.15 + 2 * s * (1 - s) * -0.7 + s**2 * -1.25
    return _mirrored([(0.95, 0.9), *zip(x[:-1].tolist(), y[:-1].tolist(), strict=True), (0, -1.25)])


def _heart() -> np.ndarray:
    u = _turn()
    return np.stack([16 * np.sin(u) ** 3, 13 * np.cos(u) - 5 * np.cos(2 * u) - 2 * np.cos(3 * u) - np.cos(4 * u)], axis=1)


def _star() -> np.ndarray:
    u = np.arange(10) * np.pi / 5
    r = np.where(np.arange(10) % 2 == 0, 1, 0.42)
    return np.stack([r * np.sin(u), r * np.cos(u)], axis=1)


def _cross() -> np.ndarray:
    return _mirrored([(0.35, 1), (0.35, 0.35), (1, 0.35), (1, -0.35), (0.35, -0.35), (0.35, -1)])


def _arrow() -> np.ndarray:
    return _mirrored([(0, 1.1), (0.95, 0.05), (0.4, 0.05), (0.4, -1)])


def _flower() -> np.ndarray:
    u = _turn()
    r = 1 + 0.28 * np.cos(5 * u)
    return np.stack([r * np.sin(u), r * np.cos(u)], axis=1)


def _gear() -> np.ndarray:
    u = np.arange(16) * np.pi / 8
    r = np.where(np.arange(16) % 2 == 0, 1, 0.72)
    return np.stack([r * np.sin(u), r * np.cos(u)], axis=1)


def _hourglass() -> np.ndarray:
    return _mirrored([(0.9, 1), (0.3, 0), (0.9, -1)])


def _half_moon() -> np.ndarray:
    u = np.linspace(0, np.pi, 120)
    return np.stack([np.sin(u), np.cos(u)], axis=1)


def _parallelogram() -> np.ndarray:
    return np.array([(-0.4, 0.65), (1.3, 0.65), (0.4, -0.65), (-1.3, -0.65)])


# In this order neighbours (the last and the first too) look alike: they are the pairs that are morphed.
CLASSES: dict[str, Callable[[], np.ndarray]] = {
    "circle": _circle,
    "egg": _egg,
    "drop": _drop,
    "triangle": _triangle,
    "trapezoid": _trapezoid,
    "square": _square,
    "hexagon": _hexagon,
    "kite": _kite,
    "shield": _shield,
    "heart": _heart,
}

# Novel outlines; the last two lack the mirror symmetry that all classes have.
UNSEEN: dict[str, Callable[[], np.ndarray]] = {
    "star": _star,
    "cross": _cross,
    "arrow": _arrow,
    "flower": _flower,
    "gear": _gear,
    "hourglass": _hourglass,
    "half moon": _half_moon,
    "parallelogram": _parallelogram,
}


def _centred(points: np.ndarray) -> np.ndarray:
    """Move the centre of area of a polygon (M, 2) to the origin and scale its area to pi, a unit circle's."""
    following = np.roll(points, -1, axis=0)
    cross = points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]
    centre = ((points + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())
    return (points - centre) * np.sqrt(np.pi / abs(cross.sum() / 2))


def _radii(points: np.ndarray) -> np.ndarray:
    """Distance (ANGLES,) from the origin to a polygon (M, 2) that every ray from the origin meets once."""
    theta = np.arange(ANGLES) * 2 * np.pi / ANGLES
    ray = np.stack([np.sin(theta), np.cos(theta)], axis=1)[:, None]
    edge = np.roll(points, -1, axis=0) - points
    # ray * r = point + edge * s, solved by Cramer's rule for every ray and edge
    across = ray[..., 0] * edge[:, 1] - ray[..., 1] * edge[:, 0]
    across = np.where(np.abs(across) < 1e-12, np.nan, across)
    r = (points[:, 0] * edge[:, 1] - points[:, 1] * edge[:, 0]) / across
    s = (points[:, 0] * ray[..., 1] - points[:, 1] * ray[..., 0]) / across
    hit = (r > 0) & (s > -1e-9) & (s < 1 + 1e-9)
    return np.where(hit, r, 0).max(axis=1)


@cache
def class_radii() -> np.ndarray:
    """r(theta) of the ten classes: float64 (10, ANGLES), theta = 2 pi k / ANGLES, each outline with the area pi."""
    return np.stack([_radii(_centred(outline())) for outline in CLASSES.values()])


@cache
def unseen_radii() -> np.ndarray:
    """r(theta) of the outlines that are no class: float64 (8, ANGLES), like class_radii."""
    return np.stack([_radii(_centred(outline())) for outline in UNSEEN.values()])
