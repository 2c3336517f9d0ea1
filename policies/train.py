"""The one training loop. `fit` reads top to bottom: data, begin or resume, then step after step."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from tqdm import tqdm

from motion.demonstration import Demonstration
from motion.errors import require
from motion.mirror import Mirror
from motion.provenance import parent_of, record
from policies.base import Policy, find_policy, make_config
from policies.checkpoint import WEIGHTS, exists, load_checkpoint
from policies.data import (
    SHOWN,
    Entry,
    Source,
    chosen,
    data_key,
    described,
    lineage,
    list_entries,
    shares,
    shown,
    split_entries,
    told_of,
    with_mirror_images,
)
from policies.devices import find_device, gpus
from policies.interrupt import Stopped, StopRequest, stop_requests
from policies.labelled import without_labelled
from policies.parallel import Group, process_group
from policies.run_state import BEST, LAST, Run, resume, started
from policies.sampling import Sampler, emphasised, spread
from policies.settings import TrainConfig, TrainingError
from policies.spec import PolicySpec
from policies.steps import take_step
from policies.tracking import Tracker
from policies.windows import Windows, make_windows

_VALIDATION_BLOCK, _PICTURES_BLOCK = 1024, 64
"""Windows at once; of those with pictures fewer, as the maps of a thousand do not fit beside everything else."""
Evaluate = Callable[[Policy], Mapping[str, float]]
"""What measures a policy while it is trained: numbers by name; "success" among them decides which weights are best."""


class TrainingInterrupted(TrainingError):
    """Training was asked to stop and has saved all of its state; the same call goes on from there. Step 0: it had not begun yet."""

    def __init__(self, number: signal.Signals, step: int, last: Path) -> None:
        saved = f"after step {step}; all is saved in {last}" if step else "before training began; what was saved before is as it was"
        super().__init__(f"stopped by {number.name} {saved}. Run the same command again to go on.")
        self.signal, self.step, self.last = number, step, last


@dataclass(frozen=True)
class FitResult:
    """What a training run came to.

    Attributes:
        best: checkpoint folder with the averaged weights of the highest success, or else of the lowest validation loss.
        last: checkpoint folder with all state after the last step.
        steps: steps done, over all resumes.
        best_step: step of `best`.
        validation: of `best`: "loss", "first_action_rmse_rad" and "anchor_rmse_rad" (the same for playing the anchor,
            i.e. the reference, as it is) where something was held out, and what `evaluate` found; only what is finite.
        resumed_from: step that this call went on from; 0 for a fresh run.
        duration_s: of this call.
    """

    best: Path
    last: Path
    steps: int
    best_step: int
    validation: Mapping[str, float]
    resumed_from: int
    duration_s: float


def fit(
    source: Source,
    config: TrainConfig,
    out_dir: Path | str,
    tracker: Tracker | None = None,
    evaluate: Evaluate | None = None,
    mirror_of: Callable[[str], Mirror] | None = None,
) -> FitResult:
    """Train a policy; go on where an unfinished run of the same config and data in `out_dir` stopped.

    Started by torchrun, all its processes train the one policy, and the first of them writes.

    Args:
        source: demonstrations: files, folders, data sets, or mixes of these; see `policies.data.list_entries`.
        config: see `TrainConfig`.
        out_dir: `best/`, `last/`, `metrics.csv` and `run.json` are written there.
        tracker: where numbers go; files in `out_dir` by default.
        evaluate: measures a copy of the averaged policy, on the CPU and in eval mode, every `config.evaluate_every` steps and at
            the end. Where it tells "success", the highest is best; of equals the lower validation loss, then the later.
        mirror_of: a robot's mirror image by its name, for `config.mirror`.

    Raises:
        MotionError: the demonstrations cannot be trained on.
        CheckpointError: `out_dir` holds a run of another config or other data.
        TrainingInterrupted: SIGTERM or SIGINT came to one of the processes; everything is saved. A second one ends the process.
        TrainingError: loss or gradient is not finite; the offending batch is saved. Or the device cannot do what is asked, or no action
            of the demonstrations is believed.
    """
    began_s, out, device = time.monotonic(), Path(out_dir), find_device(config)
    entries = chosen(list_entries(source), config.failures, config.violations)
    training, held_out = split_entries(entries, config.validation_fraction, config.seed)
    if config.mirror:
        require(mirror_of is not None, TrainingError, "mirror=true, but nobody says what the robot's mirror image is: give mirror_of.")
        assert mirror_of is not None
        training = with_mirror_images(training, mirror_of(training[0].form.robot))
    with process_group(device) as group, torch.random.fork_rng(devices=gpus(device)), stop_requests() as stop:
        torch.manual_seed(config.seed)
        with _nothing_begun(stop, out):
            run = _build(config, entries, training, out, group, (tracker or Tracker(out)) if group.first else None)
            windows, validation = _windows(run, training, held_out), _windows(run, held_out, training) if held_out else None
            nothing = f"none of the {len(windows)} actions is believed: action_confidence is 0 in all of them."
            require(windows.believed, TrainingError, nothing)
            share = emphasised(windows, shares(training, config.balance), config.grasp_emphasis)
            sampler = Sampler(windows, config.batch_n, config.seed, share, group.rank, group.ranks)
            _begin(run, windows)
        resumed_from = run.step
        if run.tracker is not None:
            run.tracker.rewind(run.step)
            run.tracker.describe(_told(run, source), run.provenance.parents)
            run.tracker.summarise({"data": described(entries)})
        _train(run, sampler, validation, stop, evaluate)
        if run.tracker is not None:
            done = {"steps": run.step, "skipped_steps": run.skipped, "best_step": run.best_step}
            run.tracker.summarise({**done, **{f"best_{name}": value for name, value in run.best.items()}})
    return FitResult(out / BEST, out / LAST, run.step, run.best_step, dict(run.best), resumed_from, time.monotonic() - began_s)


@contextmanager
def _nothing_begun(stop: StopRequest, out: Path) -> Iterator[None]:
    """What is inside is left at once where a stop is asked for: there is nothing to be saved yet."""
    try:
        with stop.at_once():
            yield
    except Stopped as stopped:
        raise TrainingInterrupted(stopped.signal, 0, out / LAST) from None


def _build(
    config: TrainConfig, entries: Sequence[Entry], training: Sequence[Entry], out: Path, group: Group, tracker: Tracker | None
) -> Run:
    policy_class, parents = find_policy(config.policy), lineage(entries)
    settings = make_config(policy_class, config.settings)
    spec = PolicySpec.of((entry.form for entry in entries), settings.chunk_n, settings.reads)
    policy = policy_class(spec, settings).to(group.device)
    average = copy.deepcopy(policy).eval().requires_grad_(False)
    told = f"policy {config.policy}, trained on {len(entries)} demonstrations"
    start = load_checkpoint(config.start).provenance if config.start else None
    begun = (parent_of(Path(config.start) / WEIGHTS, start),) if start else ()
    known = shown(entries, start.config.get(SHOWN) if start else None)
    provenance = record(told, "train", (*parents, *begun), {**config.to_json(), SHOWN: known})
    mix = hashlib.sha256(repr([(e.digest, e.weight, e.kind) for e in training]).encode()).hexdigest()
    return Run(config, out, tracker, provenance, policy, average, group, mix)


def _told(run: Run, source: Source) -> dict[str, Any]:
    """What a run is, for whoever reads its numbers: all settings, the policy's defaults too, what it learns from, and the code."""
    settings, origin = json.loads(json.dumps(asdict(run.policy.config))), run.provenance
    code = {"tool": origin.tool, "git_commit": origin.git_commit, "versions": dict(origin.versions)}
    return {**run.config.to_json(), "settings": settings, "demonstrations": told_of(source), **code}


