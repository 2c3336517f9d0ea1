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
from envs.household.build import CounterKind, Force, Physics, SceneBuilder
from envs.household.cloth import HELD, ClothHands
from envs.household.draws import Draws
from envs.household.driving import base_path
from envs.household.link_classes import class_matrix
from envs.household.look import Look
from envs.household.measuring import fallen, on_floor, physical_shapes, physical_signals
from envs.household.observing import household_space, observed
from envs.household.safety import SafetyLimits, robot_limits, safety_numbers, violations
from envs.household.scene import Scene, scene_facts, scene_numbers
from envs.household.stages import Stage, check_stages, stage_signals
from envs.household.staging import staged
from envs.household.things import Thing, mirrored, resized
from envs.household.viewpoints import View
from envs.model import BaseMode
from envs.reference import PERIOD_S
from motion.errors import ShapeError, UnknownNameError, require
from motion.handling import stand_at
from motion.landmarks import SIDES
from motion.transform import Array, Transform
from robots import load_robot
from robots.hands import hand_of
from robots.ready import ready_for_work
from robots.robot import Robot
from robots.standing import bent, stance
from robots.station import station

_TIMEOUT = 1.5
"""An episode lasts this many times as long as people usually need."""
_LEFT_HANDED = 0.25
"""Share of the layouts that are mirrored for the left hand."""


