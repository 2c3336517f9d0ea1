"""Our own `.npz`: nothing is left out, gaps included."""

from __future__ import annotations

from pathlib import Path

from motion.errors import MotionError, require
from retarget.exports.base import Export, Sheet
from retarget.joint_orders import MUJOCO


def _write(sheet: Sheet, path: Path) -> None:
    stays = f"the project's own file keeps the robot's order of joints; leave out joint_order={sheet.order}."
    require(sheet.order == MUJOCO, MotionError, stays)
    sheet.motion.save(path)


EXPORT = Export("understudy", ".npz", _write, "wxyz", keeps_gaps=True, says="JSON header inside: units, joint names, provenance")
