"""Files of camera poses as apps write them, of one known motion."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from mcap.writer import Writer as JsonWriter
from mcap_protobuf.writer import Writer as ProtobufWriter
from mcap_ros2.writer import Writer as RosWriter

from motion.transform import Array, Transform

RATE_HZ, POSES_N = 30.0, 91
BOOT_S = 4711.25
"""Phones count from when they were switched on."""
TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
"""From the stored picture's camera axes to the upright one's, turned clockwise by 90 degrees."""
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""From a world whose y is up to ours."""
FLIP = np.diag([1.0, -1, -1])


def motion() -> tuple[Array, Transform]:
    """Times (N,), and T_world_camera (N,) of an upright phone on a head that turns, nods and walks."""
    time = np.arange(POSES_N) / RATE_HZ
    wave = np.sin(2 * np.pi * 0.4 * time)
    turn = Transform(np.zeros((POSES_N, 3)), np.stack([np.cos(wave / 4), 0 * wave, 0 * wave, np.sin(wave / 4)], -1))
    tilt = np.radians(35 + 10 * wave)
    ahead = np.stack([np.cos(tilt), 0 * tilt, -np.sin(tilt)], -1)
    down = np.stack([-np.sin(tilt), 0 * tilt, -np.cos(tilt)], -1)
    level = np.stack([np.broadcast_to([0.0, -1, 0], ahead.shape), down, ahead], -1)
    matrix = np.tile(np.eye(4), (POSES_N, 1, 1))
    matrix[:, :3, :3] = turn.rotation() @ level
    matrix[:, :3, 3] = np.stack([0.3 * time, 0.05 * wave, 1.6 + 0.02 * wave], -1)
    return time, Transform.from_matrix(matrix)


def stored() -> Transform:
    """The same for the stored picture, which is turned clockwise by 90 degrees to stand upright."""
    _, upright = motion()
    matrix = upright.matrix()
    matrix[:, :3, :3] = matrix[:, :3, :3] @ TURN
    return Transform.from_matrix(matrix)


def in_y_up(poses: Transform, camera_axes: Array) -> Array:
    """(N, 4, 4) in a world whose y is up, with the camera's axes turned by `camera_axes`."""
    matrix = poses.matrix()
    matrix[:, :3] = Z_UP.T @ matrix[:, :3]
    matrix[:, :3, :3] = matrix[:, :3, :3] @ camera_axes
    return matrix


def arkit(path: Path, by_columns: bool = True, flat: bool = False) -> None:
    """Frames with a time stamp and a matrix."""
    time, _ = motion()
    matrices = in_y_up(stored(), FLIP)
    frames = []
    for stamp, matrix in zip(time, matrices, strict=True):
        rows = matrix.T if by_columns else matrix
        frames.append({"timestamp": BOOT_S + stamp, "cameraTransform": (rows.ravel() if flat else rows).tolist()})
    path.write_text(json.dumps(frames if flat else {"frames": frames, "device": "iPhone"}))


def record3d(path: Path, first: bool = False) -> None:
    """Poses relative to the first camera, with the first camera's own beside them where `first`."""
    _, upright = motion()
    world = Transform.from_matrix(in_y_up(upright, FLIP))
    relative = world[:1].inverse() @ world
    table: dict[str, Any] = {"w": 720, "h": 960, "fps": 30, "K": [1, 0, 0, 0, 1, 0, 0, 0, 1]}
    table["poses"] = np.hstack([relative.to_xyzw(), relative.position_m]).tolist()
    if first:
        table["initPose"] = [*world.to_xyzw()[0].tolist(), *world.position_m[0].tolist()]
        table["frameTimestamps"] = motion()[0].tolist()
    path.write_text(json.dumps(table))


