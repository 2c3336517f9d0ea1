"""An arm of two links that hang from a stand, with a hand's place at its end."""

from __future__ import annotations

from pathlib import Path

from robots import Robot, load_robot

_LINK = """<link name="{name}"><inertial><origin xyz="0 0 -0.15"/><mass value="{mass}"/>
<inertia ixx="0.008" iyy="0.008" izz="0.001" ixy="0" ixz="0" iyz="0"/></inertial></link>"""
_JOINT = """<joint name="{name}" type="revolute"><parent link="{parent}"/><child link="{child}"/><origin xyz="{at}"/>
<axis xyz="0 1 0"/><limit lower="-3" upper="3" effort="20" velocity="20"/></joint>"""
_BALL = """<collision><origin xyz="0 0 -0.3"/><geometry><sphere radius="{radius}"/></geometry></collision>"""
_YAML = """urdf: arm.urdf
floating: false
motors:
  - {joints: ".*", kp: 20, kd: 1, armature: 0.01}
landmarks:
  left_wrist: [fore, 0, 0, -0.3]
"""


def made_arm(folder: Path, tip_m: float = 0.0) -> Robot:
    """Joints "shoulder" and "elbow" of 20 Nm/rad; 1 and 0.6 kg on 0.3 m each. A ball of `tip_m` at the end is all the shape that it has."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        '<link name="stand"/>',
        _LINK.format(name="upper", mass=1.0),
        _LINK.format(name="fore", mass=0.6).replace("</link>", _BALL.format(radius=tip_m) * (tip_m > 0) + "</link>"),
        _JOINT.format(name="shoulder", parent="stand", child="upper", at="0 0 1"),
        _JOINT.format(name="elbow", parent="upper", child="fore", at="0 0 -0.3"),
    ]
    (folder / "arm.urdf").write_text(f'<robot name="arm">{"".join(parts)}</robot>')
    (folder / "robot.yaml").write_text(_YAML)
    return load_robot(folder)
