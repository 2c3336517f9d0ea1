"""Chores as Gymnasium environments: one at a time, or many on a batch of simulations. Both are the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envs.chores.base import Chore
from envs.chores.follow import RULES, Follow, FollowRules
from envs.disturbance import MILD, Disturbance
from envs.episodes import Episode, Episodes, Outcome
from envs.household.chore import Household
from envs.household.eyes import Eyes
from envs.model import BaseMode
from envs.plants import Plant, find_plant
from envs.reference import Motions, Unsolved
from motion.demonstration import Demonstration
from motion.transform import Array
from robots import load_robot
from robots.robot import Robot

Observation = dict[str, np.ndarray]
IMAGE_SIZE = (320, 240)
"""Width and height of observed pictures, pixels, where nothing else is wanted."""
_SEED_LIMIT = 2**31
_SHOWN, _SHOWN_SIZE = "shelf", (640, 480)


class ChoreEnv(gymnasium.Env[Observation, np.ndarray]):
    """One episode at a time.

    `reset(seed=...)` begins the episode of that seed; `options={"variant": name, "plant": name}` chooses both, which
    are otherwise the ones given here. The episode's seed is in `info["seed"]`, so that any
    episode can be run again; at its end `info` says success, progress and safety.

    Args:
        chore: the chore.
        plant: name, data or Plant.
        disturbance: what upsets every episode.
        render_mode: "rgb_array" draws the robot with `render`, and the scene of a chore with things.
        variant: of the chore; its first where it is left out.
        cameras: whose pictures are observed, too, as "image_head", "image_shelf", ... (height, width, 3); see
            `envs.household.viewpoints`.
        image_size: width and height of those, pixels.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 50}  # noqa: RUF012 (as Gymnasium declares it)

    def __init__(
        self,
        chore: Chore,
        plant: str | Plant | Mapping[str, Any] = "nominal",
        disturbance: Disturbance = MILD,
        render_mode: str | None = None,
        variant: str | None = None,
        cameras: Sequence[str] = (),
        image_size: tuple[int, int] = IMAGE_SIZE,
    ) -> None:
        self.chore, self.plant, self.render_mode = chore, find_plant(plant), render_mode
        self.variant = chore.variants[int(chore.variant_index([variant])[0])] if variant else chore.variants[0]
        self.episodes = Episodes(chore, 1, 1, disturbance)
        self.eyes = Eyes(chore, cameras, image_size)
        self.observation_space: spaces.Space[Any] = self.eyes.space(chore.observation_space)
        self.action_space: spaces.Space[Any] = chore.action_space
        self._renderer: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode; see the class."""
        super().reset(seed=seed)
        own_seed = int(seed) if seed is not None else int(self.np_random.integers(_SEED_LIMIT))
        asked = options or {}
        episode = Episode(asked.get("variant", self.variant), find_plant(asked.get("plant", self.plant)), own_seed)
        observation = self.episodes.reset([0], [episode])
        return self._seen(observation), _info(episode, self.chore)

    def step(self, action: np.ndarray) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One control period with joint-position targets (J,), rad."""
        outcome = self.episodes.step([0], np.asarray(action, float)[None])
        terminated, truncated = bool(outcome.terminated[0]), bool(outcome.truncated[0])
        episode = self.episodes.episodes[0]
        assert episode is not None
        info = _info(episode, self.chore)
        if terminated or truncated:
            info |= _verdict_info(self.episodes, 0)
        return self._seen(outcome.observation), float(outcome.reward[0]), terminated, truncated, info

    def _seen(self, observation: Observation) -> Observation:
        return _row({**observation, **self.eyes.see(self.episodes, [0])}, 0)

    def demonstration(self, actor: str) -> Demonstration:
        """The episode so far."""
        return self.episodes.demonstration(0, actor)

    def render(self) -> Any:
        """A picture (480, 640, 3), uint8, of robot and scene as they are now; None unless made with "rgb_array"."""
        if self.render_mode != "rgb_array":
            return None
        if isinstance(self.chore, Household):
            self._renderer = self._renderer or Eyes(self.chore, (_SHOWN,), _SHOWN_SIZE)
            return self._renderer.pictures(self.episodes, 0)[_SHOWN]
        from envs.render import RobotRenderer

        self._renderer = self._renderer or RobotRenderer(self.chore.model.robot, *_SHOWN_SIZE)
        state = self.episodes.state(0)
        return self._renderer.draw(state.joint_position_rad[0], state.T_world_base[0])

    def close(self) -> None:
        """Give the renderers back."""
        self.eyes.close()
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


