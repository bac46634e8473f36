"""A black-box attack by random squares: it needs no gradient, so it is not fooled where gradients are masked."""

import math

import torch

from softcifar.attacks.objective import Predictor, attacked_loss, check_radius, per_radius
from softcifar.params.ranges import PositiveInt

FIRST_SHARE = 0.3  # of the image, that the first square covers; the last one is a single pixel


@per_radius
@torch.no_grad()
def random_search(
    predict: Predictor,
    images: torch.Tensor,
    labels: torch.Tensor,
    eps: float,
    *,
    generator: torch.Generator,
    queries: PositiveInt = 50,
) -> torch.Tensor:
    """Try `queries` changes one after the other; an image keeps a change only where it raises the loss.

    Like the square attack (Andriushchenko et al. 2020, algorithm 1), with far fewer queries: first vertical stripes of +-eps,
    then squares at random places, each channel of a square moved by +-eps from the image. The area of the squares falls
    geometrically from 0.3 of the image to one pixel (the paper halves it at fixed query numbers out of 10,000, and its loss is
    the margin max_{k != y} z_k - z_y).

    predict, images, labels, eps: as for `fgsm`; 0 gives the images themselves. The loss of a stochastic network is itself
    random, an estimate from its samples. Returns a tensor like `images`, within eps of them and in [0, 1].
    """
    check_radius(eps)
    batch, channels, height, width = images.shape
    device = images.device
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)

    def signs(*shape: int) -> torch.Tensor:
        return 2.0 * torch.randint(2, shape, generator=generator, device=device) - 1

    adversarial, loss = images, attacked_loss(predict, images, labels)
    for query in range(queries):
        if query == 0:
            tried = (images + eps * signs(batch, channels, 1, width)).clamp(0, 1)
        else:
            side = _side(height * width, (query - 1) / max(queries - 2, 1))
            tall, wide = min(side, height), min(side, width)
            top = torch.randint(height - tall + 1, (batch, 1), generator=generator, device=device)
            left = torch.randint(width - wide + 1, (batch, 1), generator=generator, device=device)
            down = (rows >= top) & (rows < top + tall)
            across = (columns >= left) & (columns < left + wide)
            inside = down[:, None, :, None] & across[:, None, None, :]
            square = (images + eps * signs(batch, channels, 1, 1)).clamp(0, 1)
            tried = torch.where(inside, square, adversarial)
        raised = attacked_loss(predict, tried, labels)
        better = raised > loss
        adversarial = torch.where(better[:, None, None, None], tried, adversarial)
        loss = torch.where(better, raised, loss)
    return adversarial


def _side(pixels: int, progress: float) -> int:
    """Side of a square after a share `progress`, 0 to 1, of the squares."""
    share = FIRST_SHARE ** (1 - progress) * (1 / pixels) ** progress
    return max(1, round(math.sqrt(share * pixels)))
