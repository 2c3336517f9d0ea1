"""Streaming retargeting on one core against pin-pink on the same targets in the same run; quality on real clips.

The peer gets what its users give it: one FrameTask per link, with the positions and orientations of our targets, its
own limits, the daqp solver, and the same rule for when a frame is done. It is built from pin-pink's public API.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import time
from collections.abc import Iterator
from functools import cache

import numpy as np
import pinocchio as pin

from benchmarks.table import Row, data_folder, run
from motion.human import HumanMotion
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform
from retarget.body_map import BodyMap, body_map
from retarget.measure import measure
from retarget.solve import Problem, SolveReport, SolverSettings, StreamingSolver, errors_of, solve_clip
from retarget.sources.base import SourceOptions, read_recording
from retarget.targets import LIMBS, WORLD, Targets, build_targets
from robots import load_robot

REPEATS_N = 3


@cache
def body() -> BodyMap:
    """The robot of this benchmark."""
    return body_map(load_robot("g1"))


@cache
def clips() -> tuple[HumanMotion, ...]:
    """The 25 Bandai-Namco clips."""
    return tuple(read_recording(path).motion for path in sorted((data_folder() / "body" / "bandai_namco").glob("*.bvh")))


@cache
def targets() -> tuple[Targets, ...]:
    """Their targets, the same for both sides."""
    return tuple(build_targets(body(), clip) for clip in clips())


def our_seconds() -> tuple[float, int]:
    """Seconds and frames of the streaming solver over all clips, first frames (the start-up) included."""
    spent, frames = 0.0, 0
    for item in targets():
        solver = StreamingSolver(Problem(body(), item))
        start = time.perf_counter()
        for frame in np.flatnonzero(item.usable):
            solver.step(int(frame))
        spent += time.perf_counter() - start
        frames += int(item.usable.sum())
    return spent, frames


class Peer:
    """pin-pink on the targets of one clip."""

    def __init__(self, item: Targets) -> None:
        import pink
        from pink.limits import ConfigurationLimit, VelocityLimit
        from pink.tasks import DampingTask, FrameTask, PostureTask

        self.pink, self.item = pink, item
        self.model = pin.buildModelFromUrdf(str(body().robot.urdf), pin.JointModelFreeFlyer())
        self.wanted = dict(self._wanted())
        self.frame_tasks = {
            link: FrameTask(link, position_cost=position_cost, orientation_cost=orientation_cost, lm_damping=1e-3)
            for link, (_, _, position_cost, orientation_cost) in self.wanted.items()
        }
        settings = SolverSettings()
        posture = PostureTask(cost=settings.posture)
        kinematics = body().kinematics
        posture.set_target(kinematics.configuration(body().robot.rest_rad))
        self.tasks = [*self.frame_tasks.values(), posture, DampingTask(cost=settings.velocity)]
        self.limits = [ConfigurationLimit(self.model), VelocityLimit(self.model)]
        self.dt = float(np.median(np.diff(item.time_s)))
        self.tolerance, self.most = settings.tolerance_rad, settings.max_iterations

    def _wanted(self) -> Iterator[tuple[str, tuple[Array, Array, float, float]]]:
        """Link -> positions, rotations and costs; a knee's position is the hip's plus the wanted thigh."""
        item, robot = self.item, body().robot
        place = {name: item.vector_m[:, k] for k, name in enumerate(item.vector_names) if item.vector_from[k] == WORLD}
        cost = {name: float(item.vector_weight[:, k].max()) for k, name in enumerate(item.vector_names)}
        direction = dict(zip(item.direction_names, np.moveaxis(item.direction, 1, 0), strict=True))
        for side in ("left", "right"):
            thigh = body().length_m(f"{side}_hip", f"{side}_knee")
            place[f"{side}_knee"] = place[f"{side}_hip"] + thigh * direction[f"{side}_hip>{side}_knee"]
            cost[f"{side}_knee"] = 1.0 / thigh
        rotation = dict(zip(item.links, zip(np.moveaxis(item.orientation, 1, 0), item.orientation_weight.max(0), strict=True), strict=True))
        for name, position in place.items():
            link = robot.landmarks[name].frame
            turn, turn_cost = rotation.pop(link, (np.tile(np.eye(3), (len(position), 1, 1)), 0.0))
            yield link, (position, turn, cost[name], float(turn_cost))
        for link, (turn, turn_cost) in rotation.items():
            yield link, (np.zeros((len(turn), 3)), turn, 0.0, float(turn_cost))

    def solve(self, start: Array) -> tuple[float, Array]:
        """Seconds, and configurations (T, nq)."""
        configuration = self.pink.Configuration(self.model, self.model.createData(), start)
        out = np.empty((len(self.item.time_s), self.model.nq))
        begin = time.perf_counter()
        for frame in range(len(out)):
            for link, task in self.frame_tasks.items():
                position, turn, _, _ = self.wanted[link]
                task.set_target(pin.SE3(turn[frame], position[frame]))
            for _ in range(self.most):
                velocity = self.pink.solve_ik(configuration, self.tasks, self.dt, solver="daqp", limits=self.limits, safety_break=False)
                configuration.integrate_inplace(velocity, self.dt)
                if np.abs(velocity).max() * self.dt < self.tolerance:
                    break
            out[frame] = configuration.q
        return time.perf_counter() - begin, out


def peer_run() -> tuple[float, int, list[tuple[RobotMotion, Targets, SolveReport]]]:
    """Seconds and frames of pin-pink over all clips, and what it came to."""
    spent, frames, solved = 0.0, 0, []
    for item in targets():
        solver = StreamingSolver(Problem(body(), item))
        solver.step(0)  # both start from the same posture
        seconds, q = Peer(item).solve(solver.q)
        spent, frames = spent + seconds, frames + len(q)
        columns = [pin.buildModelFromUrdf(str(body().robot.urdf)).getJointId(name) - 1 for name in body().robot.joint_names]
        done = np.ones(len(q), bool)
        motion = RobotMotion(
            "g1", item.time_s, body().robot.joint_names, q[:, 7:][:, columns], Transform.from_xyzw(q[:, :3], q[:, 3:7]), done
        )
        solved.append((motion, item, SolveReport(done, np.zeros(len(q), int), errors_of(Problem(body(), item), q, done))))
    return spent, frames, solved


def speed() -> list[Row]:
    """Frames per second of both sides, taken in turn."""
    our_seconds()  # warm-up
    ours, theirs, runs = [], [], None
    for _ in range(REPEATS_N):  # alternately, so that both see the same machine
        ours.append(our_seconds())
        runs = peer_run()
        theirs.append(runs[:2])
    our_fps, peer_fps = (max(frames / seconds for seconds, frames in runs_) for runs_ in (ours, theirs))
    ratios = [a[1] / a[0] / (b[1] / b[0]) for a, b in zip(ours, theirs, strict=True)]
    assert runs is not None
    foot, limb = tracking(runs[2])
    return [
        Row("streaming frames/s, G1 29, one core", our_fps, 3000, "frames/s", note=f"best of {REPEATS_N}"),
        Row("times pin-pink (daqp), same targets", float(np.median(ratios)), 5, "x", note=f"median of {REPEATS_N} paired runs"),
        Row("pin-pink frames/s", peer_fps, None, "frames/s"),
        Row("pin-pink foot error", foot, None, "mm"),
        Row("pin-pink limb direction error", limb, None, "deg"),
    ]


def tracking(solved: list[tuple[RobotMotion, Targets, SolveReport]]) -> tuple[float, float]:
    """Mean foot error (mm) and limb direction error (deg) over all frames."""
    foot, limb = [], []
    names = {f"{a}>{b}" for a, b in LIMBS}
    for _, item, report in solved:
        foot.append(report.residuals["vector_m"][:, [k for k, name in enumerate(item.vector_names) if name.endswith("_ankle")]].ravel())
        limb.append(report.residuals["direction_rad"][:, [k for k, name in enumerate(item.direction_names) if name in names]].ravel())
    return 1e3 * float(np.nanmean(np.concatenate(foot))), float(np.degrees(np.nanmean(np.concatenate(limb))))


def quality() -> list[Row]:
    """Tracking, limits and what does not depend on targets."""
    solved = [(*solve_clip(body(), item), item) for item in targets()]
    foot, limb = tracking([(motion, item, report) for motion, report, item in solved])
    cards = [measure(body(), item, motion, report).numbers for motion, report, item in solved]
    total = lambda key: float(sum(card[key] for card in cards))  # noqa: E731
    mean = lambda key: float(np.nanmean([card[key] for card in cards]))  # noqa: E731
    return [
        Row("foot error, 25 Bandai-Namco clips", foot, 12, "mm", at_least=False),
        Row("limb direction error", limb, 11, "deg", at_least=False),
        Row("position-limit violations", total("position_violations"), 0, at_least=False),
        Row("speed-limit violations", total("speed_violations"), 0, at_least=False),
        Row("unsolved frames", float(sum((~motion.solved).sum() for motion, *_ in solved)), 0, at_least=False),
        Row("hand error", mean("hand_mm"), None, "mm"),
        Row("foot slip while standing", mean("slip_mm_s"), None, "mm/s"),
        Row("drift per stance", mean("drift_mm"), None, "mm"),
        Row("deepest sole", max(card["penetration_max_mm"] for card in cards), None, "mm"),
        Row("jumps over 0.5 rad", total("jumps"), None),
        Row("mean jerk", mean("jerk_rad_s3"), None, "rad/s3"),
        Row("self-contact", mean("self_contact_pct"), None, "% of frames"),
    ]


def other_recordings() -> list[Row]:
    """The ASAP pairs, the window washer and the climb."""
    data = data_folder()
    sets = {
        "ASAP human side (14 clips)": (sorted((data / "reference" / "asap_smpl_to_g1" / "robot_g1").glob("*.npz")), None, 0),
        "CMU window washing": ([data / "body" / "cmu_washwindow" / "washwindow_1_xyz.npz"], None, 1),
        "climb": (sorted((data / "body" / "holosoma_climb").rglob("*.npy")), 120.0, 10),
    }
    rows = []
    for name, (paths, rate, broken) in sets.items():
        unsolved, foot, limb = 0, [], []
        for path in paths:
            item = build_targets(body(), read_recording(path, SourceOptions(rate_hz=rate)).motion)
            motion, report = solve_clip(body(), item)
            unsolved += int((~motion.solved).sum())
            a, b = tracking([(motion, item, report)])
            foot.append(a)
            limb.append(b)
        rows.append(
            Row(f"{name}: unsolved frames", unsolved, broken, at_least=False, note="(frames broken in the recording)" if broken else "")
        )
        rows.append(Row(f"{name}: foot error", float(np.mean(foot)), None, "mm"))
        rows.append(Row(f"{name}: limb direction error", float(np.mean(limb)), None, "deg"))
    return rows


if __name__ == "__main__":
    run("retarget", {"quality": quality, "speed": speed, "others": other_recordings})
