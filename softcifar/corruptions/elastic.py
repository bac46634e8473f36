"""Elastic transform: a random affine map, then a smooth random displacement (Simard et al. 2003)."""

import torch
import torch.nn.functional as F

from softcifar.corruptions.blur import smooth
from softcifar.corruptions.severity import at


def elastic_transform(images: torch.Tensor, severity: int, generator: torch.Generator) -> torch.Tensor:
    """Move three points of each image at random and the image with them; then displace its pixels by smoothed noise.

    Strengths of CIFAR-10-C (Hendrycks & Dietterich 2019), as shares of the width: displacement 0, .05, .08, .1, .1 times noise
    in [-1, 1] smoothed over 0, .2, .06, .04, .03; the points move by up to .08, .07, .06, .05, .03. Bilinear, twice, mirrored
    at the edges. Severity 1, an affine map alone, changes more pixels than severity 5 does, as in the published corruption.
    """
    height, width = images.shape[2:]
    alpha, sigma, jitter = (
        width * share
        for share in at(severity, ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)))
    )
    moved = F.grid_sample(
        images, _affine(images, jitter, generator), mode="bilinear", padding_mode="reflection", align_corners=True
    )
    if not alpha:
        return moved.clamp(0, 1)
    noise = 2 * torch.rand(len(images), 2, height, width, generator=generator, device=images.device) - 1
    shift = alpha * smooth(noise, sigma, cut=3, edges="symmetric")
    identity = torch.eye(2, 3, device=images.device).expand(len(images), -1, -1)
    grid = F.affine_grid(identity, list(images.shape), align_corners=False)
    grid = grid + shift.permute(0, 2, 3, 1) * torch.tensor([2 / width, 2 / height], device=images.device)
    return F.grid_sample(moved, grid, mode="bilinear", padding_mode="reflection", align_corners=False).clamp(0, 1)


def _affine(images: torch.Tensor, jitter: float, generator: torch.Generator) -> torch.Tensor:
    """Sampling grid (B, H, W, 2), align_corners, of the affine maps that take three points to those points moved."""
    batch, _, height, width = images.shape
    device = images.device
    x, y, reach = width // 2, height // 2, min(height, width) // 3
    points = torch.tensor([[x + reach, y + reach], [x + reach, y - reach], [x - reach, y - reach]], device=device) * 1.0
    draw = 2 * torch.rand(batch, 3, 2, generator=generator, device=device) - 1
    aimed = points + jitter * draw
    # From output to input: (u, v, 1) @ back = (x, y).
    back = torch.linalg.solve(F.pad(aimed, (0, 1), value=1.0), points.expand(batch, -1, -1))
    rows, columns = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    pixels = torch.stack([columns, rows, torch.ones_like(rows)], dim=-1).to(back)
    source = torch.einsum("hwi,bio->bhwo", pixels, back)
    return 2 * source / torch.tensor([width - 1, height - 1], device=device) - 1
