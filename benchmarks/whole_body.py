"""Real recordings of whole bodies: do they drive a planar base and, on the gantry, the legs?

The clips were chosen by what is done in them, two of a kind where there are two: walking, walking otherwise, turning,
crouching, bowing and bending, lifting the arms. All clips of one set are quoted beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from benchmarks.table import Row, data_folder, run
from envs.actors import ExpertActor, ExpertLaw, HoldActor
from envs.chores.follow import Follow
from envs.model import BaseMode
from envs.planar import driven_robot
from envs.rollout import all_episodes, rollout
from motion.demonstration import Demonstration
from motion.robot_motion import RobotMotion
from motion.transform import Transform
from retarget.body_map import body_map
from retarget.pipeline import RetargetSettings, retarget_motion
from retarget.sources.base import read_recording
from robots import Robot, load_robot
from robots.kinematics import Kinematics

_BANDAI, _CMU, _ASAP = "body/bandai_namco", "body/cmu_amc", "reference/asap_smpl_to_g1/human_smpl"
CLIPS = (
    f"{_BANDAI}/dataset-1_walk_normal_001.bvh",
    f"{_CMU}/02_01.amc",
    f"{_BANDAI}/dataset-1_walk_old_001.bvh",
    f"{_BANDAI}/dataset-1_walk-back_normal_001.bvh",
    f"{_BANDAI}/dataset-2_walk-turn-left_normal_001.bvh",
    f"{_ASAP}/squat_level1_filter.npz",
    f"{_ASAP}/squat_level2_filter.npz",
    f"{_BANDAI}/dataset-1_bow_normal_001.bvh",
    f"{_CMU}/02_10.amc",
    f"{_BANDAI}/dataset-2_raise-up-both-hands_normal_001.bvh",
)
LAW = ExpertLaw(base_motion=True)


@dataclass(frozen=True)
class Followed:
    """How one clip was followed: base off by so much on average, and the landmarks of the upper body."""

    name: str
    success: bool
    base_cm: float
    base_deg: float
    upper_body_mm: float
    lost_height_m: float
    lost_lean_deg: float
    too_fast_share: float

    @property
    def words(self) -> str:
        """All of it, in a few words."""
        lost = f"; lost {100 * self.lost_height_m:.0f} cm of height, {self.lost_lean_deg:.0f} deg of lean" if self.lost_height_m else ""
        fast = f", too fast in {self.too_fast_share:.0%}" if self.too_fast_share else ""
        return f"{'followed' if self.success else 'NOT followed'}, base {self.base_cm:.2f} cm, {self.base_deg:.2f} deg{lost}{fast}"


@cache
def robot() -> Robot:
    """The robot of this benchmark."""
    return load_robot("g1")


@cache
def _motion(path: Path) -> RobotMotion:
    return retarget_motion(read_recording(path).motion, body_map(robot()), RetargetSettings(self_contact=False)).motion


def motions(paths: Sequence[Path]) -> Mapping[str, RobotMotion]:
    """Recordings, retargeted."""
    return {path.stem: _motion(path) for path in paths}


def _chosen() -> list[Path]:
    return [data_folder() / clip for clip in CLIPS]


def followed(done: Demonstration) -> Followed:
    """The numbers of one episode; landmarks are those of a driven robot, on either base."""
    kinematics, signals = Kinematics(driven_robot(robot())), done.signals
    columns = [done.joint_names.index(name) for name in kinematics.robot.joint_names]
    is_at, wanted = (Transform(signals[f"{prefix}base_position_m"], signals[f"{prefix}base_wxyz"]) for prefix in ("", "reference_"))
    attempt = kinematics.landmark_positions(signals["joint_position_rad"][:, columns], is_at)
    reference = kinematics.landmark_positions(signals["reference_position_rad"][:, columns], wanted)
    off = (wanted.inverse() @ is_at).log()
    return Followed(
        name=done.variant,
        success=done.success,
        base_cm=100 * float(np.linalg.norm(is_at.position_m - wanted.position_m, axis=1).mean()),
        base_deg=float(np.degrees(np.linalg.norm(off[:, 3:], axis=1).mean())),
        upper_body_mm=1000 * float(np.linalg.norm(attempt - reference, axis=-1).mean()),
        lost_height_m=done.safety.get("lost_height_m", 0.0),
        lost_lean_deg=float(np.degrees(done.safety.get("lost_lean_rad", 0.0))),
        too_fast_share=done.safety.get("base_too_fast_share", 0.0),
    )


def on(base: BaseMode) -> list[Row]:
    """The chosen clips on one base: how many are followed, and how well; doing nothing beside it."""
    chore = Follow(robot(), motions(_chosen()), base)
    episodes = all_episodes(chore)
    found = [followed(done) for done in rollout(chore, ExpertActor(chore, LAW), episodes)]
    idle = [done.success for done in rollout(chore, HoldActor(), episodes)]
    share = 100 * float(np.mean([one.success for one in found]))
    return [
        Row(f"{base}: clips followed by the expert", share, 90, "%", note=f"of {len(found)}"),
        Row(f"{base}: clips followed by doing nothing", 100 * float(np.mean(idle)), 0, "%", at_least=False),
        Row(f"{base}: mean error of the base", float(np.mean([one.base_cm for one in found])), unit="cm"),
        Row(f"{base}: mean turn of the base", float(np.mean([one.base_deg for one in found])), unit="deg"),
        Row(f"{base}: mean error of the upper body's landmarks", float(np.mean([one.upper_body_mm for one in found])), unit="mm"),
        *(Row(f"{base}: {one.name}, upper body", one.upper_body_mm, unit="mm", note=one.words) for one in found),
    ]


def whole_set() -> list[Row]:
    """All clips of one set on either base, fast gestures, spins and a run among them; nothing is chosen, nothing is asked for."""
    known, rows = motions(sorted((data_folder() / _BANDAI).glob("*.bvh"))), []
    bases: tuple[BaseMode, ...] = ("planar", "gantry")
    for base in bases:
        chore = Follow(robot(), known, base)
        done = rollout(chore, ExpertActor(chore, LAW), all_episodes(chore))
        failed = ", ".join(one.variant for one in done if not one.success) or "none"
        share = 100 * float(np.mean([one.success for one in done]))
        rows.append(Row(f"{base}: all Bandai-Namco clips, followed", share, unit="%", note=f"of {len(done)}; not: {failed}"))
    return rows


if __name__ == "__main__":
    run("whole_body", {"planar": partial(on, "planar"), "gantry": partial(on, "gantry"), "whole_set": whole_set})
