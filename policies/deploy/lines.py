"""A robot's side that speaks JSON, one object per line: the robot says what it sees, and is told what to do.

The robot begins and keeps the time::

    -> {"joint_names": ["shoulder", "elbow"], "period_s": 0.02}
    <- {"policy": "bc", "joint_names": [...], "period_s": 0.02, "observations": {"joint_position_rad": [2], ...}}
    -> {"observation": {"joint_position_rad": [0.1, 0.2], ...}}
    <- {"period": 0, "action": [0.11, 0.19]}
    -> {"observation": {"image_head": "<base64>", ...}}                pictures: bytes of rows, pixels and colours in turn
    -> {"reset": true}                                                 a new episode; nothing is answered
    <- {"error": "..."}                                                the last line, where something is wrong
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, TextIO

import numpy as np

from motion.errors import MotionError
from motion.transform import Array
from policies.spec import PolicySpec, is_picture

GREETING = '{"joint_names": [...], "period_s": 0.02}'
LOOK = '{"observation": {"<name>": [...], ...}} or {"reset": true}'


class LinesRobot:
    """The robot at the other end of two streams of lines (`policies.deploy.player.RobotSide`).

    Args:
        incoming: what the robot says; its first line is read at once.
        outgoing: what it is told.

    Attributes:
        joint_names, period_s: as the robot says.
        more: whether another episode follows the one that ended.

    Raises:
        MotionError: the first line does not say joints and period.
    """

    keeps_time = True

    def __init__(self, incoming: TextIO, outgoing: TextIO) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._line, self._period, self.more = 0, 0, False
        self._shapes: Mapping[str, tuple[int, ...]] = {}
        greeting = self._read() or {}
        names, period_s = greeting.get("joint_names"), greeting.get("period_s")
        if not isinstance(names, list) or not isinstance(period_s, int | float):
            raise MotionError(f"the robot's first line has to be {GREETING}.")
        self.joint_names, self.period_s = tuple(map(str, names)), float(period_s)

    def welcome(self, spec: PolicySpec, name: str) -> None:
        """Tell the robot what is going to act, and what it has to see."""
        self._shapes = spec.shapes
        shapes = {key: list(shape) for key, shape in spec.observations}
        self.say({"policy": name, "joint_names": list(spec.joint_names), "period_s": spec.period_s, "observations": shapes})

    def observe(self) -> Mapping[str, np.ndarray] | None:
        """The next line's observation; None where an episode ends, by a reset or by the end of the lines."""
        said = self._read()
        self.more = said is not None
        if said is None or said.get("reset") is True:
            self._period = 0
            return None
        found = said.get("observation")
        if not isinstance(found, dict):
            raise MotionError(f"line {self._line} of the robot has to be {LOOK}.")
        return {name: self._array(name, value) for name, value in found.items()}

    def send(self, action: Array) -> None:
        """Tell the action of this period."""
        self.say({"period": self._period, "action": action.tolist()})
        self._period += 1

    def say(self, values: Mapping[str, Any]) -> None:
        """One line to the robot, at once."""
        self._outgoing.write(json.dumps(values, allow_nan=False) + "\n")
        self._outgoing.flush()

    def _read(self) -> dict[str, Any] | None:
        """The next line that is not empty; None at the end."""
        for text in iter(self._incoming.readline, ""):
            self._line += 1
            if text.strip():
                return self._parsed(text)
        return None

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except ValueError as error:
            raise MotionError(f"line {self._line} of the robot is not JSON ({error}).") from error
        if not isinstance(found, dict):
            raise MotionError(f"line {self._line} of the robot is not a JSON object.")
        return found

    def _array(self, name: str, value: Any) -> np.ndarray:
        if is_picture(name) and name in self._shapes:
            return self._picture(name, value)
        try:
            return np.asarray(value, np.float64)
        except (TypeError, ValueError) as error:
            raise MotionError(f"line {self._line} of the robot: observation {name!r} is no array of numbers ({error}).") from error

    def _picture(self, name: str, value: Any) -> np.ndarray:
        """A picture (height, width, 3), uint8, from its bytes in base64."""
        shape = self._shapes[name]
        try:
            return np.frombuffer(base64.b64decode(value, validate=True), np.uint8).reshape(shape)
        except (TypeError, ValueError) as error:
            wanted = f"the {int(np.prod(shape))} bytes of {' x '.join(map(str, shape))} in base64"
            raise MotionError(f"line {self._line} of the robot: observation {name!r} is not {wanted} ({error}).") from error
