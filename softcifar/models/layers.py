"""The layers that a network's options decide: spectral_norm and coeff, mod, dropout (docs/methods.md, Networks)."""

from dataclasses import dataclass

from torch import nn

from softcifar.errors import UserError
from softcifar.models.dropout import Dropout
from softcifar.models.spectral import SpectralNorm

COEFF = 3.0  # of spectral normalisation, where none is given (Mukhoti et al. 2023)
SLOPE = 0.01  # of LeakyReLU below 0


@dataclass(frozen=True)
class Layers:
    """Makes layers; see `make_layers`."""

    coeff: float | None  # None: no spectral normalisation
    mod: bool
    dropout: float

    def conv(
        self, width_in: int, width: int, kernel: int, *, size: int, stride: int = 1, bias: bool = False
    ) -> nn.Conv2d | SpectralNorm:
        """A padded convolution: images of height and width `size` leave it with ceil(size / stride)."""
        made = nn.Conv2d(width_in, width, kernel, stride=stride, padding=kernel // 2, bias=bias)
        return made if self.coeff is None else SpectralNorm(made, size=size, coeff=self.coeff)

    def activation(self) -> nn.Module:
        """ReLU and what comes after each of them."""
        return nn.Sequential(self.relu(), Dropout(self.dropout))

    def relu(self) -> nn.Module:
        """In place: what it gets, a normalised activation or a sum, is needed by nothing else."""
        return nn.LeakyReLU(SLOPE, inplace=True) if self.mod else nn.ReLU(inplace=True)


def make_layers(*, spectral_norm: bool, coeff: float | None, mod: bool, dropout: float) -> Layers:
    """spectral_norm: every convolution's operator norm is kept at `coeff` or below (softcifar.models.spectral).

    coeff: None stands for 3. mod: LeakyReLU in place of ReLU and, in residual networks, shortcuts without parameters
    (softcifar.models.shortcut), which with spectral_norm keep distances between images (Mukhoti et al. 2023). dropout:
    probability of zeroing an activation. Raises UserError for a coeff without spectral_norm.
    """
    if coeff is not None and not spectral_norm:
        raise UserError(f"network: found coeff {coeff} without spectral_norm; allowed: coeff beside spectral_norm: true")
    return Layers(coeff=(COEFF if coeff is None else coeff) if spectral_norm else None, mod=mod, dropout=dropout)
