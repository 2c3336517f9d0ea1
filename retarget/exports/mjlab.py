"""The motion `.npz` of mjlab: joints and bodies in MuJoCo's order, with their speeds, 50 Hz.

Layout of mjlab's csv_to_npz: fps (1,), joint_pos and joint_vel (T, J), body_pos_w, body_lin_vel_w and body_ang_vel_w
(T, B, 3), body_quat_w (T, B, 4) wxyz, all in the world; the first body is the base. Names of joints and bodies, and a
line of metadata, stand beside them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from motion.store import write_atomically
from motion.transform import Array, quaternion_product, so3_log
from retarget.exports.base import Export, Sheet
from retarget.joint_orders import body_order
from retarget.robot_motions import METADATA
from robots.kinematics import Kinematics

USUAL_HZ = 50.0
SAYS = f"arrays joint_names, body_names and {METADATA}"


def write_bodies(sheet: Sheet, path: Path) -> None:
    """Write the sheet with the poses and speeds of all bodies, in the order that goes with the joints'."""
    bodies = body_order(sheet.robot, sheet.order)
    postures = sheet.motion.joint_position_rad
    poses = Kinematics(sheet.robot).frame_poses(bodies, postures, sheet.base)
    wxyz = _continuous(poses.wxyz)
    rate = int(sheet.rate_hz) if float(sheet.rate_hz).is_integer() else float(sheet.rate_hz)
    arrays = {
        "fps": np.array([rate]),
        "joint_pos": sheet.joints_rad,
        "joint_vel": _speed(sheet.joints_rad, sheet.rate_hz),
        "body_pos_w": poses.position_m,
        "body_quat_w": wxyz,
        "body_lin_vel_w": _speed(poses.position_m, sheet.rate_hz),
        "body_ang_vel_w": _turning(wxyz, sheet.rate_hz),
        "joint_names": np.array(sheet.joint_names),
        "body_names": np.array(bodies),
        METADATA: np.array(json.dumps({**sheet.words, "body_names": list(bodies)})),
    }
    write_atomically(path, lambda stream: np.savez(stream, allow_pickle=False, **arrays))


def _speed(track: Array, rate_hz: float) -> Array:
    """Central differences along time, one-sided at the ends; zero for a single frame."""
    return np.gradient(track, 1 / rate_hz, axis=0) if len(track) > 1 else np.zeros_like(track)


def _turning(wxyz: Array, rate_hz: float) -> Array:
    """World angular speeds (T, B, 3) of orientations (T, B, 4), from the frames before and after."""
    if len(wxyz) < 2:
        return np.zeros((*wxyz.shape[:-1], 3))
    before = np.concatenate([wxyz[:1], wxyz[:-1]])
    after = np.concatenate([wxyz[1:], wxyz[-1:]])
    span = np.full(len(wxyz), 2.0)
    span[[0, -1]] = 1.0
    return so3_log(quaternion_product(after, before * [1.0, -1, -1, -1])) * (rate_hz / span)[:, None, None]


def _continuous(wxyz: Array) -> Array:
    """The same orientations, signs chosen so that none jumps from one frame to the next."""
    flips = np.cumprod(np.where((wxyz[1:] * wxyz[:-1]).sum(-1) < 0, -1.0, 1.0), axis=0)
    return wxyz * np.concatenate([np.ones((1, wxyz.shape[1])), flips])[..., None]


EXPORT = Export("mjlab", ".npz", write_bodies, "wxyz", rate_hz=USUAL_HZ, says=SAYS)
