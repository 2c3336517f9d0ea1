"""What the feet do on the floor: slip, drift, float and penetration, in frames in which the person's foot stands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from motion.transform import Array
from retarget.measure.card import Finding
from retarget.measure.stance import long_stances
from retarget.measure.statistics import highest, mean, percentile, worst_at
from retarget.measure.together import Scene, labelled_steps, soles_seen


def feet(scene: Scene) -> dict[str, Finding]:
    """Numbers of the soles; NaN for a robot without soles, or a recording without toes."""
    return {**_slip(scene), **_drift(scene), **_float(scene), **_penetration(scene)}


def _level_speed_mm_s(time_s: Array, point_m: Array) -> Array:
    """(T - 1,) horizontal speed of a point (T, 3) from frame to frame."""
    return np.asarray(1e3 * np.linalg.norm(np.diff(point_m[:, :2], axis=0), axis=-1) / np.diff(time_s))


def slips_mm_s(scene: Scene, point_m: Callable[[str], Array]) -> dict[str, Array]:
    """Side -> (T - 1,) horizontal speed of a foot's point (T, 3) in steps in which the person's foot stands; else NaN."""
    return {
        side: np.where(labelled_steps(scene.stance[side]), _level_speed_mm_s(scene.motion.time_s, point_m(side)), np.nan)
        for side in soles_seen(scene)
    }


def floats_mm(scene: Scene) -> dict[str, Array]:
    """Side -> (T,) height of the sole's lowest point over the floor while the person's foot stands; else NaN."""
    return {
        side: np.where(scene.stance[side], np.maximum(0.0, 1e3 * scene.corner_m[side][..., 2].min(1)), np.nan) for side in soles_seen(scene)
    }


def depths_mm(scene: Scene) -> dict[str, Array]:
    """Side -> (T,) how deep the sole's lowest point is under the floor."""
    return {side: np.maximum(0.0, -1e3 * corners[..., 2].min(1)) for side, corners in scene.corner_m.items()}


def _slip(scene: Scene) -> dict[str, Finding]:
    time_s = scene.motion.time_s
    robot, person = slips_mm_s(scene, scene.toe_m.__getitem__), slips_mm_s(scene, lambda side: scene.human.point(f"{side}_toe"))
    where = worst_at(time_s[1:], robot, "{:.0f} mm/s")
    return {
        "slip_mm_s": Finding(mean(*robot.values()), where),
        "slip_p95_mm_s": Finding(percentile(95, *robot.values()), where),
        "person_slip_mm_s": Finding(mean(*person.values())),
    }


def _drift(scene: Scene) -> dict[str, Finding]:
    time_s, tracks = scene.motion.time_s, {}
    for side in soles_seen(scene):
        track = np.full(len(time_s), np.nan)
        for run in long_stances(time_s, scene.stance[side]):
            track[run.start] = 1e3 * np.linalg.norm(scene.toe_m[side][run.stop - 1, :2] - scene.toe_m[side][run.start, :2])
        tracks[side] = track
    return {"drift_mm": Finding(mean(*tracks.values()), worst_at(time_s, tracks, "{:.0f} mm"))}


def _float(scene: Scene) -> dict[str, Finding]:
    heights = floats_mm(scene)
    where = worst_at(scene.motion.time_s, heights, "{:.0f} mm")
    return {"float_mm": Finding(mean(*heights.values()), where), "float_max_mm": Finding(highest(*heights.values()), where)}


def _penetration(scene: Scene) -> dict[str, Finding]:
    depths = depths_mm(scene)
    deepest = np.max(np.stack(list(depths.values())), axis=0) if depths else np.array([np.nan])
    where = worst_at(scene.motion.time_s, depths, "{:.0f} mm")
    return {"penetration_max_mm": Finding(highest(deepest), where), "penetration_mm": Finding(mean(deepest), where)}
