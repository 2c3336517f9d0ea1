"""Where a policy is trained, and in which precision."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from motion.errors import require
from policies.settings import TrainConfig, TrainingError

_KINDS = {"bf16": torch.bfloat16, "fp16": torch.float16}


def find_device(config: TrainConfig) -> torch.device:
    """The device of this process; with several GPUs, torchrun's local number chooses.

    Raises:
        TrainingError: a GPU is asked for and there is none, there are fewer than processes, or it cannot compute in the precision asked
            for.
    """
    there = torch.cuda.is_available()
    require(config.device != "cuda" or there, TrainingError, "device is 'cuda', but PyTorch finds no GPU here; say device=cpu or auto.")
    if config.device == "cpu" or not there:
        return torch.device("cpu")
    number, gpus_n = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    processes_n = max(number + 1, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    fewer = f"{processes_n} processes on this computer, but {gpus_n} GPU(s); each process needs one of its own."
    require(processes_n <= gpus_n, TrainingError, f"{fewer} Start as many with --nproc-per-node, or say train.device=cpu.")
    device = torch.device("cuda", number)
    torch.cuda.set_device(device)
    able = config.precision != "bf16" or torch.cuda.is_bf16_supported()
    require(able, TrainingError, "this GPU does not compute in bf16; say precision=fp16 or fp32.")
    return device


def lowered(config: TrainConfig, device: torch.device) -> AbstractContextManager[Any]:
    """What a loss is computed under, so that its matrix products are of the precision asked for."""
    kind = _KINDS.get(config.precision)
    return nullcontext() if kind is None else torch.autocast(device.type, kind)


def random_states(device: torch.device) -> Tensor:
    """All that decides this process's next random numbers, as bytes: of the CPU and, where one is used, of the GPU."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return torch.cat(states)


def set_random_states(states: Tensor, device: torch.device) -> None:
    """Put back what `random_states` gave; a GPU's only where one was used then and now."""
    own = len(torch.get_rng_state())
    torch.set_rng_state(states[:own].clone())
    if device.type == "cuda" and len(states) > own:
        torch.cuda.set_rng_state(states[own:].clone(), device)


def gpus(device: torch.device) -> list[torch.device]:
    """GPUs whose random state is used."""
    return [device] if device.type == "cuda" else []
