"""Fog: a bright cloudy layer over the image; strengths of CIFAR-10-C (Hendrycks & Dietterich 2019)."""

import torch

from softcifar.corruptions.severity import at


def fog(images: torch.Tensor, severity: int, generator: torch.Generator) -> torch.Tensor:
    """Add .2, .5, .75, 1, 1.5 of a cloud in [0, 1], then scale the sum so that it stays at most the image's largest value.

    The clouds' roughness decays by 3, 3, 2.5, 2, 1.75 per halving, so that they have more detail at higher severities.
    """
    thickness, decay = at(severity, ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)))
    batch, _, height, width = images.shape
    side = 1 << (max(height, width) - 1).bit_length()
    layer = clouds(batch, side, decay, generator, images.device)[:, None, :height, :width]
    highest = images.amax(dim=(1, 2, 3), keepdim=True)
    return ((images + thickness * layer) * highest / (highest + thickness)).clamp(0, 1)


def clouds(count: int, side: int, decay: float, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    """Fractal height maps that tile, by diamond-square midpoint displacement: (count, side, side) spanning [0, 1] each.

    side: a power of two. A new point is the mean of its four neighbours plus a uniform draw of at most wibble^2, wibble 100 at
    first and divided by `decay` at each halving of the distance.
    """
    heights = torch.zeros(count, side, side, device=device)
    step, wibble = side, 100.0

    def displaced(sums: torch.Tensor) -> torch.Tensor:
        draw = 2 * torch.rand(sums.shape, generator=generator, device=device) - 1
        return sums / 4 + wibble**2 * draw

    while step > 1:
        half = step // 2
        corners = heights[:, ::step, ::step]
        pairs = corners + corners.roll(-1, dims=1)
        centres = displaced(pairs + pairs.roll(-1, dims=2))
        heights[:, half::step, half::step] = centres
        # The middles of the edges: two corners beside them, two centres across.
        heights[:, ::step, half::step] = displaced(corners + corners.roll(-1, dims=2) + centres + centres.roll(1, dims=1))
        heights[:, half::step, ::step] = displaced(corners + corners.roll(-1, dims=1) + centres + centres.roll(1, dims=2))
        step, wibble = half, wibble / decay
    low, high = heights.amin(dim=(1, 2), keepdim=True), heights.amax(dim=(1, 2), keepdim=True)
    return (heights - low) / (high - low)
