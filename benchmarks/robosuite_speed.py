"""How fast robosuite steps its nearest task, in a virtual environment of its own; named by $ROBOSUITE_PYTHON."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

_SCRIPT = """
import json, time, numpy as np, robosuite
from robosuite import load_composite_controller_config
config = load_composite_controller_config(controller="BASIC")
env = robosuite.make("PickPlaceCan", robots="GR1FixedLowerBody", controller_configs=config,
                     has_renderer=False, has_offscreen_renderer=False,
                     use_camera_obs=False, control_freq=50, hard_reset=False, ignore_done=True)
env.reset()
low, high = env.action_spec
steps, best = 200, 0.0
substeps = round(env.control_timestep / env.model_timestep)
for _ in range(3):
    begin = time.perf_counter()
    for k in range(steps):
        env.step(0.1 * np.sin(0.06 * k) * np.ones_like(low))
    best = max(best, steps * substeps / (time.perf_counter() - begin))
print(json.dumps({"steps_per_s": best, "version": robosuite.__version__, "nv": int(env.sim.model.nv)}))
"""


@dataclass(frozen=True)
class Peer:
    """Physics steps per second, None where it is not installed, and what was measured."""

    steps_per_s: float | None
    note: str


def robosuite_steps_per_s() -> Peer:
    """GR1 (arms, waist, hands) beside a can and bins, on one core, its own controllers on."""
    python = os.environ.get("ROBOSUITE_PYTHON", "")
    if not python:
        return Peer(None, "robosuite not measured: set ROBOSUITE_PYTHON to a Python that has it")
    done = subprocess.run([python, "-c", _SCRIPT], capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        return Peer(None, f"robosuite failed: {done.stderr.strip().splitlines()[-1][:100]}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return Peer(
        float(found["steps_per_s"]),
        f"robosuite {found['version']} PickPlaceCan, GR1, {found['nv']} dof: {found['steps_per_s']:.0f} steps/s",
    )