def stray(path: Path) -> None:
    """odometry.csv, with the blanks and empty cells of newer versions."""
    time, _ = motion()
    poses = Transform.from_matrix(in_y_up(stored(), np.eye(3)))
    lines = ["timestamp, frame, x, y, z, qx, qy, qz, qw, fx, fy, cx, cy, distortion_center_x, distortion_center_y"]
    for k, (stamp, where, xyzw) in enumerate(zip(time, poses.position_m, poses.to_xyzw(), strict=True)):
        numbers = ", ".join(f"{value:.8f}" for value in (*where, *xyzw))
        lines.append(f"{BOOT_S + stamp:.9f}, {k:06d}, {numbers}, 1450.0, 1450.0, 960.0, 720.0, , ")
    path.write_text("\n".join(lines) + "\n")


def tum(path: Path) -> None:
    """Eight numbers a line."""
    time, poses = motion()
    rows = np.column_stack([1.6e9 + time, poses.position_m, poses.to_xyzw()])
    path.write_text("# timestamp tx ty tz qx qy qz qw\n" + "\n".join(" ".join(f"{value:.9f}" for value in row) for row in rows) + "\n")


def ours(path: Path) -> None:
    """Our own table."""
    time, poses = motion()
    rows = np.column_stack([time, poses.position_m, poses.wxyz])
    path.write_text("time_s,x_m,y_m,z_m,qw,qx,qy,qz\n" + "\n".join(",".join(f"{value:.9f}" for value in row) for row in rows) + "\n")


def aria(path: Path) -> None:
    """A trajectory of the device, whose colour camera is off its origin and turned, and that calibration beside it."""
    time, _ = motion()
    T_device_camera = Transform.exp(np.array([0.05, -0.01, 0.02, 0.4, -0.3, 1.2]))
    back = T_device_camera.inverse()
    device = stored() @ Transform(np.tile(back.position_m, (POSES_N, 1)), np.tile(back.wxyz, (POSES_N, 1)))
    rows = np.column_stack([1e6 * (BOOT_S + time), device.position_m, device.to_xyzw()])
    names = ["tracking_timestamp_us", *(f"t{axis}_world_device" for axis in "xyz"), *(f"q{axis}_world_device" for axis in "xyzw")]
    lines = ["graph_uid," + ",".join(names)]
    path.write_text("\n".join([*lines, *("ab-1," + ",".join(f"{value:.9f}" for value in row) for row in rows)]) + "\n")
    w, *xyz = T_device_camera.wxyz.tolist()
    pose = {"Translation": T_device_camera.position_m.tolist(), "UnitQuaternion": [w, xyz]}
    line = {"CameraCalibrations": [{"Label": "camera-slam-left", "T_Device_Camera": {}}, {"Label": "camera-rgb", "T_Device_Camera": pose}]}
    (path.parent / "online_calibration.jsonl").write_text(json.dumps(line) + "\n")


def egodex(path: Path) -> None:
    """transforms/camera of an episode."""
    with h5py.File(path, "w") as file:
        file["transforms/camera"] = in_y_up(stored(), np.eye(3)).astype(np.float32)


def _messages(poses: Transform) -> list[tuple[int, dict[str, float], dict[str, float]]]:
    time, _ = motion()
    return [
        (round((BOOT_S + stamp) * 1e9), dict(zip("xyz", where.tolist(), strict=True)), dict(zip("xyzw", xyzw.tolist(), strict=True)))
        for stamp, where, xyzw in zip(time, poses.position_m, poses.to_xyzw(), strict=True)
    ]


