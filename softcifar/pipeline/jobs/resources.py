"""How many stages run at a time, and which GPUs and how many cores each of them gets."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

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

        With GPUs it gets one, or all if it is alone. Without, SOFTCIFAR_WORKERS (networks trained side by side within a
        stage) is its share of the cores, unless the user has set it.
        """
        found = dict(base)
        if self.gpus:
            if rivals > 1:
                found["CUDA_VISIBLE_DEVICES"] = self.gpus[slot % len(self.gpus)]
        elif "SOFTCIFAR_WORKERS" not in base:
            found["SOFTCIFAR_WORKERS"] = str(max(1, self.cores // min(self.jobs, rivals)))
        return found


def visible_gpus(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The GPUs that a stage could use, as CUDA_VISIBLE_DEVICES names them (torch is not asked: it takes seconds to load)."""
    if environ.get("SOFTCIFAR_DEVICE") == "cpu":
        return ()
    if "CUDA_VISIBLE_DEVICES" in environ:
        entries = [entry.strip() for entry in environ["CUDA_VISIBLE_DEVICES"].split(",")]
        invalid = [number for number, entry in enumerate(entries) if entry in ("", "-1")]
        return tuple(entries[: invalid[0]] if invalid else entries)  # CUDA itself stops at the first invalid one
    if not (program := shutil.which("nvidia-smi", path=environ.get("PATH"))):
        return ()
    listed = subprocess.run([program, "--list-gpus"], capture_output=True, text=True)
    found = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")] if listed.returncode == 0 else []
    return tuple(str(number) for number in range(len(found)))
