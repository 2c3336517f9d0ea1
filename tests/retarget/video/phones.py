"""A phone in a world, by what its makers publish: how its sensor lies, what it stores, and what its apps log. No code of the room is
used here, so that tests share no assumption with it.

World: z up. Phone's body (Apple, CMDeviceMotion; Android, SensorEvent): x to the right, y to its top, z out of the screen. Its main
camera's sensor lies across (Apple, ARCamera.transform): the picture's right is the phone's bottom, its top the phone's right side.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from motion.transform import Array
from retarget.video.seen import HandDetections
from tests.retarget.video.filming import film
from tests.retarget.video.made_hands import hand

RATE_HZ, FRAMES_N, BOOT_S = 25.0, 50, 8123.5
WIDE, HIGH = 1920, 1080
FOCAL, CENTRE = 1400.0, (990.0, 520.0)
"""Of the sensor; its centre is off the middle, as it is in phones."""
SHRUNK = 10
"""Films are written so much smaller than the sensor."""
HAND_LENGTH_M = 0.19
HELD = {"upright": 0, "top to the left": 90, "upside down": 180, "top to the right": 270}
"""How a phone is held, and how far it is turned counter-clockwise from upright, seen by who looks at its screen."""
SHOWN = {"upright": 90, "top to the left": 0, "upside down": 270, "top to the right": 180}
"""Clockwise degrees that players turn the stored picture, as phones write them."""
REAR = np.array([[0.0, -1, 0], [-1, 0, 0], [0, 0, -1]]).T
"""Columns: the stored picture's right, down and ahead in the phone's axes; the main camera looks out of the back."""
FRONT = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]).T
"""The same of the front camera, which looks out of the screen."""


@dataclass(frozen=True)
class Phone:
    """A phone over `FRAMES_N` pictures: `place_m` (T, 3), `turn` (T, 3, 3) from its own axes to the world's, how it is held."""

    held: str
    place_m: Array
    turn: Array
    sensor: Array

    @property
    def time_s(self) -> Array:
        """(T,) since the first picture."""
        return np.arange(len(self.place_m)) / RATE_HZ

    @property
    def shown_deg(self) -> int:
        """How far its stored pictures are turned clockwise to stand upright."""
        across = self.sensor is FRONT and self.held.startswith("top")  # seen from its other side, left is right
        return (SHOWN[self.held] + 180) % 360 if across else SHOWN[self.held]

    @property
    def sensed(self) -> Array:
        """(T, 3, 3) the stored picture's right, down, ahead in the world."""
        return self.turn @ self.sensor

    @property
    def upright(self) -> Array:
        """(T, 3, 3) the same of the picture as players show it."""
        right, down, ahead = np.moveaxis(self.sensed, -1, 0)
        across = {0: (right, down), 90: (-down, right), 180: (-right, -down), 270: (down, -right)}[self.shown_deg]
        return np.stack([*across, ahead], axis=-1)


def phone(held: str = "upright", front: bool = False, down_deg: float = 35.0, frames_n: int = FRAMES_N, moves: float = 1.0) -> Phone:
    """A phone on a head that looks along the world's +x and down, turns, nods, leans and walks."""
    time = np.arange(frames_n) / RATE_HZ
    wave = moves * np.sin(2 * np.pi * 0.4 * time)
    out_of = np.array([[0.0, -1, 0], [0, 0, 1], [-1, 0, 0]]).T  # its back faces +x: right is -y, its top is up
    level = out_of * [-1, 1, -1] if front else out_of  # or its screen does
    spun = level @ Rotation.from_euler("z", HELD[held], degrees=True).as_matrix()
    angles = np.stack([20 + 15 * wave, down_deg + 8 * wave, 6 + 4 * wave], axis=-1)
    looks = Rotation.from_euler("ZYX", angles, degrees=True).as_matrix()
    place = np.stack([0.4 + 0.2 * moves * time, 0.1 + 0.05 * wave, 1.5 + 0.02 * wave], axis=-1)
    return Phone(held, place, looks @ spun, FRONT if front else REAR)