def mcap_json(path: Path, topics: tuple[str, ...] = ("/camera/pose",)) -> None:
    """foxglove.PoseInFrame in JSON."""
    with open(path, "wb") as stream:
        writer = JsonWriter(stream)
        writer.start()
        schema = writer.register_schema("foxglove.PoseInFrame", "jsonschema", b'{"type": "object"}')
        for topic in topics:
            channel = writer.register_channel(topic, "json", schema)
            for nanos, where, turn in _messages(stored()):
                stamp = {"sec": nanos // 10**9, "nsec": nanos % 10**9}
                data = json.dumps({"timestamp": stamp, "frame_id": "world", "pose": {"position": where, "orientation": turn}})
                writer.add_message(channel, nanos + 10**7, data.encode(), nanos)
        writer.finish()


def _foxglove_transform() -> Any:
    """The class of foxglove.FrameTransform, from its published fields."""
    file = descriptor_pb2.FileDescriptorProto(
        name="foxglove/FrameTransform.proto", package="foxglove", syntax="proto3", dependency=["google/protobuf/timestamp.proto"]
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, axes in (("Vector3", "xyz"), ("Quaternion", "xyzw")):
        message = file.message_type.add(name=name)
        for k, axis in enumerate(axes):
            message.field.add(name=axis, number=k + 1, type=kinds.TYPE_DOUBLE, label=kinds.LABEL_OPTIONAL)
    message = file.message_type.add(name="FrameTransform")
    fields = [("timestamp", ".google.protobuf.Timestamp"), ("parent_frame_id", ""), ("child_frame_id", "")]
    fields += [("translation", ".foxglove.Vector3"), ("rotation", ".foxglove.Quaternion")]
    for k, (name, kind) in enumerate(fields):
        one = message.field.add(name=name, number=k + 1, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_STRING)
        if kind:
            one.type, one.type_name = kinds.TYPE_MESSAGE, kind
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("foxglove.FrameTransform"))


def mcap_protobuf(path: Path) -> None:
    """foxglove.FrameTransform as Protobuf, of an optical frame."""
    kind = _foxglove_transform()
    with open(path, "wb") as stream, ProtobufWriter(stream) as writer:
        for nanos, where, turn in _messages(stored()):
            message = kind(parent_frame_id="world", child_frame_id="head_camera_optical_frame")
            message.timestamp.seconds, message.timestamp.nanos = nanos // 10**9, nanos % 10**9
            for axis, value in where.items():
                setattr(message.translation, axis, value)
            for axis, value in turn.items():
                setattr(message.rotation, axis, value)
            writer.write_message("/tf", message, log_time=nanos)


_HEADER = "std_msgs/Header header\n"
_PARTS = {
    "std_msgs/Header": "builtin_interfaces/Time stamp\nstring frame_id",
    "builtin_interfaces/Time": "int32 sec\nuint32 nanosec",
    "geometry_msgs/Pose": "geometry_msgs/Point position\ngeometry_msgs/Quaternion orientation",
    "geometry_msgs/PoseWithCovariance": "geometry_msgs/Pose pose\nfloat64[36] covariance",
    "geometry_msgs/Point": "float64 x\nfloat64 y\nfloat64 z",
    "geometry_msgs/Vector3": "float64 x\nfloat64 y\nfloat64 z",
    "geometry_msgs/Quaternion": "float64 x\nfloat64 y\nfloat64 z\nfloat64 w",
    "geometry_msgs/Transform": "geometry_msgs/Vector3 translation\ngeometry_msgs/Quaternion rotation",
    "geometry_msgs/TransformStamped": _HEADER + "string child_frame_id\ngeometry_msgs/Transform transform",
}
_ROS = {
    "geometry_msgs/msg/PoseStamped": _HEADER + "geometry_msgs/Pose pose",
    "tf2_msgs/msg/TFMessage": "geometry_msgs/TransformStamped[] transforms",
    "nav_msgs/msg/Odometry": _HEADER + "string child_frame_id\ngeometry_msgs/PoseWithCovariance pose",
    "sensor_msgs/msg/Imu": _HEADER + "geometry_msgs/Quaternion orientation\ngeometry_msgs/Vector3 linear_acceleration",
}
_Make = Callable[[dict[str, Any], dict[str, float], dict[str, float]], Any]


def _ros(path: Path, topic: str, kind: str, make: _Make, poses: Transform) -> None:
    text = _ROS[kind] + "".join(f"\n{'=' * 80}\nMSG: {name}\n{fields}" for name, fields in _PARTS.items())
    with open(path, "wb") as stream:
        writer = RosWriter(stream)
        schema = writer.register_msgdef(kind, text)
        for nanos, where, turn in _messages(poses):
            header = {"stamp": {"sec": nanos // 10**9, "nanosec": nanos % 10**9}, "frame_id": "map"}
            writer.write_message(topic, schema, make(header, where, turn), log_time=nanos)
        writer.finish()


def mcap_ros_pose(path: Path) -> None:
    """geometry_msgs/PoseStamped as CDR."""

    def make(header: dict[str, Any], p: dict[str, float], q: dict[str, float]) -> Any:
        return {"header": header, "pose": {"position": p, "orientation": q}}

    _ros(path, "/pose", "geometry_msgs/msg/PoseStamped", make, stored())


def mcap_ros_tf(path: Path) -> None:
    """tf2_msgs/TFMessage as CDR, of one optical frame."""

    def make(header: dict[str, Any], p: dict[str, float], q: dict[str, float]) -> Any:
        one = {"header": header, "child_frame_id": "camera_optical", "transform": {"translation": p, "rotation": q}}
        return {"transforms": [one]}

    _ros(path, "/tf", "tf2_msgs/msg/TFMessage", make, stored())


def mcap_ros_odometry(path: Path) -> None:
    """nav_msgs/Odometry as CDR, of a frame with x ahead, y left, z up."""
    poses = stored().matrix()
    poses[:, :3, :3] = poses[:, :3, :3] @ np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])

    def make(header: dict[str, Any], p: dict[str, float], q: dict[str, float]) -> Any:
        pose = {"pose": {"position": p, "orientation": q}, "covariance": [0.0] * 36}
        return {"header": header, "child_frame_id": "camera_link", "pose": pose}

    _ros(path, "/odom", "nav_msgs/msg/Odometry", make, Transform.from_matrix(poses))


def mcap_ros_imu(path: Path) -> None:
    """sensor_msgs/Imu as CDR: what holds the camera up against gravity, x ahead, y left, z up of the stored picture."""
    up = stored().rotation()[:, 2] @ np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])
    felt = Transform(9.81 * up, stored().wxyz)

    def make(header: dict[str, Any], p: dict[str, float], q: dict[str, float]) -> Any:
        return {"header": {**header, "frame_id": "imu_link"}, "orientation": q, "linear_acceleration": p}

    _ros(path, "/imu", "sensor_msgs/msg/Imu", make, felt)