class ChoreVectorEnv(VectorEnv[Observation, np.ndarray, np.ndarray]):
    """Many episodes at once on `mujoco.batch`; finished ones begin anew at the next step (Gymnasium's NEXT_STEP).

    `reset(seed=s)` gives slot i the seed s + i, as Gymnasium does. The following episodes of a slot take variants and
    plants in turn and seeds s + i + k * num_envs.

    Args:
        chore: the chore.
        num_envs: how many.
        plants: one plant for all, or one per slot in turn.
        threads: of the CPU; 0 takes all.
        disturbance: what upsets every episode.
        variants: taken in turn; all of the chore's where they are left out.
        cameras, image_size: as for `ChoreEnv`. Pictures are drawn one after the other, on one processor.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012 (as Gymnasium declares it)

    def __init__(
        self,
        chore: Chore,
        num_envs: int,
        plants: str | Plant | Sequence[str | Plant] = "nominal",
        threads: int = 0,
        disturbance: Disturbance = MILD,
        variants: Sequence[str] | None = None,
        cameras: Sequence[str] = (),
        image_size: tuple[int, int] = IMAGE_SIZE,
    ) -> None:
        self.chore, self.num_envs = chore, num_envs
        self.variants = tuple(variants or chore.variants)
        chore.variant_index(self.variants)
        listed = [plants] if isinstance(plants, str | Plant) else list(plants)
        self.plants = tuple(find_plant(plant) for plant in listed)
        self.episodes = Episodes(chore, num_envs, threads, disturbance)
        self.eyes = Eyes(chore, cameras, image_size)
        self.single_observation_space, self.single_action_space = self.eyes.space(chore.observation_space), chore.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space: spaces.Space[Any] = batch_space(self.single_action_space, num_envs)
        self._began = np.zeros(num_envs, int)
        self._over = np.zeros(num_envs, bool)
        self._first_seed = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode in every slot; see the class."""
        super().reset(seed=seed)
        self._first_seed = int(seed) if seed is not None else int(self.np_random.integers(_SEED_LIMIT))
        self._began[:], self._over[:] = 0, False
        asked = options or {}
        episodes = [self._next(slot, asked.get("variant"), asked.get("plant")) for slot in range(self.num_envs)]
        observation = self.episodes.reset(np.arange(self.num_envs), episodes)
        return self._seen(observation), self._infos(np.arange(self.num_envs))

    def _next(self, slot: int, variant: str | None = None, plant: str | Plant | None = None) -> Episode:
        number = slot + int(self._began[slot]) * self.num_envs
        self._began[slot] += 1
        chosen = self.plants[number % len(self.plants)] if plant is None else find_plant(plant)
        return Episode(variant or self.variants[number % len(self.variants)], chosen, self._first_seed + number)

    def step(self, actions: np.ndarray) -> tuple[Observation, Array, np.ndarray, np.ndarray, dict[str, Any]]:
        """One control period with targets (num_envs, J); rewards (num_envs,); slots that were over begin anew instead."""
        wanted = np.asarray(actions, float)
        fresh, going = np.flatnonzero(self._over), np.flatnonzero(~self._over)
        parts: list[tuple[np.ndarray, Observation]] = []
        reward = np.zeros(self.num_envs)
        terminated, truncated = np.zeros(self.num_envs, bool), np.zeros(self.num_envs, bool)
        if len(fresh):
            parts.append((fresh, self.episodes.reset(fresh, [self._next(int(slot)) for slot in fresh])))
        if len(going):
            outcome: Outcome = self.episodes.step(going, wanted[going])
            parts.append((going, outcome.observation))
            reward[going], terminated[going], truncated[going] = outcome.reward, outcome.terminated, outcome.truncated
        self._over = terminated | truncated
        return self._seen(self._merged(parts)), reward, terminated, truncated, self._infos(np.flatnonzero(self._over), ended=True)

    def _seen(self, observation: Observation) -> Observation:
        return {**observation, **self.eyes.see(self.episodes, np.arange(self.num_envs))}

    def close_extras(self, **kwargs: Any) -> None:
        """Give the renderer back."""
        self.eyes.close()

    def _merged(self, parts: Sequence[tuple[np.ndarray, Observation]]) -> Observation:
        if len(parts) == 1:
            return parts[0][1]
        order = np.argsort(np.concatenate([slots for slots, _ in parts]))
        return {name: np.concatenate([part[name] for _, part in parts])[order] for name in parts[0][1]}

    def _infos(self, slots: np.ndarray, ended: bool = False) -> dict[str, Any]:
        infos: dict[str, Any] = {}
        for slot in slots:
            episode = self.episodes.episodes[slot]
            assert episode is not None
            own = _info(episode, self.chore) | (_verdict_info(self.episodes, int(slot)) if ended else {})
            infos = self._add_info(infos, own, int(slot))
        return infos


