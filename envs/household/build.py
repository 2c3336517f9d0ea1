"""Scene -> MuJoCo: the robot, a counter, the things on it, and the sensors that feel what touches what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import mujoco
import numpy as np

from envs.household.cloth_model import add_hold, add_slides, add_weave, hold_name, holds_of, lies_on
from envs.household.floor import grounded
from envs.household.hands import HAND_PARTS, hand_parts, hand_root
from envs.household.link_classes import LINK_CLASSES, class_roots
from envs.household.things import Joint, Shape, Thing
from envs.model import COUNTER, ROBOT_BIT, THING_BIT, THING_PREFIX, BaseMode, RobotModel, compiled, located, robot_spec
from envs.simulation import Parts
from envs.urdf_spec import body_name
from motion.errors import ShapeError, require
from motion.landmarks import SIDES
from motion.transform import Transform
from robots.hands import hand_of
from robots.robot import Robot

COUNTER_HALF_M = (0.30, 0.80, 0.02)
"""Half depth, half width and half thickness of the counter's top."""
CABINET = "cabinet"
CABINET_RGBA = (0.62, 0.60, 0.57, 1.0)
TOE_M = 0.12
"""How far the cabinet stands back from the counter's edge, for feet."""
CounterKind = Literal["top", "solid", "none"]
"""Of the counter there is the top alone, enough for who stands before it; its cabinet, too, for who drives about; or only its frame."""
_COUNTER_RGBA = (0.80, 0.75, 0.65, 1.0)
_FAR_M = 2.0
"""Radius of the sphere in which a touch sensor listens: all of any body."""


@dataclass(frozen=True)
class Physics:
    """How a chore is simulated.

    Attributes:
        timestep_s: of the physics; the control period has to be a multiple.
        elliptic: friction cones; pyramidal ones are faster where many beads touch.
        impratio: how much harder friction is than the normal direction of a contact; 10 keeps grasps from creeping.
        sleep: leave out what lies still until something awake touches it; half of the time of a full scene.
    """

    timestep_s: float = 0.002
    elliptic: bool = True
    impratio: float = 10.0
    sleep: bool = True


@dataclass(frozen=True)
class Force:
    """A force to be felt: of all contacts between two things, on the first, in the world."""

    on: str
    by: str


@dataclass(frozen=True)
class Listing:
    """What a chore's scenes consist of; the same in every episode.

    Attributes:
        things: (K,) names of watched things: objects and fixtures.
        beads: (B,) names.
        hinges: (M,) names of things that hinge or slide.
        points: (V,) names of points of cloth, some of them watched things, the others beads.
        bodies: (R,) robot links that feel force.
        columns: name of a group of felt numbers -> where it lies among the means over a period.
        parts: for the simulation.
    """

    things: tuple[str, ...]
    beads: tuple[str, ...]
    hinges: tuple[str, ...]
    points: tuple[str, ...]
    bodies: tuple[str, ...]
    columns: dict[str, slice]
    parts: Parts


def thing_body(name: str) -> str:
    """MuJoCo's name of a thing's body."""
    return THING_PREFIX + name