def felt_by_phone(sign: float = 1.0, size: float = 9.81, shake: float = 0.0) -> SimpleNamespace:
    """What an upright phone's accelerometer writes, 100 Hz: `sign` 1 points down at rest, as iPhones write it."""
    time, poses = motion()
    down = -poses.rotation()[:, 2] * [1, -1, -1]
    fine = np.arange(0, time[-1], 0.01)
    phone = np.stack([np.interp(fine, time, down[:, k]) for k in range(3)], -1)
    noise = shake * np.random.default_rng(5).normal(size=phone.shape)
    return SimpleNamespace(time_s=fine, phone=sign * size * (phone + noise))


def stray_imu(path: Path, sign: float = 1.0, size: float = 9.81, shake: float = 0.0) -> None:
    """imu.csv."""
    felt = felt_by_phone(sign, size, shake)
    rows = np.column_stack([BOOT_S + felt.time_s, felt.phone, np.zeros((len(felt.phone), 3))])
    text = "\n".join(", ".join(f"{value:.6f}" for value in row) for row in rows)
    path.write_text(f"timestamp, a_x, a_y, a_z, alpha_x, alpha_y, alpha_z\n{text}\n")


def logger_gravity(path: Path, sign: float = -1.0) -> None:
    """Sensor Logger's Gravity.csv, in its order of columns."""
    felt = felt_by_phone(sign)
    rows = np.column_stack([1.7e18 + 1e9 * felt.time_s, felt.time_s + 0.02, felt.phone[:, ::-1]])
    path.write_text("time,seconds_elapsed,z,y,x\n" + "\n".join(",".join(f"{value:.6f}" for value in row) for row in rows) + "\n")
