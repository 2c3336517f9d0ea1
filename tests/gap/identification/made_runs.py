"""Runs of an arm whose plant is known, as a log would hold them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.model import RobotModel
from envs.open_loop import Orders, carry_out
from envs.plant_draws import PlantDraw, nominal_draw
from gap.logs import RobotLog
from gap.replay import Recorded, held, recorded
from motion.transform import Array

STEP_S, PERIOD_S, NOISE_RAD = 0.002, 0.02, 0.0005
KP, KD, FRICTION_NM, ZERO_RAD, DELAY_S = np.array([12.0, 30.0]), np.array([0.5, 1.5]), np.array([0.25, 0.1]), np.array([0.1, -0.15]), 0.034


def true_plant(model: RobotModel) -> PlantDraw:
    return replace(nominal_draw(model), kp=KP, kd=KD, friction_nm=FRICTION_NM, zero_rad=ZERO_RAD)


def commands(time_s: Array, seed: int) -> Array:
    """Waves, and steps that are held."""
    rng = np.random.default_rng(seed)
    waves = sum(rng.uniform(0.1, 0.4) * np.sin(rng.uniform(0.5, 5) * time_s[:, None] + rng.uniform(0, 6, 2)) for _ in range(3))
    levels = rng.uniform(-0.6, 0.6, (len(time_s) // 100 + 1, 2)).repeat(100, axis=0)[: len(time_s)]
    return np.where((time_s % 8 < 4)[:, None], waves, levels)


def run_of(model: RobotModel, seed: int, duration_s: float = 16.0, delay_s: float = DELAY_S) -> Recorded:
    """A run of the true plant, read off encoders."""
    time_s = np.arange(0, duration_s, PERIOD_S)
    told = commands(time_s, seed)
    command = held(time_s, told, STEP_S * np.arange(len(time_s) * 10 + 1) - delay_s)
    carried = carry_out(model, [true_plant(model)], Orders(told[:1], np.zeros((1, 2)), command[None]), 10)
    noise = np.random.default_rng([seed, 1]).normal(0, NOISE_RAD, (len(time_s), 2))
    return recorded(RobotLog(f"run {seed}", model.robot.joint_names, time_s, carried.position_rad[0, 0, :-1] + noise, told), model)
