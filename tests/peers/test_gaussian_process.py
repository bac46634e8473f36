"""SNGP's last layer against gpytorch's exact Gaussian process and scikit-learn's kernels."""

import numpy as np
import pytest
import torch
from sklearn.gaussian_process.kernels import RBF

from softcifar.methods.sngp import RandomFeatureGP
from tests.peers.conftest import peer


def head(inputs: int, features: int, *, ridge: float = 1.0, length_scale: float = 1.0) -> RandomFeatureGP:
    made = RandomFeatureGP(inputs, 3, features, length_scale, ridge, "gaussian")
    made.norm.running_mean.zero_()
    made.norm.running_var.fill_(1)
    made.norm.eps = 0.0
    return made.eval()


@pytest.mark.parametrize("ridge", [0.1, 1.0, 10.0])
def test_the_variance_is_gpytorchs_exact_posterior_with_the_kernel_of_the_features(ridge):
    """Prior weights N(0, 1/ridge), noise 1: k = phi phi' / ridge. 20 data sets of 60 points, 30 others."""
    gpytorch = peer("gpytorch")
    for seed in range(20):
        torch.manual_seed(seed)
        layer = head(4, 40, ridge=ridge)
        seen, others = torch.randn(60, 4), 2 * torch.randn(30, 4)
        phi, new = layer.phi(seen), layer.phi(others)
        layer.precision += phi.T @ phi

        class Exact(gpytorch.models.ExactGP):
            def __init__(self, x, y, likelihood):
                super().__init__(x, y, likelihood)
                self.mean_module, self.covar_module = gpytorch.means.ZeroMean(), gpytorch.kernels.LinearKernel()

            def forward(self, x):
                return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))

        likelihood = gpytorch.likelihoods.GaussianLikelihood()
        model = Exact(phi.double(), torch.zeros(60).double(), likelihood).double()
        model.covar_module.variance, likelihood.noise = 1 / ridge, 1.0
        model.eval(), likelihood.eval()
        with torch.no_grad(), gpytorch.settings.fast_computations(False, False, False):
            theirs = model(new.double()).variance
        torch.testing.assert_close(layer.variance(new).double(), theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("length_scale", [0.5, 1.0, 2.0])
def test_random_features_approximate_scikit_learns_kernel(length_scale):
    """exp(-|x - y|^2 / (2 l^2 D)) of standardised features: 20,000 random features, error about 1 / sqrt(20,000)."""
    torch.manual_seed(0)
    inputs = 6
    layer, points = head(inputs, 20_000, length_scale=length_scale), torch.randn(40, inputs)
    phi = layer.phi(points).double().numpy()
    theirs = RBF(length_scale * np.sqrt(inputs))(points.numpy())
    np.testing.assert_allclose(phi @ phi.T, theirs, atol=0.04)
