"""A scene as it is drawn: the robot's visual shapes, counter, things and beads, put where they are at a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import mujoco
import numpy as np

from envs.household.appearance import Guise
from envs.household.build import CABINET, COUNTER, add_cabinet, add_counter, add_thing, thing_body
from envs.household.chore import Household
from envs.household.floor import grounded
from envs.household.guise import Plain, dress
from envs.household.things import Joint, Thing
from envs.household.viewpoints import add_cameras, check_cameras
from envs.simulation import State
from envs.visual_spec import visual_spec
from motion.errors import ShapeError, require
from motion.transform import Array, Transform

_BODY_FIELDS = ("body_pos", "body_quat")
_GEOM_FIELDS = ("geom_size", "geom_pos", "geom_quat", "geom_rgba", "geom_rbound")
_ROUGH_SLICES, _ROUGH_STACKS = 14, 7
"""Facets of a ball around and up, in quick pictures: 80 beads of MuJoCo's usual 28 x 16 cost more than the robot."""


@dataclass(frozen=True)
class Placement:
    """Where everything of a scene is at one moment, in the world.

    Attributes:
        joint_position_rad: (J,) of the robot.
        T_world_base: of the robot.
        thing_m, thing_wxyz: (K, 3), (K, 4) of the watched things.
        bead_m: (B, 3).
        hinge: (M,) of things' hinges (rad) and slides (m).
    """

    joint_position_rad: Array
    T_world_base: Transform
    thing_m: Array
    thing_wxyz: Array
    bead_m: Array
    hinge: Array

    @classmethod
    def of_state(cls, state: State, row: int = 0) -> Placement:
        """One of n simulations."""
        pose = state.T_world_base[row]
        return cls(state.joint_position_rad[row], pose, state.thing_m[row], state.thing_wxyz[row], state.bead_m[row], state.hinge[row])

    @classmethod
    def of_signals(cls, signals: Mapping[str, np.ndarray], step: int) -> Placement:
        """A demonstration's step.

        Raises:
            ShapeError: signals of a demonstration without things.
        """
        names = ("joint_position_rad", "base_position_m", "base_wxyz", "thing_position_m", "thing_wxyz", "bead_position_m", "hinge")
        missing = [name for name in names if name not in signals]
        require(not missing, ShapeError, f"signals {missing} are missing; a scene is drawn from those of a household chore.")
        joints, position, wxyz, thing, turn, bead, hinge = (np.asarray(signals[name][step], float) for name in names)
        return cls(joints, Transform(position, wxyz), thing, turn, bead, hinge)

    def is_finite(self) -> bool:
        """Whether a simulation was still whole."""
        arrays = (self.joint_position_rad, self.T_world_base.position_m, self.T_world_base.wxyz, self.thing_m, self.thing_wxyz)
        return all(bool(np.isfinite(array).all()) for array in (*arrays, self.bead_m, self.hinge))