def hands_of(owner: Phone, sides: tuple[str, ...] = ("left", "right")) -> dict[str, Array]:
    """Side -> (T, 21, 3) hands in the world that move a little by themselves, in view of a phone that moves."""
    frames, found = len(owner.place_m), {}
    time = owner.time_s
    for side in sides:
        across = 0.12 if side == "right" else -0.12
        local = np.tile([across, 0.1, 0.5], (frames, 1))
        turn = np.tile([0.3, 0.2 if side == "right" else -0.2, 0.1], (frames, 1))
        once = hand(side, local, turn)[:1]
        start = once @ owner.upright[0].T + owner.place_m[0]
        drift = np.stack([0.2 * time + 0.03 * np.sin(3 * time), 0.02 * np.sin(2 * time), 0.02 * np.cos(2 * time)], axis=-1)
        found[side] = start + drift[:, None]
    return found


def sensor_px(owner: Phone, points_m: Array) -> Array:
    """(T, N, 2) where points of the world fall in the stored picture."""
    local = np.einsum("tij,tni->tnj", owner.sensed, points_m - owner.place_m[:, None])
    assert (local[..., 2] > 0.1).all()
    return FOCAL * local[..., :2] / local[..., 2:] + CENTRE


def shown_px(owner: Phone, points_m: Array) -> Array:
    """(T, N, 2) where they fall in the picture that players show."""
    u, v = np.moveaxis(sensor_px(owner, points_m), -1, 0)
    return np.stack({0: (u, v), 90: (HIGH - v, u), 180: (WIDE - u, HIGH - v), 270: (v, WIDE - u)}[owner.shown_deg], axis=-1)


def detected(owner: Phone, hands: dict[str, Array]) -> HandDetections:
    """What a faultless detector says of the upright, shrunken pictures."""
    images, shapes = [], []
    for points in hands.values():
        images.append(shown_px(owner, points) / SHRUNK)
        local = np.einsum("tij,tni->tnj", owner.upright, points - owner.place_m[:, None])
        shapes.append(np.stack([_as_if_ahead(one) for one in local]))
    right = np.tile([0.95 if side == "right" else 0.05 for side in hands], (len(owner.place_m), 1))
    return HandDetections(owner.time_s, np.stack(images, 1), np.stack(shapes, 1), right, np.full_like(right, 0.95))


def _as_if_ahead(points_m: Array) -> Array:
    """A hand (21, 3) as detectors draw it from its own cut-out of the picture: as if it were straight ahead."""
    sight = points_m.mean(0) / np.linalg.norm(points_m.mean(0))
    axis = np.cross(sight, [0.0, 0, 1])
    angle = np.arcsin(np.linalg.norm(axis))
    return Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle).apply(points_m - points_m[0])


