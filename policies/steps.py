"""One optimizer step: gradients of a batch, in parts and over processes where wanted; clipped, checked, taken, averaged."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import safetensors.torch
import torch
from torch import Tensor

from motion.store import write_atomically
from policies.checkpoint import exists
from policies.devices import lowered
from policies.run_state import LAST, Run
from policies.settings import TrainingError, learning_rate
from policies.windows import Batch

BAD_BATCH = "bad_batch.safetensors"
_LEAST_SCALE = 1.0
"""fp16 halves the scale of its gradients until they fit; below this they never will."""


def take_step(run: Run, batch: Batch) -> dict[str, float]:
    """One optimizer step on this process's part of a batch; what to log of it. A batch of which nothing is believed changes no weights.

    Raises:
        TrainingError: loss or gradient is not finite; the batch is saved.
    """
    began_s, rate = time.monotonic(), learning_rate(run.config, run.step, run.time_share)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    gradient = run.weights.grad
    assert gradient is not None
    gradient.zero_()
    loss = _gradients(run, batch, gradient)
    values = {} if loss is None else _moved(run, batch, gradient, loss, rate)
    run.skipped += loss is None
    run.step += 1
    run.trained_s += time.monotonic() - began_s
    if run.config.minutes:
        run.trained_s = run.group.largest(run.trained_s)
    return values | {"learning_rate": rate}


def _moved(run: Run, batch: Batch, gradient: Tensor, loss: Tensor, rate: float) -> dict[str, float]:
    """Clip the gradient, check it, and move the weights and their average by it."""
    run.scaler.unscale_(run.optimizer)
    norm = torch.linalg.vector_norm(gradient)
    values = {"loss": loss.item(), "gradient_norm": norm.item()}
    if not _may_go_on(run, values):
        _refuse(run, values, batch, rate)
    if values["gradient_norm"] > run.config.clip_norm and math.isfinite(values["gradient_norm"]):
        gradient.mul_(run.config.clip_norm / norm)
    run.scaler.step(run.optimizer)
    run.scaler.update()
    _average(run)
    return values


def _gradients(run: Run, batch: Batch, gradient: Tensor) -> Tensor | None:
    """Add the gradient of the whole batch's loss to `gradient`, which is the weights' own; that loss, None where nothing is believed."""
    config, device = run.config, run.group.device
    if config.accumulate == 1 and run.group.ranks == 1:
        if not bool(batch.weight.any()):
            return None  # its loss would be 0 / 0
        with lowered(config, device):
            loss = run.loss(batch.to(device))
        torch.autograd.backward(run.scaler.scale(loss))
        return loss.detach()
    parts = batch.parts(config.accumulate)
    weights = [float(part.weight.double().sum()) for part in parts]
    total = run.group.total(sum(weights))
    if not total:
        return None
    whole = torch.zeros((), device=device)
    for part, weight in zip(parts, weights, strict=True):
        if not weight:
            continue  # nothing of it is believed; its own loss would be 0 / 0
        with lowered(config, device):
            loss = run.loss(part.to(device)) * (weight / total)
        torch.autograd.backward(run.scaler.scale(loss))
        whole += loss.detach()
    if run.group.ranks > 1:
        run.group.add_up([whole, gradient])
    return whole


def _may_go_on(run: Run, values: Mapping[str, float]) -> bool:
    """Whether loss and gradient are numbers. In fp16 a gradient too large is met by a smaller scale, and the step left out."""
    if math.isfinite(values["loss"]) and math.isfinite(values["gradient_norm"]):
        return True
    return run.scaler.is_enabled() and math.isfinite(values["loss"]) and run.scaler.get_scale() >= _LEAST_SCALE


def _average(run: Run) -> None:
    """Move the averaged weights; faster in the beginning, when the first weights would weigh too much."""
    decay = min(run.config.ema_decay, (1 + run.step) / (10 + run.step))
    run.average_weights.lerp_(run.weights, 1 - decay)


def _refuse(run: Run, values: Mapping[str, float], batch: Batch, rate: float) -> None:
    """Save the batch of all processes, and end."""
    file = run.out / BAD_BATCH
    parts = {name: torch.cat(run.group.gathered(part.contiguous())) for name, part in batch.tensors().items()}
    if run.group.first:
        write_atomically(file, lambda stream: stream.write(safetensors.torch.save(parts)))
    kept = f"`{LAST}` beside it holds the last good state" if exists(run.out / LAST) else f"no `{LAST}` was saved before"
    raise TrainingError(
        f"step {run.step}: loss {values['loss']}, gradient norm {values['gradient_norm']}; not a finite number. The batch is saved in "
        f"{file}; {kept}. A lower train.learning_rate than {rate:g} may help."
    )
