"""Drawing outlines as small colour photographs: place, size, rotation, colours, texture, blur, noise.

Everything is float64 until the last rounding to 8 bits, so that the last digit of a sine, which differs between
processors, does not reach the bytes of an image.
"""

import numpy as np

from softcifar.data.outlines import ANGLES

SIDE = 32
LUMINANCE = np.array([0.299, 0.587, 0.114])  # weights of R, G, B in ITU-R BT.601


def coverage(radii: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw outlines at a random place, size and rotation: share of every pixel inside, float64 (N, SIDE, SIDE) in 0..1.

    radii: r(theta) of every outline, float64 (N, ANGLES), in units of the drawn size.
    """
    count = len(radii)
    tilt = generator.uniform(-0.25, 0.25, count)  # radians, about 14 degrees
    turned = np.arange(ANGLES) * (2 * np.pi / ANGLES) + tilt[:, None]
    outline = radii * np.stack([np.sin(turned), -np.cos(turned)])  # right and down, (2, N, ANGLES)
    low, high = outline.min(axis=2), outline.max(axis=2)
    field = SIDE - 1.0  # half a pixel is left free at every border
    fitting = field / (high - low).max(axis=0)
    size = np.minimum(generator.uniform(7.5, 11.0, count), fitting)  # radius in pixels of a circle of equal area
    across, down = generator.uniform(0, 1, (2, count)) * (field - (high - low) * size) - low * size

    grid = np.arange(SIDE)
    x = grid[None, None, :] - across[:, None, None]
    y = down[:, None, None] - grid[None, :, None]
    position = (np.arctan2(x, y) - tilt[:, None, None]) * (ANGLES / (2 * np.pi))
    below = np.floor(position).astype(int)
    weight = position - below
    images = np.arange(count)[:, None, None]
    low, high = radii[images, below % ANGLES], radii[images, (below + 1) % ANGLES]
    radius = low + weight * (high - low)
    slope = (high - low) * (ANGLES / (2 * np.pi))
    # distance to the curve to first order: (rho - r) / |grad(rho - r(theta))|
    distance = (np.hypot(x, y) / size[:, None, None] - radius) / np.hypot(1, slope / radius)
    return np.clip(0.5 - distance * size[:, None, None], 0, 1)


def colours(count: int, contrast: float, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random background and foreground colours: float64 (N, 3) in 0..1.

    contrast: least difference of their luminances, as a share (0..1) of the largest one that is drawn, 0.76.
    """
    low, high = 0.12, 0.88
    least = contrast * (high - low)
    difference = generator.uniform(least, min(least + 0.35, high - low), count)
    dark = low + generator.uniform(0, 1, count) * (high - low - difference)
    light_on_dark = generator.uniform(0, 1, count) < 0.5
    luminance = np.where(light_on_dark, [dark, dark + difference], [dark + difference, dark])[..., None]
    tint = generator.uniform(-0.25, 0.25, (2, count, 3))
    tint -= (tint @ LUMINANCE)[..., None]
    # weaken a tint that would leave 0..1: clipping would change the luminance
    room = np.where(tint > 0, 1 - luminance, luminance) / np.maximum(np.abs(tint), 1e-12)
    background, foreground = luminance + tint * np.minimum(1, room.min(axis=-1, keepdims=True))
    return background, foreground


def gratings(count: int, generator: np.random.Generator) -> np.ndarray:
    """Random smooth texture: two plane waves of 1 to 5 cycles per image; float64 (N, SIDE, SIDE) within -1..1."""
    grid = (np.arange(SIDE) - SIDE / 2) / SIDE
    total = np.zeros((count, SIDE, SIDE))
    for _ in range(2):
        cycles, turn, phase = generator.uniform([1, 0, 0], [5, np.pi, 2 * np.pi], (count, 3)).T
        u, v = 2 * np.pi * cycles * np.cos(turn), 2 * np.pi * cycles * np.sin(turn)
        total += np.sin(u[:, None, None] * grid + v[:, None, None] * grid[:, None] + phase[:, None, None]) / 2
    return total


def blur(images: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Gaussian blur of every image (N, H, W, C) with its own sigma (N,) in pixels, 0 < sigma <= 1.2; edges repeated."""
    reach = 3
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    kernel /= kernel.sum(axis=1, keepdims=True)
    for axis in (1, 2):
        width = [(0, 0)] * 4
        width[axis] = (reach, reach)
        padded = np.pad(images, width, mode="edge")
        length = images.shape[axis]
        images = sum(kernel[:, k, None, None, None] * padded.take(range(k, k + length), axis=axis) for k in range(len(offsets)))
    return images


def paint(mask: np.ndarray, *, contrast: float, texture: float, noise: float, generator: np.random.Generator) -> np.ndarray:
    """Colour, texture, blur and noise over masks (N, SIDE, SIDE) in 0..1: uint8 (N, SIDE, SIDE, 3).

    contrast: see colours; texture: largest amplitude of the background's waves, 0..1;
    noise: mean standard deviation of the pixel noise, 0..1.
    """
    count = len(mask)
    background, foreground = colours(count, contrast, generator)
    strength = generator.uniform(0, 1, (2, count, 1, 1, 1)) * [[[[[texture]]]], [[[[texture / 2]]]]]
    behind = background[:, None, None] + strength[0] * gratings(count, generator)[..., None]
    before = foreground[:, None, None] + strength[1] * gratings(count, generator)[..., None]
    images = behind + mask[..., None] * (before - behind)
    images = blur(images, generator.uniform(0.3, 0.9, count))
    spread = noise * generator.uniform(0.5, 1.5, (count, 1, 1, 1))
    images += spread * generator.standard_normal(images.shape)
    return np.rint(images.clip(0, 1) * 255).astype(np.uint8)
