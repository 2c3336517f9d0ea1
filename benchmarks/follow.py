"""Real clips end to end: Bandai-Namco clips of some skeletons to learn from, of others to be judged on.

The clips name no performer. All were published on one set of bone lengths, but each belongs to one of six templates
(the resting offsets of its hierarchy differ); whole templates are held out.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch

from benchmarks.table import Row, data_folder, run
from envs.chores.follow import Follow
from envs.replay import TEACHING, make_actor
from envs.rollout import all_episodes, rollout
from gap import Scorecard, episode_results, episodes_provenance, score
from motion.robot_motion import RobotMotion
from policies import PolicyActor, TrainConfig, fit, load_policy
from retarget.body_map import body_map
from retarget.pipeline import RetargetSettings, retarget_motion
from retarget.sources.base import read_recording
from robots import Robot, load_robot

PLANTS = ("nominal", "weak_motors", "slow_link", "heavy_sticky")
TRAINING_SEEDS = range(3)
STEPS_N = 1000


@cache
def robot() -> Robot:
    """The robot of this benchmark."""
    return load_robot("g1")


@cache
def motions() -> tuple[dict[str, RobotMotion], dict[str, RobotMotion]]:
    """Motions to learn from, and motions of held-out templates; templates are dealt out by name, smaller ones held out."""
    body, by_template = body_map(robot()), {}
    for path in sorted((data_folder() / "body" / "bandai_namco").glob("*.bvh")):
        human = read_recording(path).motion
        done = retarget_motion(human, body, RetargetSettings(self_contact=False))
        by_template.setdefault(human.subject.pseudonym, {})[path.stem] = done.motion
    held_out: dict[str, RobotMotion] = {}
    training: dict[str, RobotMotion] = {}
    for group in sorted(by_template.values(), key=lambda group: (len(group), sorted(group))):
        (held_out if len(held_out) + len(group) <= 10 else training).update(group)
    return training, held_out


@cache
def scorecard() -> Scorecard:
    """Teach on the training templates, then score the policy, the baselines and the expert on the held-out ones."""
    torch.set_num_threads(1)
    training, held_out = motions()
    chore = Follow(robot(), training)
    taught = rollout(chore, make_actor("expert", chore), all_episodes(chore, "varied", TRAINING_SEEDS), disturbance=TEACHING)
    judged = Follow(robot(), held_out)
    with tempfile.TemporaryDirectory() as folder:
        policy = load_policy(fit(taught, TrainConfig(steps=STEPS_N), Path(folder) / "policy").best)
        actors = [PolicyActor(policy), make_actor("hold", judged), make_actor("replay", judged), make_actor("expert", judged)]
        episodes = all_episodes(judged, PLANTS)
        demonstrations = [done for actor in actors for done in rollout(judged, actor, episodes)]
    rows = episode_results(demonstrations, robot())
    return score(rows, episodes_provenance(demonstrations), baselines=("hold", "replay"))


def against_baselines() -> list[Row]:
    """In how many perturbed plants the policy beats each baseline, and the errors behind it."""
    card = scorecard()
    rows = []
    for baseline in ("hold", "replay"):
        better = 0
        for plant in PLANTS[1:]:
            found = next(c for c in card.comparisons if (c.actor, c.plant, c.against_actor) == ("bc", plant, baseline))
            better += found.metrics["mpjpe_root_mm"].high < 0
        rows.append(Row(f"perturbed plants where bc beats {baseline} (interval below 0)", better, 2, "of 3"))
    for actor in ("bc", "replay", "hold", "expert"):
        for plant in PLANTS:
            cell = card.cell(actor, plant)
            error = cell.metrics["mpjpe_root_mm"]
            note = f"[{error.low:.0f}, {error.high:.0f}]; success {cell.success.value:.0%} of {cell.success.n}"
            rows.append(Row(f"{actor}, {plant}: root-relative error", float(np.round(error.value, 2)), None, "mm", note=note))
    rows.append(Row("recordings to learn from", len(motions()[0])))
    rows.append(Row("held-out recordings", len(motions()[1])))
    return rows


if __name__ == "__main__":
    run("follow", {"bandai_namco": against_baselines})