class SceneBuilder:
    """Builds scenes of one chore around one robot; the robot's part is prepared once.

    Args:
        robot: ready for work.
        base_mode: what its base can do.
        physics: of the chore.
        T_world_counter: where the counter stands.
        forces: between things that the chore wants to feel.
        counter: what there is of it.
        furniture: whether the robot feels what of it touches furniture: counter, and all things that hang together with it.
    """

    def __init__(
        self,
        robot: Robot,
        base_mode: BaseMode,
        physics: Physics,
        T_world_counter: Transform,
        forces: Sequence[Force] = (),
        counter: CounterKind = "top",
        furniture: bool = False,
    ) -> None:
        self.robot, self.base_mode, self.forces = robot, base_mode, tuple(forces)
        self._counter_m, self._furniture = float(T_world_counter.position_m[2]), furniture
        self._spec = robot_spec(robot, base_mode, floor=False)
        self._roots = {side: body_name(hand_root(robot, side)) for side in SIDES}
        self._hand_parts = {side: hand_parts(robot, side) for side in SIDES}
        option = self._spec.option
        option.timestep, option.impratio = physics.timestep_s, physics.impratio
        option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC if physics.elliptic else mujoco.mjtCone.mjCONE_PYRAMIDAL
        if physics.sleep:
            option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP
        self._felt = self._touchable_links()
        add_counter(self._spec, T_world_counter, counter)
        for link in self._felt:
            _listen(self._spec, link)
        for side in SIDES:
            self._add_own_contacts(side)
        if furniture:
            self._add_furniture_forces()

    def _touchable_links(self) -> tuple[str, ...]:
        """Links with shapes; not those that stand fast, and not feet that stand on the floor."""
        world = {body.name for body in self._spec.bodies if _stands_fast(body)} if self.base_mode == "fixed" else {"world"}
        if self.base_mode == "wbc":
            world |= {body_name(sole.frame) for sole in self.robot.soles.values()}
        return tuple(body.name for body in self._spec.bodies if body.name not in world and any(geom.contype for geom in body.geoms))

    def _add_own_contacts(self, side: str) -> None:
        root = self._roots[side]
        _contact(self._spec, f"own/{side}", root, root, mujoco.mjtObj.mjOBJ_XBODY)

    def _add_furniture_forces(self) -> None:
        """Of all furniture on each hand, on each arm with its hand, and on the whole robot."""
        for name, root in zip(LINK_CLASSES, class_roots(self.robot), strict=True):
            _force(self._spec, f"furniture/{name}", COUNTER, body_name(root), mujoco.mjtObj.mjOBJ_XBODY)

    def model(self, things: Sequence[Thing]) -> mujoco.MjModel:
        """A scene's model.

        Raises:
            ShapeError: two things of one name, or a parent that does not come before its children.
        """
        spec = self._spec.copy()
        names = [thing.name for thing in things]
        require(len(set(names)) == len(names), ShapeError, f"two things of a scene have one name: {names}.")
        for thing in grounded(things, self._counter_m):
            add_thing(spec, thing)
        for thing in _watched(things):
            _listen(spec, thing_body(thing.name))
            for side in SIDES:
                kind = mujoco.mjtObj.mjOBJ_XBODY
                _contact(spec, f"touch/{side}/{thing.name}", self._roots[side], thing_body(thing.name), kind, mujoco.mjtObj.mjOBJ_BODY)
        for force in self.forces:
            _net_force(spec, force)
        self._add_switches(spec, things)
        return compiled(spec, self.robot)

    def _add_switches(self, spec: mujoco.MjSpec, things: Sequence[Thing]) -> None:
        """What cloth is held with: from each hand to each point, off at first."""
        for side, point in holds_of(things):
            palm = body_name(hand_of(self.robot, side).link)
            add_hold(spec, hold_name(side, point), palm, thing_body(point))

    def robot_model(self, things: Sequence[Thing]) -> RobotModel:
        """The nominal scene with the robot's numbers located in it."""
        return located(self.robot, self.base_mode, self.model(things))

    def listing(self, model: mujoco.MjModel, things: Sequence[Thing]) -> Listing:
        """What a scene's model consists of."""
        watched, hinges = _watched(things), [thing for thing in things if thing.joint is not None and thing.joint.kind != "free"]
        beads = [thing.name for thing in things if thing.role == "bead"]
        groups: dict[str, list[str]] = {
            "link_force_n": [f"force/{link}" for link in self._felt],
            "thing_force_n": [f"force/{thing_body(thing.name)}" for thing in watched],
            "touch": [f"touch/{side}/{thing.name}" for side in SIDES for thing in watched],
            "force_n": [f"net/{force.on}/{force.by}" for force in self.forces],
            "furniture_force_n": [f"furniture/{name}" for name in LINK_CLASSES if self._furniture],
        }
        columns: dict[str, slice] = {}
        sensors: list[int] = []
        for name, group in groups.items():
            first = len(sensors)
            sensors += [int(column) for sensor in group for column in _columns(model, sensor)]
            columns[name] = slice(first, len(sensors))
        return Listing(
            things=tuple(thing.name for thing in watched),
            beads=tuple(beads),
            hinges=tuple(thing.name for thing in hinges),
            points=tuple(thing.name for thing in things if thing.point),
            bodies=self._felt,
            columns=columns,
            parts=Parts(
                bodies=_bodies(model, [thing.name for thing in watched]),
                beads=_bodies(model, beads),
                joint_qpos=np.array([model.joint(thing_body(thing.name)).qposadr[0] for thing in hinges], int),
                joint_dof=np.array([model.joint(thing_body(thing.name)).dofadr[0] for thing in hinges], int),
                sensors=np.array(sensors, int),
                own_contacts=np.array([column for side in SIDES for column in _columns(model, f"own/{side}")], int),
                switches=np.array([model.equality(hold_name(*hold)).id for hold in holds_of(things)], int),
                palms=np.array([model.body(body_name(hand_of(self.robot, side).link)).id for side in SIDES], int),
            ),
        )

    def finger_matrix(self) -> np.ndarray:
        """(2, P, R) which felt links belong to which part of which hand, to sum their forces; left before right."""
        matrix = np.zeros((len(SIDES), len(HAND_PARTS), len(self._felt)))
        for row, side in enumerate(SIDES):
            for column, part in enumerate(HAND_PARTS):
                for link in self._hand_parts[side].get(part, ()):
                    if body_name(link) in self._felt:
                        matrix[row, column, self._felt.index(body_name(link))] = 1.0
        return matrix


