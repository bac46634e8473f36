"""Where the time of our training goes: shares of the operators' own time in one epoch of the loop, one network.

From torch's profiler, which slows small operators down more than large ones: read the large shares. `operators` are those of
softcifar.training.loop.train from a fresh network to the saved state: augmentation, network, loss, optimizer, validation.
"""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from torch.profiler import ProfilerActivity, profile

from bench.inputs import random_task
from bench.rows import Row, median_row
from softcifar.execution.device import pick, resolve_precision, threads
from softcifar.progress import bar
from softcifar.training.loop import train

# The first group one of whose words an operator's name contains. Backward before forward: their names contain these.
GROUPS = {
    "convolution, backward": ("convolution_backward",),
    "batch norm, backward": ("batch_norm_backward",),
    "convolution, forward": ("convolution", "conv2d"),
    "batch norm, forward": ("batch_norm",),
    "ReLU": ("relu", "clamp_min", "threshold_backward", "ReluBackward"),
    "resampling of images": ("grid_sampler", "affine_grid"),
    "optimizer": ("_foreach",),
    "additions": ("aten::add",),
    "copies and conversions": ("copy", "aten::to", "contiguous", "clone", "aten::cat"),
}


def group(operator: str) -> str:
    return next((name for name, words in GROUPS.items() if any(word in operator for word in words)), "everything else")


def measure(quick: bool, _: object) -> list[Row]:
    device = pick()
    network, batch, batches = ("resnet8", 32, 2) if quick else ("resnet20", 128, 16)
    rounds = 1 if quick else 3
    shares: dict[str, list[float]] = {}
    with bar(total=rounds, what="bench profile", unit="run") as shown:
        for number in range(rounds):
            for name, share in _shares(network, batch, batches, number).items():
                shares.setdefault(name, []).append(share)
            shown.update()
    where = {"precision": resolve_precision("auto", device), "threads": threads(), "workers": 1, "device": device.type}
    rows = [
        median_row("share of time", f"{name}; {network}, batch {batch}", each, "%", **where) for name, each in shares.items()
    ]
    return sorted(rows, key=lambda row: -row.value)


def _shares(network: str, batch: int, batches: int, seed: int) -> dict[str, float]:
    """{group: percent of the operators' own time}; they add up to 100."""
    device = pick()
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device.type == "cuda")
    task = random_task(network, batch, batches * batch, validation=batch, epochs=1, seed=seed)
    with TemporaryDirectory(prefix="softcifar-bench-") as folder:
        for run in ("warm up", "measured"):
            with profile(activities=activities, acc_events=True) as profiler:
                train(task, device, Path(folder) / f"{run}.safetensors", lambda *_: None)
    times: Counter[str] = Counter()
    for event in profiler.key_averages():
        times[group(event.key)] += event.self_device_time_total if device.type == "cuda" else event.self_cpu_time_total
    return {name: 100 * time / times.total() for name, time in times.items()}
