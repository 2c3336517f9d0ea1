"""Household: what all chores with things share. A chore says what stands there, what its stages are, and what harms."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar, cast

import numpy as np
from gymnasium import spaces

from envs.chores.base import Chore, Moment, Setup, Start, Verdict
from envs.household.build import Force, Physics, SceneBuilder
from envs.household.draws import Draws
from envs.household.hands import HAND_PARTS, hand_parts, hand_root
from envs.household.look import Look
from envs.household.safety import RobotLimits, SafetyLimits, safety_numbers, violations
from envs.household.scene import Scene, scene_facts
from envs.household.stages import Stage, advance, check_stages
from envs.household.staging import staged
from envs.household.things import Thing, mirrored, resized
from envs.model import BaseMode
from envs.reference import PERIOD_S
from motion.errors import ShapeError, require
from motion.landmarks import SIDES
from motion.transform import Array, Transform
from robots import load_robot
from robots.ready import ready_for_work
from robots.robot import Robot
from robots.station import station
from robots.urdf import read_urdf

_WIDEST_RAD, _FASTEST_RADPS, _FAR_M, _STRONG_N = 100.0, 1000.0, 100.0, 1e5
_TIMEOUT = 1.5
"""An episode lasts this many times as long as people usually need."""
_LEFT_HANDED = 0.25
"""Share of the layouts that are mirrored for the left hand."""
CLASSES = ("left_hand", "right_hand", "left_arm", "right_arm", "trunk")
"""Classes of links whose contact forces are judged apart."""


class Household(Chore):
    """A chore with things on a counter.

    A chore's author gives the class attributes, `draw`, `true_now`, and, where they are needed, `numbers`, `extra` and
    `harm`. All of these work in the counter's frame and for the right hand; mirrored layouts come by themselves.

    Attributes:
        text: what is to be done, in words.
        tasks: names of its tasks; the first is the usual one.
        axes: what can be held out ("objects", "layouts"); each gives every task a variant of its own, "task@axis".
        duration_s: task -> how long people usually need.
        stages: what has to be reached, the goal last.
        physics: how it is simulated.
        forces: between things, that `true_now` or `harm` want to feel.
        limits: of what is safe, beside the chore's own (`harm`).

    Args:
        robot: name, folder or Robot; its legs are locked and its hands wait over the counter.
        base: "fixed", "planar" or "gantry".
        limits: of what is safe, where other ones than the chore's are wanted.
        feed_forward: add the bare robot's inverse dynamics to what an actor asks for, so that arms do not sag.
    """

    text: ClassVar[str]
    tasks: ClassVar[tuple[str, ...]] = ("full",)
    axes: ClassVar[tuple[str, ...]] = ("objects", "layouts")
    duration_s: ClassVar[Mapping[str, float]]
    stages: ClassVar[tuple[Stage, ...]]
    physics: ClassVar[Physics] = Physics()
    forces: ClassVar[tuple[Force, ...]] = ()
    limits: ClassVar[SafetyLimits] = SafetyLimits()

    def __init__(
        self, robot: str | Robot, base: BaseMode = "fixed", limits: SafetyLimits | None = None, feed_forward: bool = False
    ) -> None:
        own = robot if isinstance(robot, Robot) else load_robot(robot)
        check_stages(self.stages)
        self.feed_forward = feed_forward
        self.variants = tuple(f"{task}@{axis}" if axis else task for axis in ("", *self.axes) for task in self.tasks)
        self._staged: dict[tuple[str, int], Scene] = {}
        self.station, self.safety_limits = station(own), limits or self.limits
        self.robot = ready_for_work(own)
        self._builder = SceneBuilder(self.robot, base, self.physics, self.station.T_world_counter, self.forces)
        nominal = self.scene(self.variants[0], 0)
        self.model = self._builder.robot_model(nominal.things)
        self.listing = self._builder.listing(self.model.model, nominal.things)
        self.parts = self.listing.parts
        self._fingers = self._builder.finger_matrix()
        self._classes = self._class_matrix()
        self._wrists = [list(self.robot.landmarks).index(f"{side}_wrist") for side in SIDES]
        hand_links = {link for side in SIDES for links in hand_parts(self.robot, side).values() for link in links}
        finger = {joint.name for joint in read_urdf(self.robot.urdf).joints if joint.parent in hand_links}
        self._robot_limits = RobotLimits(
            self.robot.lower_rad, self.robot.upper_rad, np.array([name in finger for name in self.robot.joint_names])
        )
        self._T_counter_world, self._looked = self.station.T_world_counter.inverse(), cast(Look | None, None)
        self._setup = lru_cache(maxsize=64)(self._make_setup)

    # What a chore's author writes.

    @abstractmethod
    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """What stands there in one episode, for the right hand, in the counter's frame."""

    @abstractmethod
    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """Stage -> (n,) whether it is true at this moment, what `extra` said in `look.extra`.

        Order, holding and remembering are the stages' business.
        """

    def numbers(self, scene: Scene) -> Mapping[str, np.ndarray | float]:
        """Numbers of a scene that `true_now`, `extra` or `harm` need; they come back as `look.facts`, (n, ...)."""
        return {}

    @property
    def extra_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Names and shapes of what `extra` returns."""
        return {}

    def extra(self, look: Look) -> Mapping[str, np.ndarray]:
        """Signals of its own (n, ...), kept in demonstrations; a period later they are in `look.before`."""
        return {}

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """Name -> (number, limit) of what harms in this chore, from an episode's signals (T, ...) and its scene's facts (...)."""
        return {}

    def broken(self, look: Look) -> np.ndarray:
        """(n,) whether the chore cannot be saved any more, beside things on the floor."""
        return np.zeros(len(look.moment.step), bool)

    # Scenes.

    def task_of(self, variant: str) -> tuple[str, str]:
        """Task and held-out axis ("" for none) of a variant."""
        task, _, axis = variant.partition("@")
        return task, axis

    def scene(self, variant: str, seed: int) -> Scene:
        """What stands there in an episode; the same for every robot and every policy."""
        self.variant_index([variant])
        if (variant, seed) in self._staged:
            return self._staged[variant, seed]
        task, axis = self.task_of(variant)
        draws = Draws(self.name, task, axis, seed)
        things = self.draw(task, draws)
        left = draws.layout_side < _LEFT_HANDED
        stands = mirrored(things) if left else things
        return Scene(self.name, variant, seed, "left" if left else "right", stands, self.text, dict(draws.drawn))

    def stage(self, variant: str, seed: int, poses: Mapping[str, Transform]) -> Scene:
        """Set an episode's scene from where things were seen: from now on they stand there, as large as the scene has them.

        Where the scene has a thing stand on something, it goes on standing on it: `staging` says how.

        Args:
            variant, seed: which episode.
            poses: thing -> T_counter_thing () at the start. Things that nobody saw, and those that hang on others, stay.

        Raises:
            UnknownNameError: a thing that the chore does not have.
        """
        self._staged.pop((variant, seed), None)
        self._staged[variant, seed] = staged(self.scene(variant, seed), poses)
        self._setup.cache_clear()
        return self._staged[variant, seed]

    def setup(self, variant: int, seed: int, sizes: tuple[tuple[str, float], ...] = ()) -> Setup:
        """The scene's model and its numbers; with things of another size the numbers are those of the things as they are."""
        return self._setup(variant, seed, sizes)

    def facts_of_scene(self, variant: int, seed: int) -> Mapping[str, Any]:
        """See `scene_facts`."""
        return scene_facts(self.scene(self.variants[variant], seed))

    def _make_setup(self, variant: int, seed: int, sizes: tuple[tuple[str, float], ...] = ()) -> Setup:
        scene = self.scene(self.variants[variant], seed)
        scene = replace(scene, things=resized(scene.things, dict(sizes))) if sizes else scene
        model = self._builder.model(scene.things)
        same = model.nq == self.model.model.nq and model.ngeom == self.model.model.ngeom
        require(same, ShapeError, f"{self.name}: scene {seed} of {scene.variant} has other parts than the first; park what is not needed.")
        watched = [scene.thing(name) for name in self.listing.things]
        hinges = [scene.thing(name).joint for name in self.listing.hinges]
        facts: dict[str, Any] = {
            "thing_half_m": np.array([thing.half_m for thing in watched]).reshape(-1, 3),
            "thing_mass_kg": np.array([thing.mass_kg for thing in watched]),
            "thing_friction": np.array([thing.friction for thing in watched]),
            "fragile_n": np.array([thing.fragile_n for thing in watched]),
            "hinge_start": np.array([joint.start for joint in hinges if joint is not None]),
            "side": 1.0 if scene.side == "left" else -1.0,
            **self.numbers(scene),
        }
        return Setup(model, {name: np.asarray(value, float) for name, value in facts.items()})

    def steps(self, variant: int) -> int:
        """1.5 times as long as people usually need."""
        return int(np.ceil(_TIMEOUT * self.duration_s[self.task_of(self.variants[variant])[0]] / PERIOD_S))

    def start(self, variants: np.ndarray, noise_rad: Array, setups: Sequence[Setup]) -> Start:
        """Hands over the counter, things where the scene has them."""
        rest = np.tile(self.robot.rest_rad, (len(variants), 1))
        posture = np.clip(rest + noise_rad, self.robot.lower_rad, self.robot.upper_rad)
        qpos = self.model.qpos(posture, self.station.T_world_base)
        own = np.zeros(self.model.model.nq, bool)
        own[self._thing_qpos()] = True
        for row, setup in enumerate(setups):
            assert setup.scene is not None
            qpos[row, own] = setup.scene.qpos0[own]
            qpos[row, self.parts.joint_qpos] = setup.facts["hinge_start"]
        return Start(qpos, np.zeros((len(variants), self.model.model.nv)), rest)

    def _thing_qpos(self) -> np.ndarray:
        """Addresses of everything that is not robot."""
        model = self.model.model
        free = [j for j in range(model.njnt) if model.joint(j).name.startswith("thing/")]
        sizes = {0: 7, 1: 4, 2: 1, 3: 1}
        return np.array([int(model.jnt_qposadr[j]) + k for j in free for k in range(sizes[int(model.jnt_type[j])])], int)

    def gantry(self, variants: np.ndarray, step: np.ndarray) -> Array | None:
        """The base is held where the station has it."""
        if self.model.base_mode != "gantry":
            return None
        pose = np.r_[self.station.T_world_base.position_m, self.station.T_world_base.wxyz]
        return np.tile(pose, (len(variants), round(PERIOD_S / self.physics.timestep_s), 1))

    # What is seen.

    def look(self, moment: Moment) -> Look:
        """The moment, by names; one and the same Look as long as it is asked for the same moment."""
        if self._looked is None or self._looked.moment is not moment:
            things = self._T_counter_world @ Transform(moment.state.thing_m, moment.state.thing_wxyz)
            self._looked = Look(moment, self.listing, self._T_counter_world, things, self._fingers)
        return self._looked

    @property
    def observation_space(self) -> spaces.Dict:
        """Robot, things and what the hands feel; positions in the counter's frame."""
        joints, actions, things = len(self.robot.joint_names), len(self.action_names), len(self.listing.things)

        def box(limit: float, *shape: int) -> spaces.Box:
            return spaces.Box(-limit, limit, shape, np.float64)

        return spaces.Dict(
            {
                "joint_position_rad": box(_WIDEST_RAD, joints),
                "joint_velocity_radps": box(_FASTEST_RADPS, joints),
                "previous_action_rad": box(_WIDEST_RAD, actions),
                "base_pose": box(_FAR_M, 3),
                "thing_position_m": box(_FAR_M, things, 3),
                "thing_wxyz": box(1.0 + 1e-6, things, 4),
                "thing_half_m": box(_FAR_M, things, 3),
                "hinge": box(_FAR_M, len(self.listing.hinges)),
                "hand_force_n": spaces.Box(0.0, _STRONG_N, (len(SIDES), len(HAND_PARTS)), np.float64),
                "chore": box(_FAR_M, 1),
            }
        )

    def observe(self, moment: Moment) -> dict[str, np.ndarray]:
        """Observations (n, ...)."""
        look, state = self.look(moment), moment.state
        count = len(moment.step)
        base = state.T_world_base
        yaw = 2 * np.arctan2(base.wxyz[:, 3], base.wxyz[:, 0])
        return {
            "joint_position_rad": np.clip(state.joint_position_rad, -_WIDEST_RAD, _WIDEST_RAD),
            "joint_velocity_radps": np.clip(state.joint_velocity_radps, -_FASTEST_RADPS, _FASTEST_RADPS),
            "previous_action_rad": moment.previous_action_rad.copy(),
            "base_pose": np.clip(np.column_stack([base.position_m[:, :2], yaw]), -_FAR_M, _FAR_M),
            "thing_position_m": np.clip(look.things.position_m, -_FAR_M, _FAR_M),
            "thing_wxyz": np.where(look.things.wxyz[..., :1] < 0, -look.things.wxyz, look.things.wxyz),
            "thing_half_m": moment.facts["thing_half_m"],
            "hinge": np.clip(state.hinge, -_FAR_M, _FAR_M),
            "hand_force_n": np.clip(look.hand_force_n(), 0.0, _STRONG_N),
            "chore": np.full((count, 1), float(CHORE_ORDER.index(self.name) if self.name in CHORE_ORDER else -1)),
        }

    # What is measured and judged.

    @property
    def measured(self) -> Mapping[str, tuple[int, ...]]:
        """Things, beads, forces, stages, and the chore's own signals."""
        things, stages = len(self.listing.things), len(self.stages)
        return {
            "thing_position_m": (things, 3),
            "thing_wxyz": (things, 4),
            "bead_position_m": (len(self.listing.beads), 3),
            "hinge": (len(self.listing.hinges),),
            "hinge_speed": (len(self.listing.hinges),),
            "thing_force_n": (things,),
            "touch": (len(SIDES), things),
            "hand_force_n": (len(SIDES), len(HAND_PARTS)),
            "class_force_n": (len(CLASSES),),
            "hand_speed_mps": (len(SIDES),),
            "wrist_m": (len(SIDES), 3),
            "fall_mps": (),
            "stage_reached": (stages,),
            "progress": (),
            **self.extra_shapes,
        }

    @property
    def judged(self) -> Mapping[str, tuple[int, ...]]:
        """How long each stage has been true, and whether all is lost."""
        return {"stage_held_s": (len(self.stages),), "lost": (), "gain": ()}

    def measure(self, moment: Moment) -> dict[str, np.ndarray]:
        """Everything that happened in the period just gone."""
        look, state = self.look(moment), moment.state
        extra = dict(self.extra(look))
        look = replace(look, extra=extra)
        held, reached, progress = advance(self.stages, self.true_now(look), moment.before["stage_held_s"], PERIOD_S)
        wrists = state.landmark_m[:, self._wrists]
        first = (moment.step <= 1)[:, None]
        hand_speed = np.where(first, 0.0, np.linalg.norm(wrists - moment.before["wrist_m"], axis=-1) / PERIOD_S)
        touch = look.felt("touch").reshape(len(moment.step), len(SIDES), -1) > 0
        fall = self._falling_mps(look, touch)
        return {
            "thing_position_m": state.thing_m,
            "thing_wxyz": state.thing_wxyz,
            "bead_position_m": state.bead_m,
            "hinge": state.hinge,
            "hinge_speed": state.hinge_speed,
            "thing_force_n": look.felt("thing_force_n"),
            "touch": touch.astype(float),
            "hand_force_n": look.hand_force_n(),
            "class_force_n": np.einsum("nr,rc->nc", look.link_force_n(), self._classes),  # a matrix product rounds by the number of rows
            "hand_speed_mps": hand_speed,
            "wrist_m": wrists,
            "fall_mps": fall,
            "stage_reached": reached.astype(float),
            "progress": progress,
            **extra,
            "stage_held_s": np.where(np.isinf(held), np.inf, held),
            "lost": (self._on_floor(look) | self.broken(look)).astype(float),
            "gain": progress - moment.before["progress"],
        }

    def _falling_mps(self, look: Look, touch: np.ndarray) -> Array:
        """(n,) speed of the fastest fall of a thing that no hand touches and that is an object."""
        state, before = look.moment.state, look.before
        down = (before["thing_position_m"][..., 2] - state.thing_m[..., 2]) / PERIOD_S
        loose = ~touch.any(1)
        down = np.where(loose & (look.moment.step > 1)[:, None], down, 0.0)
        return np.maximum(down.max(axis=1, initial=0.0), 0.0)

    def _on_floor(self, look: Look) -> np.ndarray:
        """(n,) whether a thing that was on the counter lies well below it."""
        low = look.all_positions_m()[..., 2] < -0.15
        parked = look.facts["parked"] > 0 if "parked" in look.facts else np.zeros_like(low)
        return np.asarray((low & ~parked).any(1))

    def reward(self, signals: Mapping[str, np.ndarray]) -> Array:
        """What progress was made in this period; 1 in all over an episode that succeeds."""
        return np.nan_to_num(signals["gain"])

    def lost(self, signals: Mapping[str, np.ndarray]) -> np.ndarray:
        """Something fell to the floor, or broke."""
        return np.asarray(signals["lost"] > 0)

    def won(self, signals: Mapping[str, np.ndarray]) -> np.ndarray:
        """The goal has held long enough."""
        return np.asarray(signals["stage_reached"][:, -1] > 0)

    def judge(self, variant: int, signals: Mapping[str, np.ndarray], diverged: bool, facts: Mapping[str, np.ndarray]) -> Verdict:
        """Success by the stages, safety by limits."""
        if not len(signals["progress"]):
            return Verdict(False, 0.0)
        numbers = safety_numbers(signals, self._robot_limits, PERIOD_S)
        limits: dict[str, float] = dict(vars(self.safety_limits))
        for name, (value, limit) in self.harm(signals, facts).items():
            numbers[name], limits[name] = float(value), float(limit)
        success = bool(signals["stage_reached"][-1, -1] > 0 and not diverged)
        numbers["unstable"], limits["unstable"] = float(diverged), 0.5
        numbers["lost"], limits["lost"] = float(signals["lost"][-1]), 0.5
        return Verdict(success, float(signals["progress"].max()), numbers, violations(numbers, limits))

    def explain(self, signals: Mapping[str, np.ndarray], verdict_safety: Mapping[str, float]) -> str:
        """Why an episode did not succeed, in words: what it did not reach, and what happened instead. "" for a success."""
        reached = signals["stage_reached"][-1] > 0
        if reached[-1]:
            return ""
        missing = next(stage.name for stage, done in zip(self.stages, reached, strict=True) if not done)
        said = f"stage {missing!r} was not reached"
        if verdict_safety.get("unstable", 0.0) > 0:
            return f"{said}: the simulation broke down"
        if verdict_safety.get("lost", 0.0) > 0:
            low = signals["thing_position_m"][-1, :, 2] - self.station.T_world_counter.position_m[2]
            return f"{said}: {self.listing.things[int(low.argmin())]} fell, or something broke"
        return f"{said} before the time was over"

    def _class_matrix(self) -> Array:
        """(R, C) which felt link belongs to which of `CLASSES`."""
        urdf = read_urdf(self.robot.urdf)
        parent = {joint.child: joint.parent for joint in (*urdf.joints, *urdf.fixed)}
        matrix = np.zeros((len(self.listing.bodies), len(CLASSES)))
        for row, link in enumerate(self.listing.bodies):
            way = [link]
            while way[-1] in parent:
                way.append(parent[way[-1]])
            matrix[row, self._class_of(way)] = 1.0
        return matrix

    def _class_of(self, way: Sequence[str]) -> int:
        for column, side in enumerate(SIDES):
            if hand_root(self.robot, side) in way:
                return column
            if self.robot.landmarks[f"{side}_shoulder"].frame in way:
                return 2 + column
        return CLASSES.index("trunk")


CHORE_ORDER = (
    "tidy_counter",
    "pour_cup",
    "stir_pot",
    "fragile_glass",
    "operate_appliance",
    "wash_dish",
    "fold_towel",
    "fetch_item",
    "walk_clutter",
)
"""Numbers of chores in observations: where they stand here."""
