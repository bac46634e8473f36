"""Occlusion and crop: hide a part of each image, at its own random place, behind one colour."""

import torch

from softcifar.errors import UserError


def occlude(images: torch.Tensor, covered: float, generator: torch.Generator, fill: torch.Tensor) -> torch.Tensor:
    """Cover a patch of the image's own proportions, a share `covered` of its area, at a random place.

    images (B, C, H, W) in [0, 1]; covered in [0, 1], whole pixels a side; fill (C,), e.g. the training images' mean, which the
    networks' normalisation turns to 0.
    """
    _check("covered", covered)
    batch, _, height, width = images.shape
    tall, wide = round(height * covered**0.5), round(width * covered**0.5)
    top = torch.randint(height - tall + 1, (batch, 1), generator=generator, device=images.device)
    left = torch.randint(width - wide + 1, (batch, 1), generator=generator, device=images.device)
    rows, columns = _places(images)
    down, across = (rows >= top) & (rows < top + tall), (columns >= left) & (columns < left + wide)
    return torch.where(down[:, None, :, None] & across[:, None, None, :], _filled(fill, images), images)


def crop(images: torch.Tensor, visible: float, generator: torch.Generator, fill: torch.Tensor) -> torch.Tensor:
    """Shift the image out of its frame so that a share `visible` of it stays, in a random direction; fill the rest.

    visible in [0, 1] is (1 - |t_x| / W)(1 - |t_y| / H) for shifts t_x, t_y, as in soft augmentation (Liu et al. 2023), up to
    whole pixels; how much of the loss falls to each axis is drawn uniformly on the logarithmic scale.
    """
    _check("visible", visible)
    batch, _, height, width = images.shape
    part, *coins = torch.rand(3, batch, 1, generator=generator, device=images.device)
    rows, columns = _places(images)
    left = (width * (1 - visible**part)).round().long() * _sign(coins[0])
    top = (height * (1 - visible ** (1 - part))).round().long() * _sign(coins[1])
    rows, columns = rows + top, columns + left  # (B, H), (B, W): where each pixel comes from
    inside = ((rows >= 0) & (rows < height))[:, None, :, None] & ((columns >= 0) & (columns < width))[:, None, None, :]
    place = rows.clamp(0, height - 1)[:, :, None] * width + columns.clamp(0, width - 1)[:, None, :]
    taken = images.flatten(2).gather(2, place.flatten(1)[:, None].expand(-1, images.shape[1], -1)).view(images.shape)
    return torch.where(inside, taken, _filled(fill, images))


def _check(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise UserError(f"{name}: found {share}; allowed: 0 to 1, a share of the image")


def _places(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.arange(length, device=images.device) for length in images.shape[2:])


def _filled(fill: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    return fill.to(images).view(1, -1, 1, 1)


def _sign(coin: torch.Tensor) -> torch.Tensor:
    return torch.where(coin < 0.5, -1, 1)