def _row(observation: Mapping[str, np.ndarray], row: int) -> Observation:
    return {name: values[row] for name, values in observation.items()}


def _info(episode: Episode, chore: Chore) -> dict[str, Any]:
    return {"seed": episode.seed, "variant": episode.variant, "plant": episode.plant.name, "text": chore.text(episode.variant)}


def _verdict_info(episodes: Episodes, slot: int) -> dict[str, Any]:
    verdict = episodes.verdict(slot)
    return {
        "success": verdict.success,
        "progress": verdict.progress,
        "safety": dict(verdict.safety),
        "violations": list(verdict.violations),
    }


def make_follow(
    robot: str | Robot,
    motion: Motions,
    base: BaseMode = "gantry",
    rules: FollowRules = RULES,
    unsolved: Unsolved = "refuse",
    floor: bool = True,
) -> Follow:
    """The chore `follow` by plain words: robot name or folder, motion or its file; the rest as for `Follow`."""
    return Follow(robot if isinstance(robot, Robot) else load_robot(robot), motion, base, rules, unsolved, floor)


def follow_env(
    robot: str | Robot,
    motion: Motions,
    base: BaseMode = "gantry",
    plant: str | Plant | Mapping[str, Any] = "nominal",
    disturbance: Disturbance = MILD,
    render_mode: str | None = None,
) -> ChoreEnv:
    """What `gymnasium.make("understudy/Follow-v0", robot=..., motion=...)` makes."""
    return ChoreEnv(make_follow(robot, motion, base), plant, disturbance, render_mode)


def follow_vector_env(
    robot: str | Robot,
    motion: Motions,
    num_envs: int = 1,
    base: BaseMode = "gantry",
    plant: str | Plant | Sequence[str | Plant] = "nominal",
    threads: int = 0,
    disturbance: Disturbance = MILD,
) -> ChoreVectorEnv:
    """What `gymnasium.make_vec("understudy/Follow-v0", ...)` makes."""
    return ChoreVectorEnv(make_follow(robot, motion, base), num_envs, plant, threads, disturbance)


def household_env(
    chore: str,
    robot: str | Robot,
    base: BaseMode | None = None,
    variant: str | None = None,
    plant: str | Plant | Mapping[str, Any] = "nominal",
    disturbance: Disturbance = MILD,
    render_mode: str | None = None,
    cameras: Sequence[str] = (),
    image_size: tuple[int, int] = IMAGE_SIZE,
    feed_forward: bool = False,
) -> ChoreEnv:
    """What `gymnasium.make("understudy/PourCup-v0", robot=...)` makes, for any chore with things.

    Args:
        chore: its name.
        robot: name, folder or Robot.
        base: "fixed", "planar", "gantry" or "wbc"; the chore's usual one unless given.
        variant: task and held-out axis, "full@objects"; the chore's first where it is left out.
        plant, disturbance, render_mode, cameras, image_size: as for `ChoreEnv`.
        feed_forward: as for `Household`.
    """
    from envs.chores.registry import make_household

    return ChoreEnv(
        make_household(chore, robot, base, feed_forward=feed_forward), plant, disturbance, render_mode, variant, cameras, image_size
    )


def household_vector_env(
    chore: str,
    robot: str | Robot,
    num_envs: int = 1,
    base: BaseMode | None = None,
    variant: str | None = None,
    plant: str | Plant | Sequence[str | Plant] = "nominal",
    threads: int = 0,
    disturbance: Disturbance = MILD,
    cameras: Sequence[str] = (),
    image_size: tuple[int, int] = IMAGE_SIZE,
    feed_forward: bool = False,
) -> ChoreVectorEnv:
    """What `gymnasium.make_vec("understudy/PourCup-v0", ...)` makes, for any chore with things."""
    from envs.chores.registry import make_household

    made = make_household(chore, robot, base, feed_forward=feed_forward)
    return ChoreVectorEnv(made, num_envs, plant, threads, disturbance, (variant or made.variants[0],), cameras, image_size)
