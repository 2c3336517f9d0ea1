"""Doors: `python -m envs replay motions=motions/ output=demonstrations/`, and what `COMMANDS` lists.

A command's code is loaded when it is asked for.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from tqdm import tqdm

from envs.actors import ExpertLaw
from envs.chores.follow import Follow, FollowRules
from envs.disturbance import Disturbance
from envs.household.refine import RefineSettings
from envs.household.replay_law import ReplayLaw
from envs.replay import TEACHING, make_actor
from envs.rollout import all_episodes, rollout
from motion.robot_motion import RobotMotion
from robots import load_robot
from understudy import build, door, files_of, needed, output_of, plain, plant_of, status_of

COMMANDS = {
    "leaks": "envs.household.leaks_command",
    "render": "envs.household.render_command",
    "see": "envs.household.see_command",
    "view": "envs.household.view_command",
}
"""First word of the command line -> the module whose `main` takes the words after it."""


def main(config: dict[str, Any]) -> int:
    """Replay retargeted motions, or recordings of a chore with things, in simulation, into demonstrations."""
    name = config["chore"]["name"]
    if name != Follow.name:
        return int(import_module("workers.household.door").replay(config))
    motions = files_of(needed(config, "motions", "motions/"))
    folder = output_of(config, "demonstrations/")
    first, seeds, slots = (
        plain(config, "first_seed", int, least=0),
        plain(config, "seeds", int, least=1),
        plain(config, "slots", int, least=1),
    )
    robot = load_robot(config["robot"]["name"] or RobotMotion.load(motions[0]).robot)
    rules = build(FollowRules, config["rules"], "rules")
    chore = Follow(robot, motions, config["chore"]["base"], rules, config["unsolved"], plain(config["chore"], "floor", bool, where="chore"))
    disturbance = build(Disturbance, {**TEACHING.__dict__, **config["disturbance"]}, "disturbance")
    actor = make_actor(config["actor"], chore, build(ExpertLaw, config["law"], "law"))
    episodes = all_episodes(chore, plant_of(config["plant"]), range(first, first + seeds))
    succeeded = 0
    with tqdm(total=len(episodes), unit="episode", desc=f"{actor.name} in {episodes[0].plant.name}") as bar:
        for start in range(0, len(episodes), slots):
            block = episodes[start : start + slots]
            for done in rollout(chore, actor, block, slots, disturbance=disturbance):
                done.save(folder / f"{done.variant}.{done.plant}.{done.seed}.npz")
                succeeded += done.success
            bar.update(len(block))
    print(f"{len(episodes)} demonstrations in {folder}; {succeeded} succeeded")
    return 0


SETTINGS = {"disturbance": Disturbance, "law": ExpertLaw, "rules": FollowRules, "refine": RefineSettings, "replay": ReplayLaw}
command = door("envs", SETTINGS, command="replay", also=("plant",))(main)

if __name__ == "__main__":
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    if first in COMMANDS:
        sys.exit(status_of(lambda: int(import_module(COMMANDS[first]).main(sys.argv[2:]))))
    command()
