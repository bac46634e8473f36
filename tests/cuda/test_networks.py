"""Every network computes on the device what it computes on the CPU."""

import copy

import pytest
import torch

from softcifar.models import NETWORKS
from softcifar.models.classifier import Classifier, classifier
from softcifar.params.chosen import Chosen
from softcifar.params.recipe import Recipe
from tests.cuda.helpers import AIRBENCH, CPU, DEVICE, MANIFEST, RECIPE, apart, draws, pixels

DEPTHS = {"resnet": "resnet8"}
CASES = [
    *({"name": DEPTHS.get(name, name)} for name in NETWORKS if name != "airbench"),
    AIRBENCH,
    {"name": "airbench"},
    {**AIRBENCH, "residual": True},
    {**AIRBENCH, "norm_scale": True},
    {**AIRBENCH, "spectral_norm": True, "coeff": 1.0},
    {**AIRBENCH, "residual": True, "spectral_norm": True, "coeff": 1.0, "norm_scale": True},
    {**AIRBENCH, "dropout": 0.3},
    {**AIRBENCH, "whitening": False, "dirac": False},
    {**AIRBENCH, "whitening": False, "spectral_norm": True, "coeff": 1.0},
    {"name": "resnet8", "spectral_norm": True, "mod": True, "coeff": 1.0},
    {"name": "resnet8", "shortcut": "pool", "dropout": 0.2},
    {"name": "resnet18", "spectral_norm": True, "mod": True, "coeff": 1.0},
    {"name": "resnet56_v2", "mod": True, "dropout": 0.1},
    {"name": "vgg16", "spectral_norm": True, "coeff": 1.0, "mod": True},
    {"name": "mlp", "width": 64, "layers": 3, "dropout": 0.1},
]
LARGE = ("pyramidnet272", "wrn28_10", "inception_v4", "resnet101", "resnet50", "resnet34")


def made(network: dict, dtype: torch.dtype) -> Classifier:
    method = "packed" if network["name"].startswith("packed") else "softmax"
    chosen = Recipe.model_validate({**RECIPE, "network": network, "method": method}).network
    return classifier(chosen, MANIFEST, seed=0).to(dtype).to(memory_format=torch.channels_last)


def batch(network: dict) -> torch.Tensor:
    return pixels(2 if network["name"] in LARGE else 4)


def computed(network: Classifier, device: torch.device, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Logits, gradients of all parameters and of the images, and the buffers after the pass."""
    network.to(device)
    images = images.detach().clone().to(device).requires_grad_()
    logits = network(images)
    of_each = logits.flatten(0, -2)  # of members in training: (B, M, K)
    wanted = torch.arange(len(of_each), device=device) % of_each.shape[1]
    torch.nn.functional.cross_entropy(of_each, wanted).backward()
    gradients = {f"gradient of {name}": each.grad for name, each in network.named_parameters()}
    return {"logits": logits, "gradient of the images": images.grad, **gradients, **dict(network.named_buffers())}


def worst(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> dict[str, float]:
    """Relative distances: a gradient's in units of the largest gradient of all, for some are 0 but for rounding."""
    assert one.keys() == two.keys()
    gradients = [name for name in one if name.startswith("gradient of ") and name != "gradient of the images"]
    largest = max(two[name].abs().max().item() for name in gradients)
    found = {name: apart(one[name], two[name]) for name in one if name not in gradients}
    return found | {name: (one[name].cpu() - two[name].cpu()).abs().max().item() / largest for name in gradients}


def identity(network: dict) -> str:
    return "-".join(f"{key}={value}" if key != "name" else value for key, value in network.items())


@pytest.mark.parametrize("network", CASES, ids=identity)
@pytest.mark.usefixtures("full_float32")
def test_logits_and_gradients_in_evaluation(network):
    """Gradients in float64: in float32 those of deep networks hang on which rectifiers let pass what is 0 but for rounding."""
    ours = made(network, torch.float32).eval()
    theirs = copy.deepcopy(ours)
    images = batch(network)
    assert apart(computed(ours, DEVICE, images)["logits"], computed(theirs, CPU, images)["logits"]) < 1e-3
    ours = made(network, torch.float64).eval()
    theirs = copy.deepcopy(ours)
    found = worst(computed(ours, DEVICE, images.double()), computed(theirs, CPU, images.double()))
    assert {name: value for name, value in found.items() if value > 1e-6} == {}


@pytest.mark.parametrize("network", CASES, ids=identity)
def test_a_training_pass(network):
    """In float64, where rounding does not hide a mistake: batch statistics, power iterations, gradients."""
    ours = made(network, torch.float64).train()
    if draws(ours):
        ours.eval()
    theirs = copy.deepcopy(ours)
    images = batch(network).double()
    found = worst(computed(ours, DEVICE, images), computed(theirs, CPU, images))
    assert {name: value for name, value in found.items() if value > 1e-6} == {}


@pytest.mark.parametrize("network", CASES, ids=identity)
def test_everything_moves_and_a_training_pass_is_repeated_bit_for_bit(network):
    """float32 and bfloat16 as training has them, from the same seed, with whatever is drawn."""
    for low in (False, True):
        results = []
        first = made(network, torch.float32).train()
        for ours in (first, copy.deepcopy(first)):
            torch.manual_seed(5)
            with torch.autocast(DEVICE.type, dtype=torch.bfloat16, enabled=low):
                results.append(computed(ours, DEVICE, batch(network)))
            assert {each.device.type for each in [*ours.parameters(), *ours.buffers()]} == {DEVICE.type}
        one, two = results
        assert one["logits"].isfinite().all()
        assert [name for name in one if not torch.equal(one[name], two[name])] == []


def test_a_float32_convolution_has_the_bits_of_float32():
    """As the stages leave the switches: with TF32 a product keeps 10 bits of 23, so that `precision: float32` is not that."""
    network = classifier(Chosen(name="resnet8"), MANIFEST, seed=0).eval()
    images = pixels(8)
    with torch.inference_mode():
        on_cpu = network(images)
        assert apart(network.to(DEVICE)(images.to(DEVICE)), on_cpu) < 1e-4