def _stands_fast(body: mujoco.MjsBody) -> bool:
    """Whether no joint lies between a body and the world."""
    while body.name != "world":
        if body.joints:
            return False
        body = body.parent
    return True


def _bodies(model: mujoco.MjModel, names: Sequence[str]) -> np.ndarray:
    return np.array([model.body(thing_body(name)).id for name in names], int)


def _columns(model: mujoco.MjModel, sensor: str) -> range:
    found = model.sensor(sensor)
    return range(int(found.adr[0]), int(found.adr[0]) + int(found.dim[0]))


def _watched(things: Sequence[Thing]) -> list[Thing]:
    return [thing for thing in things if thing.role in ("object", "fixture")]


def add_counter(spec: mujoco.MjSpec, T_world_counter: Transform, kind: CounterKind = "top") -> None:
    """The counter, as a body whose frame is the counter's."""
    pose = {"pos": list(T_world_counter.position_m), "quat": list(T_world_counter.wxyz)}
    counter = spec.worldbody.add_body(name=COUNTER, **pose)
    if kind == "none":
        return
    depth, width, thick = COUNTER_HALF_M
    top = counter.add_geom(name=COUNTER, type=mujoco.mjtGeom.mjGEOM_BOX, size=[depth, width, thick], pos=[depth, 0, -thick])
    if kind == "solid":
        add_cabinet(counter, float(T_world_counter.position_m[2]), np.zeros(3))
    top.contype = top.conaffinity = ROBOT_BIT | THING_BIT
    top.friction[0], top.rgba, top.condim = 0.8, _COUNTER_RGBA, 4
    top.solref[0] = 0.005


def add_cabinet(body: mujoco.MjsBody, counter_m: float, origin_m: np.ndarray) -> None:
    """What the counter's top lies on, down to the floor `counter_m` below it; its origin (3,) is the counter's, in the body's frame."""
    depth, width, thick = COUNTER_HALF_M
    half = counter_m / 2 - thick
    if half > 0:
        place, size = origin_m + [depth + TOE_M / 2, 0.0, half - counter_m], [depth - TOE_M / 2, width - 0.02, half]
        geom = body.add_geom(name=CABINET, type=mujoco.mjtGeom.mjGEOM_BOX, size=size, pos=place, rgba=CABINET_RGBA)
        geom.contype = geom.conaffinity = ROBOT_BIT | THING_BIT


