"""GMR's `.pkl`: a dict of fps, root_pos, root_rot (xyzw), dof_pos, local_body_pos and link_body_list, the last two None."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from motion.store import write_atomically
from retarget.exports.base import Export, Sheet
from retarget.robot_motions import METADATA

_PROTOCOL = 3
"""The last one that names classes in plain lines, and that Python 3.8 reads."""
_NEW_NAME, _OLD_NAME = b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"


def _write(sheet: Sheet, path: Path) -> None:
    content = {
        "fps": int(sheet.rate_hz) if float(sheet.rate_hz).is_integer() else float(sheet.rate_hz),
        "root_pos": np.ascontiguousarray(sheet.base.position_m),
        "root_rot": np.ascontiguousarray(sheet.base.to_xyzw()),
        "dof_pos": np.ascontiguousarray(sheet.joints_rad),
        "local_body_pos": None,
        "link_body_list": None,
        "joint_names": list(sheet.joint_names),
        METADATA: json.dumps(sheet.words),
    }
    write_atomically(path, lambda stream: stream.write(plain_pickle(content)))


def plain_pickle(content: dict[str, Any]) -> bytes:
    """A pickle of plain containers and arrays that NumPy 1 and 2 both load.

    NumPy 2 names the function that builds arrays by a module that NumPy 1 does not have; both have the older name.
    """
    return pickle.dumps(content, _PROTOCOL).replace(_NEW_NAME, _OLD_NAME)


EXPORT = Export("gmr", ".pkl", _write, "xyzw", says=f"entries joint_names and {METADATA}")
