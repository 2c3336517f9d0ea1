"""The `.csv` of Unitree's retargeted LAFAN1 set: x, y, z, quaternion xyzw, joints; a row per frame, read as 30 Hz.

The layout has no place for names. They stand in a line that begins with `#`, which NumPy's readers pass over, and in a
file of the same name and `.json`, with where the motion comes from.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from motion.store import write_atomically, write_text
from retarget.exports.base import Export, Sheet

_USUAL_HZ = 30.0
_DIGITS = "%.9g"


def _write(sheet: Sheet, path: Path) -> None:
    table = np.c_[sheet.base.position_m, sheet.base.to_xyzw(), sheet.joints_rad]
    columns = ["x_m", "y_m", "z_m", "qx", "qy", "qz", "qw", *sheet.joint_names]
    said = {"rate_hz": sheet.rate_hz, "units": "m, rad", "quaternion": "xyzw", "robot": sheet.robot.name}
    said |= {key: sheet.words[key] for key in ("licence", "consent")}
    header = f"{json.dumps(said)}\n{','.join(columns)}"
    write_atomically(path, lambda stream: np.savetxt(stream, table, fmt=_DIGITS, delimiter=",", header=header, comments="# "))
    write_text(path.with_name(f"{path.name}.json"), json.dumps(dict(sheet.words), indent=1))


EXPORT = Export("unitree_csv", ".csv", _write, "xyzw", rate_hz=_USUAL_HZ, says="lines with # at the top, and a .json beside it")
