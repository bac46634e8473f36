"""How many stages run at a time, and which GPUs and how many cores each of them gets."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

import joblib


@dataclass(frozen=True)
class Resources:
    """jobs: stages at a time; cores: those that this process may use; gpus: as CUDA_VISIBLE_DEVICES names them."""

    jobs: int
    cores: int
    gpus: tuple[str, ...] = ()

    @classmethod
    def found(cls, jobs: int | None = None) -> "Resources":
        """Those of this machine; without `jobs` one stage per GPU, or per core where there is no GPU."""
        cores, gpus = joblib.cpu_count(), visible_gpus(os.environ)
        return cls(jobs or len(gpus) or cores, cores, gpus)

    def environment(self, base: Mapping[str, str], slot: int, rivals: int) -> dict[str, str]:
        """What a stage gets in job slot `slot` (0 to jobs - 1) when `rivals` stages, itself included, run or could run.

        One GPU, or all if it is alone; without any its share of the cores (networks side by side), unless the user set it.
        """
        if self.gpus:
            return {**base, "CUDA_VISIBLE_DEVICES": self.gpus[slot % len(self.gpus)]} if rivals > 1 else dict(base)
        return {"SOFTCIFAR_WORKERS": str(max(1, self.cores // min(self.jobs, rivals))), **base}


def visible_gpus(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The GPUs that a stage could use, as CUDA_VISIBLE_DEVICES names them (torch is not asked: it takes seconds to load)."""
    if environ.get("SOFTCIFAR_DEVICE") == "cpu":
        return ()
    if "CUDA_VISIBLE_DEVICES" in environ:
        entries = [entry.strip() for entry in environ["CUDA_VISIBLE_DEVICES"].split(",")]
        return tuple(takewhile(lambda entry: entry not in ("", "-1"), entries))  # CUDA itself stops at the first invalid one
    program = shutil.which("nvidia-smi", path=environ.get("PATH"))
    listed = subprocess.run([program, "--list-gpus"], capture_output=True, text=True).stdout if program else ""
    return tuple(re.findall(r"^GPU (\d+):", listed, re.MULTILINE))