def filmed(owner: Phone, path: Path) -> Path:
    """The film as the phone writes it: lying pictures, and how players are to turn them."""
    return film(path, len(owner.place_m), (WIDE // SHRUNK, HIGH // SHRUNK), turned_deg=-owner.shown_deg or None)


def intrinsics(path: Path) -> Path:
    """ARKit's matrix of the stored picture, by columns, with its size."""
    matrix = [[FOCAL, 0, 0], [0, FOCAL, 0], [*CENTRE, 1]]
    path.write_text(json.dumps({"intrinsics": matrix, "imageResolution": [WIDE, HIGH]}))
    return path


def y_up(points: Array) -> Array:
    """The world as ARKit and EgoDex keep it, y up: our x, z, -y."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def arkit_matrices(owner: Phone) -> Array:
    """(T, 4, 4) ARCamera.transform: columns are the stored picture's right, up and back in a world whose y is up, and the place."""
    right, down, ahead = (y_up(axis) for axis in np.moveaxis(owner.sensed, -1, 0))
    matrix = np.tile(np.eye(4), (len(owner.place_m), 1, 1))
    matrix[:, :3] = np.stack([right, -down, -ahead, y_up(owner.place_m)], axis=-1)
    return matrix


def xyzw(axes: Array) -> Array:
    """Scalar-last quaternions of columns (T, 3, 3)."""
    return Rotation.from_matrix(axes).as_quat()


def arkit(path: Path, owner: Phone, start_s: float = BOOT_S) -> Path:
    """Frames with ARKit's time stamps and its matrix, column after column."""
    rows = zip(owner.time_s, arkit_matrices(owner), strict=True)
    path.write_text(json.dumps({"frames": [{"timestamp": start_s + t, "transform": m.T.tolist()} for t, m in rows]}))
    return path


def stray(path: Path, owner: Phone, start_s: float = BOOT_S) -> Path:
    """Stray Scanner's odometry.csv: ARKit's rotation times half a turn about x, so right, down, ahead of the stored picture; y up."""
    axes = np.stack([y_up(axis) for axis in np.moveaxis(owner.sensed, -1, 0)], axis=-1)
    rows = np.column_stack([start_s + owner.time_s, y_up(owner.place_m), xyzw(axes)])
    lines = [f"{row[0]:.6f}, {k:06d}, " + ", ".join(f"{value:.9f}" for value in row[1:]) for k, row in enumerate(rows)]
    path.write_text("\n".join(["timestamp, frame, x, y, z, qx, qy, qz, qw", *lines]) + "\n")
    return path


def record3d(path: Path, owner: Phone) -> Path:
    """Record3D's metadata: right, up, back of the picture as it is saved, upright, in ARKit's world turned to the first camera."""
    right, down, ahead = (y_up(axis) for axis in np.moveaxis(owner.upright, -1, 0))
    axes, place = np.stack([right, -down, -ahead], axis=-1), y_up(owner.place_m)
    relative = axes[0].T @ axes
    poses = np.hstack([xyzw(relative), (place - place[0]) @ axes[0]])
    table = {"w": HIGH, "h": WIDE, "fps": RATE_HZ, "poses": poses.tolist()}
    path.write_text(json.dumps(table | {"initPose": [*xyzw(axes[:1])[0].tolist(), *place[0].tolist()]}))
    return path


def tum(path: Path, owner: Phone) -> Path:
    """A TUM trajectory of the picture that players show, in a world with z up."""
    rows = np.column_stack([1.7e9 + owner.time_s, owner.place_m, xyzw(owner.upright)])
    path.write_text("\n".join(" ".join(f"{value:.9f}" for value in row) for row in rows) + "\n")
    return path


def ours(path: Path, owner: Phone, start_s: float = 0.0) -> Path:
    """The project's own table."""
    w = np.roll(xyzw(owner.upright), 1, axis=-1)
    rows = np.column_stack([start_s + owner.time_s, owner.place_m, w])
    path.write_text("time_s,x_m,y_m,z_m,qw,qx,qy,qz\n" + "\n".join(",".join(f"{v:.9f}" for v in row) for row in rows) + "\n")
    return path


def felt(owner: Phone, points_down: bool) -> Array:
    """(T, 3) at rest, in the phone's axes, m/s2: iPhones write it pointing down, Androids up."""
    down = np.einsum("tij,i->tj", owner.turn, [0.0, 0, -9.81])
    return down if points_down else -down


def stray_imu(path: Path, owner: Phone) -> Path:
    """Stray Scanner's imu.csv of an iPhone."""
    rows = np.column_stack([BOOT_S + owner.time_s, felt(owner, True), np.zeros((len(owner.place_m), 3))])
    header = "timestamp, a_x, a_y, a_z, alpha_x, alpha_y, alpha_z"
    path.write_text("\n".join([header, *(", ".join(f"{value:.6f}" for value in row) for row in rows)]) + "\n")
    return path


def android_gravity(path: Path, owner: Phone) -> Path:
    """Sensor Logger's Gravity.csv of an Android phone."""
    rows = np.column_stack([1.7e18 + 1e9 * owner.time_s, owner.time_s + 0.02, felt(owner, False)[:, ::-1]])
    path.write_text("\n".join(["time,seconds_elapsed,z,y,x", *(",".join(f"{value:.6f}" for value in row) for row in rows)]) + "\n")
    return path
