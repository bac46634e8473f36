"""What a whitening convolution is made from: the covariance of an image set's 2x2 patches."""

import numpy as np

AT_ONCE = 1000  # images: their patches are counted in floats of 8 bytes


def patch_covariance(images: np.ndarray, mean: list[float], std: list[float]) -> list[list[float]]:
    """Mean of p p^T over all 2x2 patches p, in steps of one pixel, of the standardised images: float64 (4C, 4C), as lists.

    images uint8 (N, H, W, C); without a patch, where H or W is 1, it is the identity. mean, std of every channel, pixels in
    0..1. p is laid out as the weight of a convolution, (C, 2, 2). It is not centred again. The products are counted in whole
    numbers below 2^53, so it is the same on every machine.
    """
    count, height, width, channels = images.shape
    size, patches = 4 * channels, count * (height - 1) * (width - 1)
    if not patches:
        return np.eye(size).tolist()
    products, sums = np.zeros((size, size)), np.zeros(size)
    for first in range(0, count, AT_ONCE):
        pixels = images[first : first + AT_ONCE].astype(np.float64)
        corners = [pixels[:, y : height - 1 + y, x : width - 1 + x] for y in (0, 1) for x in (0, 1)]
        rows = np.stack(corners, axis=-1).reshape(-1, size)  # (patches, C * 2 * 2)
        products += rows.T @ rows
        sums += rows.sum(axis=0)
    mean_of, std_of = (np.repeat(np.asarray(each, dtype=np.float64), 4) for each in (mean, std))
    second, first_moment = products / patches / 255**2, sums / patches / 255
    about_mean = second - np.outer(first_moment, mean_of) - np.outer(mean_of, first_moment) + np.outer(mean_of, mean_of)
    return (about_mean / np.outer(std_of, std_of)).tolist()