class PosedScene:
    """A model of one chore's scenes that is drawn and never simulated.

    It is compiled once: scenes of a chore consist of the same parts, whose sizes, colours and places are written into it
    (`set_scene`), as are the moments (`place`). Watched things float freely in it, so that they are drawn where they were
    seen, fixtures and doors too, wherever the scene began with them.

    Args:
        chore: a chore with things, for one robot.
        cameras: some of `envs.household.viewpoints.CAMERAS`.
        fine: with smooth edges, round beads and detailed meshes.

    Attributes:
        model, data: the model, and where everything is.
        bodies: names of the bodies of counter and things.
        parts: names of what can be told apart: "" (nothing, or floor), "robot", "counter", and all things.
        part_of: (geoms + 1,) rows of `parts`; the last is for no geom, whose id is -1.

    Raises:
        RobotError: a head camera for a robot without a head.
        UnknownNameError: no such camera.
    """

    def __init__(self, chore: Household, cameras: Sequence[str] = (), fine: bool = False) -> None:
        self.chore, self.cameras = chore, check_cameras(cameras)
        things = chore.scene(chore.variants[0], 0).things
        self.bodies = (COUNTER, *(thing_body(thing.name) for thing in things))
        self.parts = ("", "robot", COUNTER, *(thing.name for thing in things))
        self.model = self._compiled(things, fine)
        self.data = mujoco.MjData(self.model)
        self._plain = Plain(self.model)
        self._find()
        self.set_scene(chore.model.model)

    def _compiled(self, things: Sequence[Thing], fine: bool) -> mujoco.MjModel:
        chore = self.chore
        spec = visual_spec(chore.robot, fine)
        counter_m = float(chore.station.T_world_counter.position_m[2])
        add_counter(spec, chore.station.T_world_counter, chore.counter)
        if chore.counter == "top":
            add_cabinet(spec.worldbody, counter_m, chore.station.T_world_counter.position_m)
        for thing in grounded(things, counter_m):
            loose = thing.name in chore.listing.things or thing.point
            add_thing(spec, replace(thing, joint=Joint(), parent="", point=False) if loose else thing)
        add_cameras(spec, chore.robot, chore.station, self.cameras, chore.view_m)
        quality = spec.visual.quality
        if fine:
            quality.offsamples, quality.shadowsize = 8, 4096
        else:
            quality.numslices, quality.numstacks = _ROUGH_SLICES, _ROUGH_STACKS
        return spec.compile()

    def _find(self) -> None:
        """Where the parts of a scene lie in the simulated models, and in the one that is drawn."""
        source, model, listing = self.chore.model.model, self.model, self.chore.listing
        pairs = [(source.body(name).id, model.body(name).id) for name in self.bodies]
        self._body_from, self._body_to = np.array(pairs).T
        self._geom_from, self._geom_to = (
            np.concatenate([_geoms(which, body) for body in bodies])
            for which, bodies in ((source, self._body_from), (model, self._body_to))
        )
        watched = [thing_body(name) for name in listing.things]
        cloth = [thing_body(name) for name in listing.points]
        moving = [name for name in self.bodies if model.body(name).jntnum[0] and name not in (*watched, *cloth)]
        self._start_from, self._start_to = (
            np.concatenate([np.zeros(0, int), *(_addresses(which, name) for name in moving)]) for which in (source, model)
        )
        robot = self.chore.robot
        self._joints = np.array([model.joint(name).qposadr[0] for name in robot.joint_names], int)
        self._base = _addresses(model, "base")
        self._things_at = np.array([_addresses(model, name) for name in watched], int).reshape(-1, 7)
        self._beads_at = np.array([_addresses(model, thing_body(name))[:3] for name in listing.beads], int).reshape(-1, 3)
        hinges = [name for name in listing.hinges if name not in listing.things]  # of the others the pose is known
        self._hinges = np.array([listing.hinges.index(name) for name in hinges], int)
        self._hinges_at = np.array([_addresses(model, thing_body(name))[0] for name in hinges], int)
        owner = np.ones(model.nbody, int)
        owner[0], owner[self._body_to] = 0, 2 + np.arange(len(self.bodies))
        cabinet = [geom for geom in range(model.ngeom) if model.geom(geom).name == CABINET]
        self.part_of = np.r_[owner[model.geom_bodyid], 0]  # the last is for no geom, whose id is -1
        self.part_of[cabinet] = 2
        cloths = [mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_FLEX, flex) for flex in range(model.nflex)]
        self._flex_part = np.array([self.bodies.index(name) for name in cloths], int)  # a cloth is named like the body of its thing

    def set_scene(self, scene: mujoco.MjModel, hinge: Array | None = None, guise: Guise | None = None) -> None:
        """Draw this scene from now on, as it begins.

        Args:
            scene: a model of an episode, from `Household.setup` or from a simulation.
            hinge: (M,) where its hinges and slides begin; 0 where it is left out.
            guise: how it looks, with a colour for each of `bodies`; as in training where it is left out.
        """
        self._plain.restore()
        for name in _BODY_FIELDS:
            getattr(self.model, name)[self._body_to] = getattr(scene, name)[self._body_from]
        for name in _GEOM_FIELDS:
            getattr(self.model, name)[self._geom_to] = getattr(scene, name)[self._geom_from]
        self.model.flex_rgba[:] = scene.flex_rgba
        if guise is not None:
            dress(self.model, guise, np.maximum(self.part_of[:-1] - 2, -1), self._flex_part)
        self.model.qpos0[self._start_to] = scene.qpos0[self._start_from]
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[self._joints] = self.chore.robot.rest_rad
        parts, begin = self.chore.listing.parts, mujoco.MjData(scene)
        begin.qpos[parts.joint_qpos] = 0.0 if hinge is None else hinge
        mujoco.mj_kinematics(scene, begin)
        self.data.qpos[self._things_at] = np.concatenate([begin.xpos[parts.bodies], begin.xquat[parts.bodies]], axis=1)
        self.data.qpos[self._beads_at] = begin.xpos[parts.beads]
        self.data.qpos[self._hinges_at] = begin.qpos[parts.joint_qpos][self._hinges]
        self._update()

    def place(self, placement: Placement) -> None:
        """Put everything where it is; what is left of a simulation that broke down changes nothing."""
        if not placement.is_finite():
            return
        qpos = self.data.qpos
        qpos[self._base] = np.r_[placement.T_world_base.position_m, placement.T_world_base.wxyz]
        qpos[self._joints] = placement.joint_position_rad
        qpos[self._things_at] = np.concatenate([placement.thing_m, placement.thing_wxyz], axis=1)
        qpos[self._beads_at] = placement.bead_m
        qpos[self._hinges_at] = placement.hinge[self._hinges]
        self._update()

    def _update(self) -> None:
        robot, qpos = self.chore.robot, self.data.qpos
        for name, rule in robot.mimic.items():
            source = qpos[self._joints[robot.joint_names.index(rule.of)]]
            self.data.joint(name).qpos[0] = rule.multiplier * source + rule.offset
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_flex(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)


def _geoms(model: mujoco.MjModel, body: int) -> np.ndarray:
    """Ids of a body's geoms."""
    first = int(model.body_geomadr[body])
    return np.arange(first, first + int(model.body_geomnum[body])) if model.body_geomnum[body] else np.zeros(0, int)


def _addresses(model: mujoco.MjModel, joint: str) -> np.ndarray:
    """Of a joint's positions."""
    found = model.joint(joint)
    return np.arange(int(found.qposadr[0]), int(found.qposadr[0]) + len(found.qpos0))
