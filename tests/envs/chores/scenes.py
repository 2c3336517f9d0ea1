"""Moments made by hand: things where a test wants them, and what the hands then feel."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from gymnasium.utils.env_checker import check_env

from envs.chore_env import ChoreEnv
from envs.chores.base import Moment, Verdict
from envs.episodes import Episode, Episodes
from envs.household.chore import Household
from envs.household.look import Look
from envs.household.scene import Scene
from envs.plants import PLANTS
from envs.simulation import State
from motion.demonstration import Demonstration
from motion.landmarks import SIDES
from motion.transform import Array, Transform

Poses = Mapping[str, Transform]


def still_look(
    chore: Household,
    scene: Scene,
    poses: Poses | None = None,
    beads_m: Array | None = None,
    touched: tuple[str, ...] = (),
    speed_mps: float = 0.0,
    before: Mapping[str, float | Array] | None = None,
    force_n: tuple[float, float, float] = (0.0, 0.0, 0.0),
    hinges: Mapping[str, float] | None = None,
) -> Look:
    """One episode at one moment, everything in the counter's frame.

    Args:
        chore, scene: which.
        poses: thing -> pose (); others stand where the scene has them.
        beads_m: (B, 3); where the scene has them unless given.
        touched: things that the right hand touches.
        speed_mps: of all things, upwards.
        before: values of signals a period ago; 0 unless given.
        force_n: what the chore's first pair of things feels.
        hinges: angles (rad) and shifts (m) of things on joints; 0 unless given.
    """
    place, names = chore.station.T_world_counter, chore.listing.things
    own = [place @ (poses or {}).get(name, scene.thing(name).pose) for name in names]
    position, wxyz = np.array([pose.position_m for pose in own])[None], np.array([pose.wxyz for pose in own])[None]
    own_beads = np.array([scene.thing(name).position_m for name in chore.listing.beads]).reshape(-1, 3)
    grains = own_beads if beads_m is None else beads_m
    recalled = {name: np.zeros((1, *shape)) for name, shape in {**chore.measured, **chore.judged}.items()}
    recalled["thing_position_m"] = position - [0, 0, 0.02 * speed_mps]
    recalled |= {name: np.asarray(value, float)[None] for name, value in (before or {}).items()}
    hinge = np.array([[(hinges or {}).get(name, 0.0) for name in chore.listing.hinges]]).reshape(1, -1)
    joints = len(chore.robot.joint_names)
    state = State(
        joint_position_rad=chore.robot.rest_rad[None],
        joint_velocity_radps=np.zeros((1, joints)),
        T_world_base=chore.station.T_world_base[None],
        landmark_m=np.zeros((1, len(chore.robot.landmarks), 3)),
        thing_m=position,
        thing_wxyz=wxyz,
        bead_m=place.apply(grains)[None],
        hinge=hinge,
        hinge_speed=np.zeros_like(hinge),
        palm_m=np.zeros((1, 2, 3)),
        palm_wxyz=np.tile([1.0, 0.0, 0.0, 0.0], (1, 2, 1)),
    )
    setup = chore.setup(chore.variants.index(scene.variant), scene.seed)
    facts = {name: np.asarray(value)[None] for name, value in setup.facts.items()}
    sensors = _sensors(chore, touched, force_n)
    moment = Moment(np.zeros(1, int), np.array([10]), state, state.joint_position_rad, sensors, facts, recalled)
    return chore.told(chore.look(moment))


def _sensors(chore: Household, touched: tuple[str, ...], force_n: tuple[float, float, float]) -> Array:
    columns = chore.listing.columns
    sensors = np.zeros((1, max(where.stop for where in columns.values())))
    touch = np.zeros((len(SIDES), len(chore.listing.things)))
    touch[SIDES.index("right"), [chore.listing.things.index(name) for name in touched]] = 1.0
    sensors[0, columns["touch"]] = touch.ravel()
    if columns["force_n"].stop > columns["force_n"].start:
        sensors[0, columns["force_n"]] = force_n
    return sensors


def true_at(chore: Household, look: Look, stage: str) -> bool:
    """Whether a stage's predicate is true."""
    return bool(chore.true_now(look)[stage][0])


def check_as_gymnasium_does(chore: Household) -> None:
    """Gymnasium's own contract of an environment."""
    with warnings.catch_warnings():
        # Actions are joint angles within the robot's limits, not numbers in -1..1.
        warnings.filterwarnings("ignore", message=".*symmetric and normalized space.*")
        check_env(ChoreEnv(chore), skip_render_check=True)


def idle_alone_and_beside(chore: Household, other: str) -> tuple[Mapping[str, np.ndarray], Verdict, Demonstration]:
    """Nothing done in an episode, alone and beside one of another variant: the same bits, or a failure.

    Returns:
        the first observations of the episode, and its verdict and demonstration (53 periods) beside the other.
    """
    alone, together = Episodes(chore, 1), Episodes(chore, 2, 2)
    wanted = [Episode(other, PLANTS["nominal"], 4), Episode("full", PLANTS["nominal"], 3)]
    first = alone.reset([0], wanted[1:])
    together.reset([0, 1], wanted)
    rest = chore.robot.rest_rad[None]
    for _ in range(8):
        alone.step([0], rest)
    for _ in range(53):
        together.step([0, 1], np.repeat(rest, 2, axis=0))
    one, two = together.demonstration(1, "hold"), alone.demonstration(0, "hold")
    for name, values in one.signals.items():
        assert np.array_equal(values[:8], two.signals[name]), name
    return first, together.verdict(1), one
