"""Teleoperation, in Python: calibrate on a few seconds, then push frame after frame as a camera or a headset gives them."""

import numpy as np

from retarget.body_map import body_map
from retarget.live import LiveRetargeter, LiveSettings
from retarget.problem import SolverSettings
from robots import load_robot
from workers import record

# A simulated worker in place of a tracker. Landmarks and their order are those of the calibration, for good.
human = record("stir", worker_seed=7).observed
calibration, then = human.slice(slice(0, 60)), human.slice(slice(60, 240))

live = LiveRetargeter(body_map(load_robot("g1_dex3")), calibration, LiveSettings(solver=SolverSettings(speed_scale=0.5)))
frames = [live.push(*frame) for frame in zip(then.time_s, then.position_m, then.confidence, strict=True)]

last = frames[-1]
print(f"{np.mean([frame.solved for frame in frames]):.0%} of {len(frames)} frames solved, {np.sum(last.observed)} joints seen in the last,")
print(f"{1e3 * np.median([frame.latency_s for frame in frames]):.1f} ms a frame")
print(dict(zip(live.joint_names, last.joint_position_rad.round(2).tolist(), strict=True)))
