"""How near the robot is to the person: limb directions for every tool alike, distances from targets for our own solve."""

from __future__ import annotations

import numpy as np

from motion.transform import Array, normalized, rotate, so3_exp
from retarget.measure.card import Finding
from retarget.measure.statistics import mean, percentile, worst_at
from retarget.measure.together import Scene
from retarget.problem import SolveReport
from retarget.targets import LIMBS, Targets

_REACH_MM = 50.0


def limbs(scene: Scene) -> dict[str, Finding]:
    """Angles between the person's limbs and the robot's, straight from landmarks: free of scale, and of any targets."""
    angles = limb_angles_deg(scene)
    return {
        "limb_deg": Finding(mean(*angles.values()), worst_at(scene.motion.time_s, angles, "{:.0f} deg")),
        "limb_p95_deg": Finding(percentile(95, *angles.values())),
    }


def limb_angles_deg(scene: Scene) -> dict[str, Array]:
    """Limb in words -> (T,) angle between the person's and the robot's."""
    back = so3_exp(np.array([0.0, 0.0, -scene.turn_rad]))
    angles: dict[str, Array] = {}
    for a, b in LIMBS:
        if a in scene.landmark_m and b in scene.landmark_m and scene.human.has(a, b):
            person = normalized(scene.human.point(b) - scene.human.point(a))
            robot = rotate(back, normalized(scene.landmark_m[b] - scene.landmark_m[a]))
            angles[f"{a} to {b.partition('_')[2]}"] = np.degrees(_angle(person, robot))
    return angles


def _angle(a: Array, b: Array) -> Array:
    """(T,) angles between unit vectors (T, 3); exact for small ones too."""
    return np.asarray(2 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1)))


def solver_error(targets: Targets, report: SolveReport) -> dict[str, Finding]:
    """Distances from the targets, over solved frames."""
    distance = {name: 1e3 * report.residuals["vector_m"][:, k] for k, name in enumerate(targets.vector_names)}

    def of(word: str) -> dict[str, Array]:
        return {name: track for name, track in distance.items() if name.endswith(word)}

    feet, hands, tips = of("_ankle"), of("_wrist"), of("_tip")
    far = np.stack(list(hands.values())) if hands else np.full((1, 1), np.nan)
    seen = np.asarray(np.isfinite(far).any(axis=0))
    found = {
        name: Finding(mean(*tracks.values()), worst_at(targets.time_s, tracks, "{:.0f} mm"))
        for name, tracks in (("foot_mm", feet), ("hand_mm", hands), ("fingertip_mm", tips))
    }
    with np.errstate(invalid="ignore"):
        reach = 100 * float(np.asarray((far > _REACH_MM).any(axis=0))[seen].mean()) if seen.any() else np.nan
    return {**found, "out_of_reach_pct": Finding(reach)}


def never_followed(targets: Targets, report: SolveReport) -> list[str]:
    """Sentences about feet and hands that have targets but were seen in no frame."""
    followed = np.asarray(np.isfinite(report.residuals["vector_m"]).any(axis=0))
    seen = {name.partition("_holds_")[0] for name, once in zip(targets.vector_names, followed, strict=True) if once}
    return [
        f"{name} was never followed: the recording does not show enough of it"
        for name in targets.vector_names
        if name.endswith(("_ankle", "_wrist")) and name not in seen
    ]
