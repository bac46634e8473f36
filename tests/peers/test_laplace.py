"""The last layer's Laplace approximation against laplace-torch's, of the authors of "Laplace Redux"."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from softcifar.methods.laplace import FullPosterior
from tests.peers.conftest import peer


@pytest.mark.parametrize("prior", [0.1, 1.0, 10.0])
def test_the_full_posterior_predicts_as_laplace_torch(prior):
    """Variances of the logits and probit-adjusted probabilities; 10 networks, 60 images and 30 others each."""
    laplace = peer("laplace")
    for seed in range(10):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
        seen, others, labels = torch.randn(60, 6), 2 * torch.randn(30, 6), torch.arange(60) % 3
        theirs = laplace.Laplace(
            network, "classification", subset_of_weights="last_layer", hessian_structure="full", prior_precision=prior
        )
        theirs.fit(DataLoader(TensorDataset(seen, labels), batch_size=60))
        head = network[2]
        with torch.no_grad():
            posterior, features = FullPosterior(), network[:2](others)
            posterior.fit(head, [network[:2](seen)], prior)
            variance = posterior.variance(head, features)
            ours = (head(features) / torch.sqrt(1 + torch.pi / 8 * variance)).softmax(dim=1)
        spread = theirs.functional_variance(_jacobians(features, 3)).detach()
        torch.testing.assert_close(variance, spread.diagonal(dim1=1, dim2=2).double(), rtol=1e-3, atol=1e-5)
        probs = theirs(others, pred_type="glm", link_approx="probit").detach()
        torch.testing.assert_close(ours, probs.double(), rtol=1e-3, atol=1e-5)


def _jacobians(features: torch.Tensor, classes: int) -> torch.Tensor:
    """Of the logits by the last layer's weights, class by class, then its biases, as torch lists parameters: (B, K, P)."""
    identity = torch.eye(classes).expand(len(features), -1, -1)
    of_weights = torch.einsum("bkl,bd->bkld", identity, features).flatten(2)
    return torch.cat([of_weights, identity], dim=2)
