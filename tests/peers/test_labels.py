"""Label sources and mixing against torch, timm, torchvision and crowd-kit."""

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy import stats
from torchvision.transforms import v2

from softcifar.augment.cutmix import cutmix
from softcifar.augment.mixing import draw_pairs, mix_targets
from softcifar.augment.mixup import mixup
from softcifar.labels.dawid_skene import estimate
from softcifar.labels.teacher import teacher
from softcifar.labels.uniform import uniform
from tests.peers.conftest import logits, peer


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_smoothed_labels_are_timms():
    timm = peer("timm.data.mixup")
    rng = np.random.default_rng(0)
    for _ in range(300):
        z, labels, _ = logits(rng)
        epsilon = float(rng.random())
        theirs = timm.mixup_target(labels, z.shape[1], 1.0, epsilon).double()  # made in float32
        torch.testing.assert_close(uniform(labels, z.shape[1], epsilon=epsilon), theirs, rtol=0, atol=1e-6)


def test_a_teachers_labels_are_torchs_softmax():
    rng = np.random.default_rng(0)
    for _ in range(300):
        z, _, _ = logits(rng)
        temperature = float(10 ** rng.uniform(-1, 2))
        torch.testing.assert_close(teacher(z, temperature=temperature), (z / temperature).softmax(1), rtol=1e-10, atol=1e-14)


def test_mixed_targets_are_timms():
    """timm mixes with the reversed batch and one lambda; ours has a partner and a lambda for every image."""
    timm = peer("timm.data.mixup")
    rng = np.random.default_rng(0)
    for _ in range(300):
        z, labels, _ = logits(rng)
        share, smoothing = float(rng.random()), float(rng.choice([0.0, 0.1]))
        targets = uniform(labels, z.shape[1], epsilon=smoothing)
        partner = torch.arange(len(labels)).flip(0)
        mixed, weights = mix_targets(targets, None, partner, torch.full((len(labels),), share))
        theirs = timm.mixup_target(labels, z.shape[1], share, smoothing)
        torch.testing.assert_close(mixed.float(), theirs, rtol=0, atol=1e-6)
        torch.testing.assert_close(weights, torch.ones_like(weights))


def test_mixed_images_and_targets_are_torchvisions_for_its_partner_and_lambda():
    """torchvision mixes with the batch rolled by one: image by image, with the partners and lambdas that ours draws."""
    rng = np.random.default_rng(0)
    for seed in range(30):
        images, targets = torch.rand(12, 3, 8, 8), torch.tensor(rng.dirichlet(np.ones(5), 12)).float()
        mixed, soft, _ = mixup(images, targets, generator(seed), alpha=1.0)
        partner, share = draw_pairs(12, 1.0, 1.0, generator(seed), images.device)
        theirs = v2.MixUp(num_classes=5)
        for own, other in enumerate(partner.tolist()):
            pair = [other, own]  # it mixes the second with the first
            lam = share[own].item()
            both = targets[pair]
            params = {"labels": both, "batch_size": 2, "lam": lam}
            there = theirs.transform(images[pair], params)[1]
            torch.testing.assert_close(mixed[own], there, rtol=0, atol=1e-6)
            torch.testing.assert_close(soft[own], theirs.transform(both, params)[1], rtol=0, atol=1e-6)


def test_shares_follow_scipys_beta():
    for alpha in (0.2, 1.0, 4.0):
        _, share = draw_pairs(20_000, alpha, 1.0, generator(0), torch.device("cpu"))
        assert stats.kstest(share.numpy(), stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_pasted_boxes_cover_what_timms_do():
    """Two samples of 4,000 boxes: the distribution of the share of pixels that is kept."""
    timm = peer("timm.data.mixup")
    np.random.seed(0)  # noqa: NPY002 timm draws from it
    for alpha in (0.2, 1.0):
        hot = F.one_hot(torch.arange(4000) % 2, 2).double()
        images = hot[:, 1, None, None, None].expand(-1, 1, 32, 32).float()  # black and white: what is pasted is seen in half
        partner, _ = draw_pairs(4000, alpha, 1.0, generator(0), images.device)
        _, targets, _ = cutmix(images, hot, generator(0), alpha=alpha)
        differ = (torch.arange(4000) - partner) % 2 == 1
        ours = targets[differ].gather(1, (torch.arange(4000) % 2)[differ, None])[:, 0]
        theirs = []
        for lam in np.random.beta(alpha, alpha, 4000):  # noqa: NPY002
            top, bottom, left, right = timm.rand_bbox((32, 32), lam)
            theirs.append(1 - (bottom - top) * (right - left) / 32**2)
        assert stats.ks_2samp(ours, theirs).pvalue > 0.01


def test_dawid_skene_is_crowd_kits():
    """The same EM from the same start, of annotators who saw a part of the images."""
    crowdkit = peer("crowdkit.aggregation")
    for seed in range(5):
        rng = np.random.default_rng(seed)
        classes, images, annotators = 4, 300, 6
        truth = rng.integers(classes, size=images)
        right = rng.random((annotators, images)) < rng.uniform(0.4, 0.95, annotators)[:, None]
        said = np.where(right, truth, rng.integers(classes, size=(annotators, images)))
        seen = rng.random((annotators, images)) < 0.7
        seen[0] = True
        worker, task = np.nonzero(seen)
        table = pd.DataFrame({"task": task, "worker": worker, "label": said[worker, task]})
        answers = np.eye(classes)[said] * seen[:, :, None]
        found = estimate(answers, iterations=20, tolerance=1e-300).posterior
        probs = crowdkit.DawidSkene(n_iter=20, tol=-1.0).fit(table).probas_
        np.testing.assert_allclose(found, probs.sort_index()[list(range(classes))].to_numpy(), atol=1e-3)
