"""A robot on its own feet (`base=wbc`): pushes, payloads and chores that it survives: `python -m benchmarks.standing [--only STAGE]`."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import time
from collections.abc import Callable, Iterable
from functools import cache, partial

import numpy as np

from benchmarks.chore_runs import CHORES, JOBS, ROBOT, replay_block
from benchmarks.parallel import in_order
from benchmarks.table import Row, run
from envs.household.measuring import fallen
from envs.model import RobotModel, robot_model
from envs.plant_draws import draw
from envs.plants import Change, Plant
from envs.reference import PERIOD_S
from envs.simulation import Drive, Simulation
from motion.transform import Array
from robots import load_robot
from robots.ready import ready_for_work
from robots.standing import Standing, stance

STANDING = (*CHORES, "wash_dish", "fold_towel")
SEEDS = range(10)
_LASTS_S, _SHOVED_S, _SHOVE_S = 6.0, 3.0, 0.1
_WAVES_HZ, _WAVES_RAD = 0.5, 0.3
_DIRECTIONS = np.arange(0.0, 360.0, 45.0)
_PUSHES_N, _PAYLOADS_KG, _DELAYS_S = np.arange(10.0, 161.0, 10.0), np.arange(1.0, 8.1, 1.0), (0.02, 0.04)
_SOME_KG = (0.0, 1.0, 3.0)
_HAND = "right_wrist"


@cache
def _model() -> RobotModel:
    return robot_model(ready_for_work(load_robot(ROBOT)), "wbc")


def waving(plant: Plant, shove_n: Array, seed: int = 0, amplitude_rad: float = _WAVES_RAD) -> tuple[bool, float, float]:
    """Arms that wave for a while, and a shove (3,) on the base.

    Whether the robot stands to the end, its farthest way off, m, and how far the arms are from where they should be, rad.
    """
    model, robot = _model(), _model().robot
    base = model.fixed_pose()
    own, simulation = draw(plant, model, np.random.default_rng(seed)), Simulation(model, 1)
    ids, rng = np.zeros(1, int), np.random.default_rng(seed)
    simulation.set_models(ids, [own])
    simulation.reset(ids, model.qpos(robot.rest_rad, base[None]), np.zeros((1, model.model.nv)), robot.rest_rad[None])
    arms = np.array([any(word in name for word in ("shoulder", "elbow", "wrist")) for name in robot.joint_names])
    phase, rate = rng.uniform(0, 2 * np.pi, len(arms)), 2 * np.pi * _WAVES_HZ * rng.uniform(0.5, 1.5, len(arms))
    late, farthest, sag = own.delay_steps * own.timestep_s, 0.0, []
    for period in range(round(_LASTS_S / PERIOD_S)):
        moment = max(period * PERIOD_S - late, 0.0)
        swing = min(moment, 1.0) * amplitude_rad * (np.sin(rate * moment + phase) - np.sin(phase))
        target = np.clip(robot.rest_rad + arms * swing, robot.lower_rad, robot.upper_rad)
        pushed = _SHOVED_S <= period * PERIOD_S < _SHOVED_S + _SHOVE_S
        targets = np.tile(target, (1, own.substeps, 1))
        simulation.advance(ids, Drive(targets, np.zeros((1, len(arms))), None, None, (shove_n * pushed)[None]))
        state = simulation.state(ids)
        pose = state.T_world_base[0]
        sag.append(np.square(state.joint_position_rad[0] - target)[arms].mean())
        farthest = max(farthest, float(np.linalg.norm(pose.position_m - base.position_m)))
        if fallen(pose, base):
            return False, farthest, np.inf
    return True, farthest, float(np.sqrt(np.mean(sag)))


def _last(survived: Iterable[tuple[float, bool]]) -> float:
    """The largest number up to which all were survived, smallest first; 0 where the first was not."""
    best = 0.0
    for number, upright in survived:
        if not upright:
            break
        best = number
    return best


def arms() -> list[Row]:
    """Waving alone, as it is and with more friction-poor floors and heavier links than the program knows."""
    odd = {
        "": Plant("nominal"),
        "_slippery": Plant("slippery", (Change("floor_friction", ranges=(0.3, 0.3), operation="set"),)),
        "_10_percent_heavier": Plant("heavy", (Change("mass", ranges=(1.1, 1.1), operation="scale"),)),
    }
    rows = []
    for name, plant in odd.items():
        runs = [waving(plant, np.zeros(3), seed, 0.5) for seed in range(5)]
        rows.append(Row(f"waving{name}", 100 * np.mean([upright for upright, _, _ in runs]), 100.0 if not name else None, "%"))
        rows.append(Row(f"waving{name}_off", 1e3 * max(off for _, off, _ in runs), unit="mm", at_least=False))
    return rows


def pushes() -> list[Row]:
    """The hardest push of 0.1 s against the pelvis that it survives from each side, arms waving."""
    rows = []
    for angle in _DIRECTIONS:
        way = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0.0])
        hardest = _last((force, waving(Plant("nominal"), force * way)[0]) for force in _PUSHES_N)
        rows.append(Row(f"push_towards_{angle:03.0f}", hardest, unit="N"))
    return [Row("push_from_any_side", min(row.measured for row in rows), 50.0, "N"), *rows]


def payloads() -> list[Row]:
    """The heaviest load in one hand, of which the program is not told, with which it stands; and at what delays."""

    @cache
    def stands(kg: float) -> tuple[bool, float]:
        plant = Plant("loaded", (Change("payload", _HAND, (kg, kg), operation="set"),))
        runs = [waving(plant, np.zeros(3), seed) for seed in range(3)]
        return all(upright for upright, _, _ in runs), max(off for _, _, off in runs)

    heaviest = _last((kg, stands(kg)[0]) for kg in _PAYLOADS_KG)
    rows = [Row("payload_in_one_hand", heaviest, 3.0, "kg", note=f"{_PAYLOADS_KG[-1]:g} kg is the heaviest that was tried")]
    rows += [Row(f"arms_off_with_{kg:.0f}_kg", np.degrees(stands(kg)[1]), unit="deg RMS", at_least=False) for kg in _SOME_KG]
    for delay in _DELAYS_S:
        plant = Plant("late", action_delay_s=(delay, delay))
        rows.append(Row(f"delay_{1e3 * delay:.0f}_ms", 100 * np.mean([waving(plant, np.zeros(3), seed)[0] for seed in range(5)]), unit="%"))
    return rows


def speed() -> list[Row]:
    """The program alone."""
    robot = _model().robot
    program, whole = Standing(robot), robot.unlocked
    assert whole is not None
    base = _model().fixed_pose()
    footing, posture, still = program.footing(base), whole.rest_rad.copy(), np.zeros(len(whole.joint_names))
    posture[program.legs] = stance(robot).angle_rad
    times = []
    for _ in range(500):
        begin = time.perf_counter()
        program.torque(footing, posture, still, base, np.zeros(6))
        times.append(time.perf_counter() - begin)
    return [Row("program", 1e3 * float(np.median(times)), unit="ms", at_least=False)]


def chores(chore: str) -> list[Row]:
    """Workers' recordings replayed on a robot that stands, and on the same one bolted down."""
    rows, own = [], tuple(SEEDS)
    tasks = [(chore, ROBOT, False, part, 0, "", base) for base in ("wbc", "fixed") for part in (own[::2], own[1::2])]
    done = in_order(replay_block, tasks, JOBS, "block", "replay")
    for number, base in enumerate(("wbc", "fixed")):
        runs = [*done[2 * number], *done[2 * number + 1]]
        rows.append(Row(f"{chore}_{base}", 100 * np.mean([one.success for one in runs]), unit="%"))
        rows.append(Row(f"{chore}_{base}_safe", 100 * np.mean([one.safe for one in runs]), unit="%"))
    return rows


STAGES: dict[str, Callable[[], list[Row]]] = {
    "speed": speed,
    "arms": arms,
    "pushes": pushes,
    "payloads": payloads,
    **{chore: partial(chores, chore) for chore in STANDING},
}

if __name__ == "__main__":
    run("standing", STAGES)
