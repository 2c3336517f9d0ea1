"""Policies that are given one recording of a chore that they never learnt, beside plain replay of it.

Training: recordings of some chores by workers of training, replayed with their context in two plants, things moved. Test: a chore
that none of these is, recorded by workers and in layouts that nobody trained on, in plants that are not the training's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.policy_runs import ROBOT, TASKS, Options
from benchmarks.table import Row
from envs.chores.registry import make_household
from envs.disturbance import Disturbance
from envs.episodes import Episode
from envs.household.prompted import OPEN_LOOP
from envs.plants import find_plant
from gap.chores import score_in_chore
from gap.episode import EpisodeResult
from gap.statistics import newcombe_paired, wilson
from policies import Mix, PolicyActor, TrainConfig, fit, load_policy
from workers.household.film import record_chores
from workers.household.prompting import REFERENCE, prompts_of, told_actors
from workers.household.replays import REPLAYS, ReplayOptions, source_of, write_replays

HELD: Mapping[str, tuple[str, ...]] = {
    "fragile_glass": ("tidy_counter", "pour_cup", "stir_pot", "operate_appliance"),
    "pour_cup": ("tidy_counter", "stir_pot", "operate_appliance"),
}
"""Chore of the test -> chores of the training. The glass is held out by the splits, too."""
PLANTS = ("nominal", "soft_gains", "weak_motors", "slow_link", "slippery", "heavy_things", "uneven_counter")
SETTINGS: Mapping[str, object] = {"chunk_n": 8, "previous_action": True, "input_noise": 0.02}
EXECUTED = 1
_SHOWN: Mapping[str, tuple[str, float, Disturbance]] = {
    "nominal": ("nominal", 0.02, Disturbance()),
    "varied": ("varied_home", 0.025, Disturbance(start_noise_rad=0.02, action_noise_rad=0.01)),
}
"""Name -> plant, how far things are moved, and what upsets the replay that is learnt from."""
_RECORDED_N, _TESTED_N, _STEPS = 18, 32, 1000
_FIRST_TRAINED, _FIRST_TESTED, _FIRST_UNSEEN = 700_000, 500_000, 900


def rows(options: Options) -> list[Row]:
    """Every chore of `HELD` that the options name."""
    return [row for chore in HELD if chore in options.chores for seed in options.seeds for row in _rows_of(chore, seed, options)]


def _rows_of(chore: str, seed: int, options: Options) -> list[Row]:
    folder = options.out / "context"
    found = _episodes(chore, _trained(chore, seed, folder, options.jobs), seed, folder, options.jobs)
    by_plant = {plant: [one for one in found if one.plant == plant] for plant in PLANTS}
    return [compared(f"context_{chore}_{plant}_seed{seed}", own) for plant, own in by_plant.items()]


def compared(name: str, found: Sequence[EpisodeResult]) -> Row:
    """How much oftener than plain replay a policy succeeds in one plant, on the same recordings; above 0 by Newcombe's interval."""
    won = {
        actor: {one.key: one.success for one in found if one.actor == actor} for actor in dict.fromkeys(result.actor for result in found)
    }
    policy = next(actor for actor in won if actor not in (OPEN_LOOP, REFERENCE))
    pairs = [(success, won[OPEN_LOOP][key]) for key, success in won[policy].items()]
    apart = newcombe_paired(*(pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))))
    said = ", ".join(f"{actor} {_rate(list(each.values()))}" for actor, each in won.items())
    return Row(name, 100 * apart.low, 0.0, "points", note=f"at least, of {100 * apart.value:.0f}; {said}")


def _rate(successes: Sequence[bool]) -> str:
    share = wilson(sum(successes), len(successes))
    return f"{100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def _trained(chore: str, seed: int, folder: Path, jobs: int) -> Path:
    """A policy of all chores but the test's, in its run's folder; a run that was stopped goes on."""
    mixes = [Mix(str(shown)) for name in HELD[chore] for shown in _demonstrations(name, folder, jobs)]
    config = TrainConfig(
        policy="bc", settings=dict(SETTINGS), seed=seed, steps=_STEPS, batch_n=256, balance="chore", failures="exclude", device="cpu"
    )
    return fit(mixes, config, folder / "runs" / f"{chore}_{seed}").best


def _demonstrations(chore: str, folder: Path, jobs: int) -> Iterable[Path]:
    """Folders of demonstrations with their context, of one chore."""
    films = _films(chore, folder / "films" / chore, range(_RECORDED_N), _FIRST_TRAINED, jobs)
    for name, (plant, moved_m, disturbance) in _SHOWN.items():
        place = folder / "shown" / chore / name
        if not (place / REPLAYS).is_file():
            options = ReplayOptions(chore, ROBOT, plant=plant, disturbance=disturbance, context=True, moved_m=moved_m)
            write_replays(films, options, place, jobs=jobs)
        yield place


def _films(chore: str, folder: Path, workers: range, first: int, jobs: int) -> list[Path]:
    """One recording by each worker, in a layout of their own."""
    if len(list(folder.glob("*.npz"))) < len(workers):
        record_chores([chore], workers, 1, folder, TASKS[chore], first, jobs=jobs)
    return sorted(folder.glob("*.npz"))


def _episodes(chore: str, checkpoint: Path, seed: int, folder: Path, jobs: int) -> list[EpisodeResult]:
    """Policy, plain replay and replay with feedback, in the same episodes."""
    household = make_household(chore, ROBOT)
    unseen = range(_FIRST_UNSEEN, _FIRST_UNSEEN + _TESTED_N)
    films = _films(chore, folder / "unseen" / chore, unseen, _FIRST_TESTED, jobs)
    prompts = prompts_of(household, [source_of(path, household) for path in films])
    actors = told_actors(household, PolicyActor(load_policy(checkpoint), EXECUTED), prompts)
    episodes = [Episode(variant, find_plant(plant), number) for plant in PLANTS for variant, number in prompts.episodes]
    return score_in_chore(household, actors, episodes, folder / "scores" / f"{chore}_{seed}", threads=jobs, filmed=0)