def add_thing(spec: mujoco.MjSpec, thing: Thing) -> None:
    """A thing on the counter or on its parent, which has to be there already.

    Raises:
        ShapeError: it is not.
    """
    free = thing.joint is not None and thing.joint.kind == "free"
    carrier = spec.body(thing_body(thing.parent) if thing.parent else COUNTER)
    require(carrier is not None, ShapeError, f"thing {thing.name}: its parent {thing.parent!r} does not come before it.")
    if free:
        pose = Transform(np.array(carrier.pos), np.array(carrier.quat)) @ thing.pose
        body = spec.worldbody.add_body(name=thing_body(thing.name), pos=pose.position_m, quat=pose.wxyz)
        if thing.point:
            add_slides(body, thing_body(thing.name))
        else:
            body.add_freejoint(name=thing_body(thing.name))
    else:
        body = carrier.add_body(name=thing_body(thing.name), pos=thing.position_m, quat=thing.wxyz)
        if thing.joint is not None:
            _add_joint(body, thing.name, thing.joint)
    for shape in thing.shapes:
        _add_shape(body, shape)
    if thing.point:
        lies_on(body)
    if thing.weave is not None:
        add_weave(spec, thing_body(thing.name), thing.weave, [thing_body(name) for name in thing.weave.points])


def _add_joint(body: mujoco.MjsBody, name: str, joint: Joint) -> None:
    kind = mujoco.mjtJoint.mjJNT_HINGE if joint.kind == "hinge" else mujoco.mjtJoint.mjJNT_SLIDE
    made = body.add_joint(name=thing_body(name), type=kind, axis=joint.axis, range=joint.range)
    made.limited = mujoco.mjtLimited.mjLIMITED_TRUE
    made.frictionloss, made.armature = joint.friction, joint.armature
    made.damping[0], made.stiffness[0], made.springref = joint.damping, joint.stiffness, joint.rest


_KINDS = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
}


def _add_shape(body: mujoco.MjsBody, shape: Shape) -> None:
    size = [*shape.half_m, 0.0, 0.0][:3]
    geom = body.add_geom(type=_KINDS[shape.kind], size=size, pos=shape.position_m, quat=shape.wxyz, rgba=shape.rgba)
    geom.mass, geom.density = shape.mass_kg, 0.0
    geom.friction[0], geom.condim = shape.friction, shape.condim
    geom.solref[0] = shape.solref_s
    geom.priority = 1  # the thing's own friction and stiffness count, whatever it touches
    bits = ROBOT_BIT | THING_BIT if shape.touchable else 0
    geom.contype = geom.conaffinity = bits


def _listen(spec: mujoco.MjSpec, body: str) -> None:
    """Feel the sum of the normal forces on a body."""
    name = f"force/{body}"
    spec.body(body).add_site(name=name, type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[_FAR_M, 0, 0], group=5)
    spec.add_sensor(name=name, type=mujoco.mjtSensor.mjSENS_TOUCH, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=name)


def _contact(spec: mujoco.MjSpec, name: str, one: str, other: str, kind: mujoco.mjtObj, other_kind: mujoco.mjtObj | None = None) -> None:
    """Count the contacts between two bodies, or, as XBODY, between all that hangs on them."""
    sensor = spec.add_sensor(name=name, type=mujoco.mjtSensor.mjSENS_CONTACT)
    sensor.objtype, sensor.objname, sensor.reftype, sensor.refname = kind, one, other_kind or kind, other
    sensor.intprm[:3] = [1, 0, 1]


def _net_force(spec: mujoco.MjSpec, force: Force) -> None:
    _force(spec, f"net/{force.on}/{force.by}", thing_body(force.by), thing_body(force.on), mujoco.mjtObj.mjOBJ_BODY)


def _force(spec: mujoco.MjSpec, name: str, by: str, on: str, kind: mujoco.mjtObj) -> None:
    """Feel the force of one body on another, or, as XBODY, of all that hangs on them; MuJoCo gives that of the first on the second."""
    sensor = spec.add_sensor(name=name, type=mujoco.mjtSensor.mjSENS_CONTACT)
    sensor.objtype, sensor.objname, sensor.reftype, sensor.refname = kind, by, kind, on
    sensor.intprm[:3] = [2, 3, 1]  # the force alone, of all contacts together