class Household(Chore):
    """A chore with things on a counter.

    A chore's author gives the class attributes, `draw`, `true_now`, and, where they are needed, `numbers`, `extra` and
    `harm`. All of these work in the counter's frame and for the right hand; mirrored layouts come by themselves.

    Attributes:
        texts: task -> what is to be done, in words.
        rephrased: task -> the same in other words, with which policies that are told words are evaluated.
        tasks: names of its tasks; the first is the usual one.
        axes: what can be held out ("objects", "layouts"); each gives every task a variant of its own, "task@axis".
        duration_s: task -> how long people usually need.
        stages: what has to be reached, the goal last.
        physics: how it is simulated.
        forces: between things, that `true_now` or `harm` want to feel.
        limits: of what is safe, beside the chore's own (`harm`).
        bases: what the robot may stand on; the first is the usual one.
        counter: what there is of the counter; its frame is always there.
        view_m: eye and what it looks at, in the counter's frame, of the camera "shelf"; None: the counter and who stands at it.

    Args:
        robot: name, folder or Robot; its legs are locked and its hands wait over the counter.
        base: "fixed", "planar", "gantry" or "wbc"; the chore's usual one unless given.
        limits: of what is safe, where other ones than the chore's are wanted.
        feed_forward: add the bare robot's inverse dynamics to what an actor asks for, so that arms do not sag.
    """

    texts: ClassVar[Mapping[str, str]]
    rephrased: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    tasks: ClassVar[tuple[str, ...]] = ("full",)
    axes: ClassVar[tuple[str, ...]] = ("objects", "layouts")
    duration_s: ClassVar[Mapping[str, float]]
    stages: ClassVar[tuple[Stage, ...]]
    physics: ClassVar[Physics] = Physics()
    forces: ClassVar[tuple[Force, ...]] = ()
    limits: ClassVar[SafetyLimits] = SafetyLimits()
    bases: ClassVar[tuple[BaseMode, ...]] = ("fixed", "planar", "gantry", "wbc")
    counter: ClassVar[CounterKind] = "top"
    view_m: ClassVar[View | None] = None

    def __init__(
        self, robot: str | Robot, base: BaseMode | None = None, limits: SafetyLimits | None = None, feed_forward: bool = False
    ) -> None:
        base = self.bases[0] if base is None else base
        if base not in self.bases:
            raise UnknownNameError("base", base, self.bases, f"chore {self.name}")
        own = robot if isinstance(robot, Robot) else load_robot(robot)
        check_stages(self.stages)
        self._check_tasks()
        self.feed_forward = feed_forward
        self.variants = tuple(f"{task}@{axis}" if axis else task for axis in ("", *self.axes) for task in self.tasks)
        self._staged: dict[tuple[str, int], Scene] = {}
        self.station, self.safety_limits = station(own), limits or self.limits
        self.robot = ready_for_work(own)
        if base == "wbc":
            self.station, self.robot = self.station.lowered(stance(self.robot).drop_m), bent(self.robot)
        self._builder = SceneBuilder(self.robot, base, self.physics, self.station.T_world_counter, self.forces, self.counter, self.moving)
        nominal = self.scene(self.variants[0], 0)
        self.model = self._builder.robot_model(nominal.things)
        self.listing = self._builder.listing(self.model.model, nominal.things)
        self.parts = self.listing.parts
        self._fingers = self._builder.finger_matrix()
        tools = [hand_of(self.robot, side).T_link_tool for side in SIDES]
        self._T_palm_tool = Transform(np.stack([tool.position_m for tool in tools]), np.stack([tool.wxyz for tool in tools]))
        weaves = [thing.weave for thing in nominal.things if thing.weave is not None]
        self.cloth = ClothHands(self.robot, self.listing, weaves[0]) if weaves else None
        self._classes = class_matrix(self.robot, self.listing.bodies)
        self._wrists = [list(self.robot.landmarks).index(f"{side}_wrist") for side in SIDES]
        self._robot_limits = robot_limits(self.robot)
        self._T_counter_world, self._looked = self.station.T_world_counter.inverse(), cast(Look | None, None)
        self._setup = lru_cache(maxsize=64)(self._make_setup)

    def _check_tasks(self) -> None:
        """Every task has its words and its duration."""
        for attribute, known in (("texts", self.texts), ("duration_s", self.duration_s)):
            for task in self.tasks:
                if task not in known:
                    raise UnknownNameError("task", task, known, f"{attribute} of chore {self.name}")

    @property
    def moving(self) -> bool:
        """Whether the chore is for a base that drives about."""
        return self.bases == ("planar",)

    # What a chore's author writes.

    @abstractmethod
    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """What stands there in one episode, for the right hand, in the counter's frame."""

    def draw_stand(self, task: str, draws: Draws) -> tuple[float, float, float]:
        """Where the robot stands at first: x, y (m) and yaw (rad) of its stand (`motion.handling`), for the right hand."""
        return 0.0, 0.0, 0.0

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

    def text(self, variant: str) -> str:
        """What a variant's task asks for, in words; what is held out does not change it."""
        return self.texts[self.task_of(variant)[0]]

    def scene(self, variant: str, seed: int) -> Scene:
        """What stands there in an episode; the same for every robot and every policy."""
        self.variant_index([variant])
        if (variant, seed) in self._staged:
            return self._staged[variant, seed]
        task, axis = self.task_of(variant)
        draws = Draws(self.name, task, axis, seed)
        things = self.draw(task, draws)
        x, y, yaw = self.draw_stand(task, draws)
        left = draws.layout_side < _LEFT_HANDED
        side, sign = ("left", -1.0) if left else ("right", 1.0)
        stands = mirrored(things) if left else things
        return Scene(self.name, variant, seed, side, stands, self.text(variant), dict(draws.drawn), (x, sign * y, sign * yaw))

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
        require(same, ShapeError, f"{self.name}: scene {seed} of {scene.variant} has other parts than the first; all need the same.")
        woven = self.cloth.numbers(scene.things) if self.cloth is not None else {}
        facts = {**scene_numbers(scene, self.listing.things, self.listing.hinges), **woven, **self.numbers(scene)}
        return Setup(model, {name: np.asarray(value, float) for name, value in facts.items()})

    def steps(self, variant: int) -> int:
        """1.5 times as long as people usually need."""
        return int(np.ceil(_TIMEOUT * self.duration_s[self.task_of(self.variants[variant])[0]] / PERIOD_S))

    def start(self, variants: np.ndarray, noise_rad: Array, setups: Sequence[Setup]) -> Start:
        """Hands over the counter, things where the scene has them."""
        rest = np.tile(self.robot.rest_rad, (len(variants), 1))
        posture = np.clip(rest + noise_rad, self.robot.lower_rad, self.robot.upper_rad)
        qpos = self.model.qpos(posture, self.station.T_world_base)
        if self.model.base_mode == "planar":
            qpos[:, :3] = [self._base_at(setup.facts["stand"]) for setup in setups]
        own, qvel = np.zeros(self.model.model.nq, bool), np.zeros((len(variants), self.model.model.nv))
        own[self._thing_qpos()] = True
        for row, setup in enumerate(setups):
            assert setup.scene is not None
            qpos[row, own] = setup.scene.qpos0[own]
            qpos[row, self.parts.joint_qpos] = setup.facts["hinge_start"]
            qvel[row, self.parts.joint_dof] = setup.facts["hinge_speed_start"]
        return Start(qpos, qvel, rest)

    def _base_at(self, stand: Array) -> Array:
        """(3,) x, y (m) and yaw (rad) of the base in the world, for one that stands at a stand (3,)."""
        return base_path((self.station.T_world_counter @ stand_at(stand) @ self.station.T_counter_base)[None])[0]

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
            self._looked = Look(moment, self.listing, self._T_counter_world, things, self._fingers, self._T_palm_tool)
        return self._looked

    def told(self, look: Look) -> Look:
        """The same, and in its `extra` what cloth and hands, and then the chore's own `extra`, say of it."""
        woven = self.cloth.signals(look) if self.cloth is not None else {}
        return replace(look, extra={**woven, **self.extra(replace(look, extra=woven))})

    @property
    def observation_space(self) -> spaces.Dict:
        """Robot, things and what the hands feel; positions in the counter's frame."""
        listing = self.listing
        return household_space(len(self.robot.joint_names), len(self.action_names), len(listing.things), len(listing.hinges))

    def observe(self, moment: Moment) -> dict[str, np.ndarray]:
        """Observations (n, ...)."""
        return observed(self.look(moment), self.name)

    # What is measured and judged.

    @property
    def measured(self) -> Mapping[str, tuple[int, ...]]:
        """Things, beads, forces, stages, and the chore's own signals."""
        woven = self.cloth.shapes if self.cloth is not None else {}
        own = {"stage_reached": (len(self.stages),), "progress": (), **self.extra_shapes}
        return {**physical_shapes(self.listing, self.moving), **woven, **own}

    @property
    def judged(self) -> Mapping[str, tuple[int, ...]]:
        """Which stages were given, how long each has been true, whether all is lost, and what was gained."""
        stages = (len(self.stages),)
        return {"stage_given": stages, "stage_held_s": stages, "lost": (), "gain": ()}

    def measure(self, moment: Moment) -> dict[str, np.ndarray]:
        """Everything that happened in the period just gone."""
        look = self.told(self.look(moment))
        return {
            **physical_signals(look, moment.state.landmark_m[:, self._wrists], self._classes, self.moving),
            **look.extra,
            **stage_signals(self.stages, self.true_now(look), look.before, moment.step <= 1, PERIOD_S),
            "lost": (on_floor(look) | self.broken(look) | self._fallen(moment.state.T_world_base)).astype(float),
        }

    def _fallen(self, T_world_base: Transform) -> np.ndarray:
        """(n,) whether the robot has fallen, of bases (n,); only one on its own feet can."""
        if self.model.base_mode != "wbc":
            return np.zeros(len(T_world_base.position_m), bool)
        return fallen(T_world_base, self.station.T_world_base)

    def switches(self, signals: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """What the hands hold of cloth."""
        return None if self.cloth is None else self.cloth.switches(signals[HELD])

    def reward(self, signals: Mapping[str, np.ndarray]) -> Array:
        """What progress was made in this period; 1 in all over an episode that succeeds."""
        return np.nan_to_num(signals["gain"])

    def lost(self, signals: Mapping[str, np.ndarray]) -> np.ndarray:
        """Something fell to the floor, or broke, or the robot itself fell."""
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
        if self.model.base_mode == "wbc":
            base = Transform(signals["base_position_m"], signals["base_wxyz"])
            numbers["fallen"], limits["fallen"] = float(self._fallen(base).any()), 0.5
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
        if verdict_safety.get("fallen", 0.0) > 0:
            return f"{said}: the robot fell"
        if verdict_safety.get("lost", 0.0) > 0:
            sunk = signals["thing_position_m"][-1, :, 2] - signals["thing_position_m"][0, :, 2]
            return f"{said}: {self.listing.things[int(sunk.argmin())]} fell, or something broke"
        return f"{said} before the time was over"