def _windows(run: Run, entries: Sequence[Entry], others: Sequence[Entry]) -> Windows:
    """All windows of the entries; the first process makes those that are kept, the others find them. Those of `others` stay, too."""
    read, beside = _read(entries, run.policy.spec.pictures, run.config), _key(others, run.config)
    with run.group.first_before_others():
        return make_windows(run.policy, read, _key(entries, run.config), (beside,) if beside else ())


def _read(entries: Sequence[Entry], pictures: Collection[str], config: TrainConfig) -> Iterator[Demonstration]:
    return (without_labelled(entry.read(pictures), config.mistakes, config.corrections) for entry in entries)


def _key(entries: Sequence[Entry], config: TrainConfig) -> str:
    """Digest of what the entries hold, and of what of it is left out; empty where one of them lies in memory alone."""
    key = data_key(entries)
    return f"{key} mistakes={config.mistakes} corrections={config.corrections}" if key else ""


def _begin(run: Run, windows: Windows) -> None:
    """Begin with statistics of the data, with another checkpoint, or where the run was stopped; each process draws on its own."""
    if run.group.rank:
        torch.manual_seed(run.config.seed + 1_000_003 * run.group.rank)
    if exists(run.out / LAST):
        resume(run)
        return
    if run.config.start:
        weights = started(run).state_dict()
    else:
        ready = copy.deepcopy(run.policy).cpu()  # windows are on the CPU
        ready.fit_statistics(windows)
        weights = ready.state_dict()
    for policy in (run.policy, run.average):
        policy.load_state_dict(weights)


