"""A stick person who wears markers, and the files that marker systems would write of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import ezc3d
import numpy as np

from motion.landmarks import SIDES
from tests.motion.bodies import standing_points

RATE_HZ = 100.0
PELVIS_WIDTH_M, PELVIS_DEPTH_M = 0.24, 0.15
# Harrington 2007 by hand: back of, below and beside the middle of the front spines.
HIP_BACK_M = 0.24 * 0.150 + 0.0099
HIP_DOWN_M = 0.30 * 0.240 + 0.0109
HIP_ASIDE_M = 0.33 * 0.240 + 0.0073
OUT_KNEE_M, OUT_ANKLE_M, OUT_ELBOW_M = 0.057, 0.042, 0.040
"""Half the width of the joint and the marker's radius."""


def person(frames: int = 40) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Joint centres and Plug-in Gait markers, name -> (T, 3): knees and elbows bend and stretch, walking forward along x."""
    centres: dict[str, list[np.ndarray]] = {}
    markers: dict[str, list[np.ndarray]] = {}
    for k, phase in enumerate(np.linspace(0, 4 * np.pi, frames)):
        points = standing_points(0.9 + 0.4 * np.sin(phase), 0.5 + 0.3 * np.sin(phase))
        forward = np.array([0.005 * k, 0.0, 0.0])
        points = {name: point + forward for name, point in points.items()}
        front = (points["left_hip"] + points["right_hip"]) / 2 + [HIP_BACK_M, 0, HIP_DOWN_M]
        for side, y in zip(SIDES, (1.0, -1.0), strict=True):
            points[f"{side}_hip"] = front + [-HIP_BACK_M, y * HIP_ASIDE_M, -HIP_DOWN_M]
            points[f"{side}_knee"][1] = points[f"{side}_ankle"][1] = y * HIP_ASIDE_M
        for name, value in points.items():
            centres.setdefault(name, []).append(value)
        for name, value in _markers(points, front).items():
            markers.setdefault(name, []).append(value)
    return {name: np.array(track) for name, track in centres.items()}, {name: np.array(track) for name, track in markers.items()}


def _markers(points: Mapping[str, np.ndarray], front: np.ndarray) -> dict[str, np.ndarray]:
    drop = 0.17 * np.linalg.norm(points["left_shoulder"] - points["right_shoulder"])
    out = {"C7": points["neck"] + [-0.06, 0, 0.03], "CLAV": points["neck"] + [0.06, 0, -0.03]}
    out |= {"T10": points["chest"] + [-0.1, 0, 0], "STRN": points["chest"] + [0.1, 0, 0]}
    for side, y in zip(SIDES, (1.0, -1.0), strict=True):
        s, at, aside = side[0].upper(), {n.removeprefix(f"{side}_"): p for n, p in points.items()}, np.array([0.0, y, 0.0])
        out[f"{s}ASI"] = front + aside * PELVIS_WIDTH_M / 2
        out[f"{s}PSI"] = front + [-PELVIS_DEPTH_M, 0.05 * y, 0]
        out[f"{s}THI"] = (at["hip"] + at["knee"]) / 2 + aside * 0.09
        out[f"{s}KNE"] = at["knee"] + aside * OUT_KNEE_M
        out[f"{s}TIB"] = (at["knee"] + at["ankle"]) / 2 + aside * 0.07
        out[f"{s}ANK"] = at["ankle"] + aside * OUT_ANKLE_M
        out[f"{s}HEE"], out[f"{s}TOE"] = at["heel"] + [0, 0, 0.03], at["toe"] + [0, 0, 0.03]
        out[f"{s}SHO"] = at["shoulder"] + [0, 0, drop]
        out[f"{s}ELB"] = at["elbow"] + aside * OUT_ELBOW_M
        out[f"{s}WRA"], out[f"{s}WRB"] = at["wrist"] + [0.03, 0, 0], at["wrist"] + [-0.03, 0, 0]
        out[f"{s}FIN"] = at["middle_mcp"]
        out[f"{s}FHD"], out[f"{s}BHD"] = points["head"] + [0.08, 0.06 * y, 0.035], points["head"] + [-0.08, 0.06 * y, 0.035]
    return out


def table_of(tracks: Mapping[str, np.ndarray], scale: float = 1000.0, up: str = "z") -> np.ndarray:
    """(T, M, 3) in a file's own unit and axes."""
    position = np.stack(list(tracks.values()), axis=1) * scale
    return position[..., [1, 2, 0]] if up == "y" else position


def write_trc(
    path: Path,
    tracks: Mapping[str, np.ndarray],
    unit: str = "mm",
    scale: float = 1000.0,
    up: str = "y",
    blank: bool = True,
    frames: int | None = None,
) -> Path:
    """A TRC file as Cortex and OpenSim lay it out; an unseen marker is three empty cells."""
    position = table_of(tracks, scale, up)
    held = len(position)
    head = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{RATE_HZ:.2f}\t{RATE_HZ:.2f}\t{frames or held}\t{len(tracks)}\t{unit}\t{RATE_HZ:.2f}\t1\t{held}",
        "Frame#\tTime\t" + "\t\t\t".join(tracks) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{k + 1}" for k in range(len(tracks)) for axis in "XYZ"),
        *([""] if blank else []),
    ]
    rows = [
        "\t".join([str(k + 1), f"{k / RATE_HZ:.5f}", *("" if np.isnan(value) else f"{value:.6f}" for value in row.ravel())])
        for k, row in enumerate(position)
    ]
    path.write_text("\n".join([*head, *rows, ""]))
    return path


def write_c3d(path: Path, tracks: Mapping[str, np.ndarray], unit: str = "mm", scale: float = 1000.0, **points: object) -> Path:
    """A C3D file by ezc3d; an unseen marker has residual -1."""
    file = ezc3d.c3d()
    parameters = file["parameters"]["POINT"]
    parameters["LABELS"]["value"] = list(tracks)
    parameters["RATE"]["value"], parameters["UNITS"]["value"] = [RATE_HZ], [unit]
    for name, value in points.items():
        file.add_parameter("POINT", name, value)
    position = table_of(tracks, scale).transpose(2, 1, 0)
    file["data"]["points"] = np.concatenate([position, np.ones((1, *position.shape[1:]))])
    file["data"]["meta_points"]["residuals"] = np.where(np.isnan(position[:1]), -1.0, 0.0)
    file.write(str(path))
    return path


def write_qualisys(path: Path, tracks: Mapping[str, np.ndarray], scale: float = 1000.0) -> Path:
    """A text export of Qualisys Track Manager; an unseen marker is three zeros."""
    position = np.nan_to_num(table_of(tracks, scale))
    head = [
        *(f"NO_OF_FRAMES\t{len(position)}", "NO_OF_CAMERAS\t8", f"NO_OF_MARKERS\t{len(tracks)}", f"FREQUENCY\t{RATE_HZ:g}"),
        *("NO_OF_ANALOG\t0", "DESCRIPTION\t--", "DATA_INCLUDED\t3D", "\t".join(["MARKER_NAMES", *tracks])),
    ]
    rows = ["\t".join(f"{value:.6f}" for value in row.ravel()) for row in position]
    path.write_text("\r\n".join([*head, *rows, ""]))
    return path
