"""A rehearsal without a real robot: the simulation of a plant takes its place, and writes the log. Sim-to-sim, whatever comes of it."""

from __future__ import annotations

import numpy as np

from envs.model import RobotModel
from envs.plant_draws import PlantDraw
from envs.plants import SENSORS
from gap.logs import RobotLog
from gap.replay import Conditions, recorded, replayed, stretches
from motion.errors import MotionError, require
from motion.provenance import Provenance, record

_NOISY = SENSORS.index("joint_position_rad")


def pseudo_real(log: RobotLog, model: RobotModel, plant: PlantDraw, name: str, rng: np.random.Generator) -> RobotLog:
    """What a robot in a plant would have written down, told what a log says its robot was told; of its longest known piece.

    Args:
        log: with commands; of what its robot did, only where it began.
        model: of the robot, on a fixed base.
        plant: in which it is simulated; its delay and its encoders' noise among it.
        name: of the plant.
        rng: the noise's.

    Raises:
        MotionError: nothing was commanded, or the simulation breaks down.
    """
    own = recorded(recorded(log, model).even, model)  # what is heard is what is written down, at even times
    done = replayed(model, [Conditions(plant)], stretches([own])[:1])
    require(bool(np.isfinite(done.simulated).all()), MotionError, f"log {log.name!r}: its simulation in the plant {name!r} breaks down.")
    (piece,) = done.stretches
    now, told = slice(piece.begin, piece.end + 1), own.even
    position, velocity, torque = done.simulated[0, 0], done.velocity_radps[0, 0], done.torque_nm[0, 0]
    return RobotLog(
        log.name,
        told.joint_names,
        told.time_s[now] - told.time_s[piece.begin],
        position + plant.sensor_noise[_NOISY] * rng.normal(size=position.shape),
        None if told.command_rad is None else told.command_rad[now],
        velocity,
        np.concatenate([torque[:1], torque]),
        None if told.command_velocity_radps is None else told.command_velocity_radps[now],
        None if told.command_torque_nm is None else told.command_torque_nm[now],
        provenance=_of(log.provenance, log.name, name),
        simulated=True,
    )


def _of(commands: Provenance, log: str, plant: str) -> Provenance:
    return record(
        f"{log}: its commands, simulated in the plant {plant}",
        "gap",
        commands.parents,
        {"plant": plant},
        licence=commands.licence,
        consent=commands.consent,
    )