def _train(run: Run, sampler: Sampler, held_out: Windows | None, stop: StopRequest, evaluate: Evaluate | None) -> None:
    config, quiet = run.config, None if run.group.first else True
    run.policy.train()
    with tqdm(total=config.steps, initial=run.step, desc=f"train {config.policy}", unit="step", disable=quiet) as bar:
        while run.unlogged is not None or not run.finished:
            if run.unlogged is None:
                run.unlogged = take_step(run, sampler.batch(run.step))
                bar.update()
            found = _measured(run, held_out, stop, evaluate)
            if found:
                bar.set_postfix({name: f"{value:.4g}" for name, value in found.items() if name in ("validation_loss", "success")})
            if found or run.due(config.log_every):
                run.log(run.unlogged | found)
            run.unlogged = None
            asked = _asked(run, stop)
            if asked and not run.finished:
                _stop(run, asked)
            if asked or run.time_to_save():
                run.save_all()


def _asked(run: Run, stop: StopRequest) -> int:
    """The signal by which one of the processes was asked to stop; 0 for none. The same in all of them."""
    return int(run.group.largest(float(stop.signal or 0)))


def _stop(run: Run, number: int) -> NoReturn:
    run.save_all()
    raise TrainingInterrupted(signal.Signals(number), run.step, run.out / LAST)


@contextmanager
def _unless_stopped(run: Run, stop: StopRequest) -> Iterator[None]:
    """What is inside takes long: whoever asks for a stop, before or meanwhile, does not wait for it, and it is done after the resume.

    Of several processes only the first is busy with it; where they are asked meanwhile, all go on until they can agree.
    """
    asked = _asked(run, stop)
    if asked:
        _stop(run, asked)
    try:
        with stop.at_once() if run.group.ranks == 1 else nullcontext():
            yield
    except Stopped as stopped:
        _stop(run, stopped.signal)


def _measured(run: Run, held_out: Windows | None, stop: StopRequest, evaluate: Evaluate | None) -> dict[str, float]:
    """What is to be measured after this step, to be logged; the best weights are kept."""
    config, first = run.config, run.group.first
    validated, evaluated = held_out is not None and run.due(config.validate_every), evaluate is not None and run.due(config.evaluate_every)
    loss: dict[str, float] = {}
    found: dict[str, float] = {}
    if validated or evaluated:
        with _unless_stopped(run, stop):
            if held_out is not None:
                loss = run.group.told(_validate(run, held_out) if first else {})
            if evaluate is not None and evaluated:
                found = run.group.told(_evaluated(run, evaluate) if first else {})
    _keep_best(run, _finite(loss), _finite(found), by_success=evaluate is not None)
    return {f"validation_{name}": value for name, value in loss.items()} | found


def _finite(found: Mapping[str, float]) -> dict[str, float]:
    """Those of some numbers that can be compared."""
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _keep_best(run: Run, loss: dict[str, float], found: dict[str, float], by_success: bool) -> None:
    """Keep the averaged weights where none were better; at the end, whatever they are, where none were kept before."""
    now = loss | found
    decides = "success" if by_success and "success" in run.best | found else "loss"
    if decides not in now:
        better = run.finished and not run.best
    else:
        better = not run.best or _rank(now) > _rank(run.best) or (decides == "success" and _rank(now) == _rank(run.best))
    if better:
        run.best, run.best_step = now, run.step
        run.save(BEST)


def _rank(found: Mapping[str, float]) -> tuple[float, float]:
    """Success first, then a low validation loss."""
    return found.get("success", 0.0), -found.get("loss", math.inf)


def _evaluated(run: Run, evaluate: Evaluate) -> dict[str, float]:
    """What a copy of the averaged policy is worth; the run's random numbers stay as they are."""
    with torch.random.fork_rng(devices=gpus(run.group.device)):
        torch.manual_seed(run.config.seed)
        return {name: float(value) for name, value in evaluate(copy.deepcopy(run.average).cpu().eval()).items()}


@torch.inference_mode()
def _validate(run: Run, windows: Windows) -> dict[str, float]:
    """Loss over the held-out windows, or `validate_n` of them; the error of the first action of each chunk, and of the bare anchor.

    What a policy draws at random for its loss is drawn alike each time.
    """
    policy, device = run.average, run.group.device
    loss, weights = 0.0, 0.0
    squares, count = torch.zeros(2, dtype=torch.float64), 0
    with torch.random.fork_rng(devices=gpus(device)):
        torch.manual_seed(run.config.seed)
        block_n = _VALIDATION_BLOCK if windows.pictures is None else _PICTURES_BLOCK
        for index in torch.split(spread(len(windows), run.config.validate_n), block_n):
            block = windows.batch(index).to(device)
            weight, anchor = float(block.weight.sum()), block.offset_rad[:, 0]
            if weight:
                loss, weights = loss + float(policy.loss(block)) * weight, weights + weight
            error = policy.predict(policy.looks(block))[:, 0] - anchor
            squares += torch.stack([(part.double() ** 2).sum().cpu() for part in (error, anchor)])
            count += anchor.numel()
    error_rad, anchor_rad = (squares / count).sqrt().tolist()
    return {"loss": loss / weights if weights else 0.0, "first_action_rmse_rad": error_rad, "anchor_rmse_rad": anchor_rad}
