"""Spectral normalisation of a convolution: its operator norm is bounded (Gouk et al. 2021; in DDU: Mukhoti et al. 2023)."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.grad import conv2d_input


class SpectralNorm(nn.Module):
    """A convolution whose weight W is divided by max(1, s / coeff): a norm above coeff becomes coeff, a smaller one stays.

    s estimates the largest singular value of the linear map from images (C, size, size) to the convolution's outputs, stride
    and zero padding included, by power iteration: v <- W'u / |W'u|, u <- Wv / |Wv|, s = |Wv|; one step per forward pass in
    training, none in evaluation. So s comes from below: the first steps of training divide by less than the norm. A 1x1
    convolution is taken as a matrix, for its norm is the same at every size. The gradient flows through s, with u and v held
    fixed. The bias is left as it is. Computed in the weight's own precision, under autocast too.

    u, v: buffers like one output and one input image. They start from random numbers of their own, not from torch's global
    generator: a network has the same initial weights with and without this.
    """

    def __init__(self, conv: nn.Conv2d, *, size: int, coeff: float) -> None:
        """size: height and width of the images that the convolution gets."""
        super().__init__()
        assert (conv.groups, conv.dilation, conv.padding_mode) == (1, (1, 1), "zeros")
        self.conv = conv
        self.coeff = coeff
        if conv.kernel_size == (1, 1):
            size = 1
        window = zip(conv.kernel_size, conv.padding, conv.stride, strict=True)
        out = [(size + 2 * padding - kernel) // stride + 1 for kernel, padding, stride in window]
        generator = torch.Generator("cpu").manual_seed(0)
        for name, shape in (("u", (1, conv.out_channels, *out)), ("v", (1, conv.in_channels, size, size))):
            start = torch.randn(shape, generator=generator, device="cpu")
            self.register_buffer(name, _unit(start).to(conv.weight.device))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return F.conv2d(images, self.weight(), self.conv.bias, self.conv.stride, self.conv.padding)

    def weight(self) -> torch.Tensor:
        """W / max(1, s / coeff), the weight in use; in training, u and v go one step on."""
        conv, v = self.conv, self.v
        with torch.autocast(v.device.type, enabled=False):
            if self.training:
                with torch.no_grad():
                    v = _unit(conv2d_input(v.shape, conv.weight, self.u, conv.stride, conv.padding))
            image = F.conv2d(v, conv.weight, None, conv.stride, conv.padding)
            if self.training:
                # Copied, so that what the gradient needs stays: a second forward pass may come before the backward pass.
                self.v.copy_(v)
                self.u.copy_(_unit(image.detach()))
            norm = torch.linalg.vector_norm(image)  # its derivative in W is that of u'Wv at fixed u and v
            return conv.weight / (norm / self.coeff).clamp(min=1)

    def extra_repr(self) -> str:
        return f"coeff={self.coeff}"


def _unit(tensor: torch.Tensor) -> torch.Tensor:
    return tensor / torch.linalg.vector_norm(tensor).clamp(min=1e-12)
