"""Robots that carry out commands that were written down, in many plants and from many starts at once: nothing is seen, and nothing touched
but a table, if there is one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from mujoco import rollout

from envs.model import RobotModel
from envs.plant_draws import PlantDraw, apply_plant
from envs.table import TableTop, has_table, pressed_m, put_table, table_qpos
from motion.errors import ShapeError, require
from motion.transform import Array

_STATE = mujoco.mjtState
_SPEC = _STATE.mjSTATE_FULLPHYSICS
_DRIVE = int(_STATE.mjSTATE_CTRL | _STATE.mjSTATE_QFRC_APPLIED)
_NUMBERS = 2**24
"""States of so many numbers are simulated at a time: 128 MB."""


@dataclass(frozen=True)
class Orders:
    """What W stretches begin with and what is commanded in them; S physics steps.

    Attributes:
        start_rad, start_radps: (W, J).
        command_rad: (W, S, J) or, where plants hear it at different times, (P, W, S, J): position targets as they reach the motors.
        torque_nm: of the same shape, added by the motors; None: nothing.
    """

    start_rad: Array
    start_radps: Array
    command_rad: Array
    torque_nm: Array | None = None


@dataclass(frozen=True)
class Carried:
    """What P robots did in W stretches, at N moments; the first is the start.

    Attributes:
        position_rad, velocity_radps: (P, W, N, J); NaN from where a simulation broke down.
        torque_nm: (P, W, N - 1, J) of the motors in the last physics step before each moment but the first.
    """

    position_rad: Array
    velocity_radps: Array
    torque_nm: Array


def carry_out(
    model: RobotModel,
    draws: Sequence[PlantDraw],
    orders: Orders,
    every: int,
    threads: int = 1,
    tables: Sequence[TableTop | None] | None = None,
) -> Carried:
    """Simulate every stretch in each of P plants that share their time step; delays are the caller's business.

    Args:
        model: nominal, with a fixed base; of contacts only those with a table count (`envs.table`).
        draws: P plants.
        orders: of W stretches.
        every: physics steps from one moment that is told of to the next.
        threads: of the CPU.
        tables: P, for a model with a table; None: none is in reach.

    Raises:
        ShapeError: a base that moves, plants of different time steps, steps that `every` does not divide, or tables for a model without.
    """
    require(model.base_mode == "fixed", ShapeError, f"{model.robot.name}: orders are carried out on a fixed base, not {model.base_mode!r}.")
    step_s = {own.timestep_s for own in draws}
    require(len(step_s) == 1, ShapeError, f"plants of one time step were wanted; theirs are {sorted(step_s)} s.")
    steps, stretches = orders.command_rad.shape[-2], len(orders.start_rad)
    require(steps % every == 0, ShapeError, f"{steps} physics steps cannot be told of every {every}.")
    tops: Sequence[TableTop | None] = [None] * len(draws) if tables is None else tables
    message = f"{model.robot.name}: this model has no table to be put anywhere; make it by model_with_table."
    require(has_table(model) or all(own is None for own in tops), ShapeError, message)
    size = mujoco.mj_stateSize(model.model, _SPEC)
    batch = max(1, _NUMBERS // max(1, stretches * steps * size))
    parts = [
        _carried(model, draws[k : k + batch], tops[k : k + batch], _of_plants(orders, k, k + batch), every, threads)
        for k in range(0, len(draws), batch)
    ]
    return Carried(*(np.concatenate([getattr(part, name) for part in parts]) for name in Carried.__dataclass_fields__))


def _of_plants(orders: Orders, begin: int, end: int) -> Orders:
    if orders.command_rad.ndim < 4:
        return orders
    torque = None if orders.torque_nm is None else orders.torque_nm[begin:end]
    return Orders(orders.start_rad, orders.start_radps, orders.command_rad[begin:end], torque)


def _carried(
    model: RobotModel, draws: Sequence[PlantDraw], tops: Sequence[TableTop | None], orders: Orders, every: int, threads: int
) -> Carried:
    plants, stretches = len(draws), len(orders.start_rad)
    models = [_in_plant(model, own, top) for own, top in zip(draws, tops, strict=True)]
    qpos, qvel = model.qpos(orders.start_rad, model.fixed_pose()), model.qvel(orders.start_radps)
    start = np.zeros((stretches, mujoco.mj_stateSize(models[0], _SPEC)))
    start[:, 1 : 1 + qpos.shape[1]], start[:, 1 + qpos.shape[1] :][:, : qvel.shape[1]] = qpos, qvel
    command, torque = (_each(track, plants) for track in (orders.command_rad, orders.torque_nm))
    assert command is not None
    drive = _drive(model, command, torque)
    rows = [own for own in models for _ in range(stretches)]
    data = [mujoco.MjData(models[0]) for _ in range(threads)]
    begin = np.tile(start, (plants, 1))
    if any(top is not None for top in tops):
        begin[:, 1 + table_qpos(model)] = pressed_m(model, orders.start_rad, draws, tops).ravel()
    states, _ = rollout.rollout(rows, data, begin, drive, control_spec=_DRIVE)
    states = np.concatenate([begin[:, None], states], axis=1).reshape(plants, stretches, -1, start.shape[1])
    position, velocity = states[..., 1 + model.joint_qpos], states[..., 1 + qpos.shape[1] + model.joint_dof]
    lost = ~np.isfinite(states).all(-1) | (states[..., 0] < np.arange(states.shape[2]) * models[0].opt.timestep - 1e-6)  # reset: time at 0
    lost = np.logical_or.accumulate(lost, axis=2)
    position, velocity = (np.where(lost[..., None], np.nan, track) for track in (position, velocity))
    before = slice(every - 1, command.shape[2], every)
    felt = _torque(draws, command[:, :, before], position[:, :, before], velocity[:, :, before])
    return Carried(position[:, :, ::every], velocity[:, :, ::every], felt if torque is None else felt + torque[:, :, before])


def _in_plant(model: RobotModel, own: PlantDraw, top: TableTop | None) -> mujoco.MjModel:
    made = copy.copy(model.model)
    apply_plant(made, model, own)
    if top is not None:
        put_table(made, model.robot, top)
    else:
        made.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
    return made


def _each(track: Array | None, plants: int) -> Array | None:
    """(P, W, S, J) of what may be the same for all."""
    return track if track is None or track.ndim == 4 else np.broadcast_to(track, (plants, *track.shape))


def _drive(model: RobotModel, command: Array, torque: Array | None) -> Array:
    """(P W, S, controls and applied forces)."""
    plants, stretches, steps, joints = command.shape
    out = np.zeros((plants, stretches, steps, model.model.nu + model.model.nv))
    out[..., :joints] = command
    if torque is not None:
        out[..., model.model.nu + model.joint_dof] = torque
    return out.reshape(plants * stretches, steps, -1)


def _torque(draws: Sequence[PlantDraw], command: Array, position: Array, velocity: Array) -> Array:
    """What motors with these gains and limits give."""
    kp, kd, most = (np.stack([getattr(own, name) for own in draws])[:, None, None] for name in ("kp", "kd", "effort_nm"))
    return np.asarray(np.clip(kp * (command - position) - kd * velocity, -most, most))
