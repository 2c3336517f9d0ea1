"""Episodes side by side: one loop for the single environment, the vector environment and the rollouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.chores.base import Chore, Moment, Verdict
from envs.disturbance import MILD, Disturbance, action_noise_rad, push_nm, start_noise_rad, stream
from envs.plants import MAX_DELAY_S, Plant, PlantDraw, draw, nominal_draw
from envs.reference import PERIOD_S, SUBSTEPS
from envs.simulation import Drive, Effort, Simulation, State
from motion.demonstration import Demonstration
from motion.errors import ShapeError, require
from motion.provenance import record
from motion.transform import Array

_HISTORY = round(MAX_DELAY_S / PERIOD_S) + 1
_SATURATED = 0.999


@dataclass(frozen=True)
class Episode:
    """Which episode: a variant of the chore, in a plant, with a seed."""

    variant: str
    plant: Plant
    seed: int


@dataclass(frozen=True)
class Outcome:
    """After one control period of n episodes: each (n,), observations (n, ...)."""

    observation: dict[str, np.ndarray]
    reward: Array
    terminated: np.ndarray
    truncated: np.ndarray


class Episodes:
    """Up to `slots` episodes of one chore at once. An episode does not depend on what runs in the other slots.

    Actions are held for a control period, as the motor controllers of real robots do between two messages, and reach
    the motors after the plant's delay; until the first one arrives the motors hold the posture of the start.

    Args:
        chore: the chore.
        slots: how many at once.
        threads: of the CPU for the physics; 0 takes all.
        disturbance: what upsets every episode.
    """

    def __init__(self, chore: Chore, slots: int, threads: int = 1, disturbance: Disturbance = MILD) -> None:
        self.chore, self.slots, self.disturbance = chore, slots, disturbance
        self._simulation = Simulation(chore.model, slots, threads)
        joints = len(chore.model.robot.joint_names)
        self._longest = max(chore.steps(variant) for variant in range(len(chore.variants)))
        self._low, self._high = chore.action_space.low, chore.action_space.high
        self.variant, self.step_count = np.zeros(slots, int), np.zeros(slots, int)
        self.episodes: list[Episode | None] = [None] * slots
        nominal = nominal_draw(chore.model)
        self.draws: list[PlantDraw] = [nominal] * slots
        self._effort_limit = np.tile(nominal.effort_nm, (slots, 1))
        self._delay, self._steps = np.zeros(slots, int), np.zeros(slots, int)
        self._sent = np.zeros((slots, _HISTORY, joints))
        self._noise, self._push = np.zeros((slots, self._longest, joints)), np.zeros((slots, self._longest, joints))
        self._diverged = np.zeros(slots, bool)
        self._tracks = self._make_tracks(joints)
        self._actions = np.zeros((slots, self._longest, joints))

    def _make_tracks(self, joints: int) -> dict[str, np.ndarray]:
        own: dict[str, tuple[int, ...]] = dict.fromkeys(("joint_position_rad", "joint_velocity_radps", "actuator_torque_nm"), (joints,))
        own |= {"base_position_m": (3,), "base_wxyz": (4,), "gantry_force_n": ()}
        tracks = {name: np.zeros((self.slots, self._longest, *shape)) for name, shape in own.items()}
        tracks["saturated"] = np.zeros((self.slots, self._longest, joints), bool)
        tracks["self_contact"] = np.zeros((self.slots, self._longest), bool)
        for name, shape in {**self.chore.measured, **self.chore.judged}.items():
            tracks[name] = np.zeros((self.slots, self._longest, *shape))
        for name, space in self.chore.observation_space.items():
            if name not in self.chore.recalled:
                tracks[f"seen/{name}"] = np.zeros((self.slots, self._longest, *(space.shape or ())))
        return tracks

    def reset(self, slots: Sequence[int] | np.ndarray, episodes: Sequence[Episode]) -> dict[str, np.ndarray]:
        """Begin an episode in each of the slots (ascending); the first observations (n, ...)."""
        ids = np.asarray(slots, int)
        self.variant[ids] = self.chore.variant_index([episode.variant for episode in episodes])
        self.step_count[ids], self._diverged[ids] = 0, False
        noise = np.zeros((len(ids), len(self._low)))
        for row, (slot, episode) in enumerate(zip(ids, episodes, strict=True)):
            noise[row] = self._prepare(int(slot), episode)
        self._simulation.set_plants(ids, [self.draws[slot] for slot in ids])
        start = self.chore.start(self.variant[ids], noise)
        self._sent[ids] = start.target_rad[:, None]
        self._simulation.reset(ids, start.qpos, start.qvel, start.target_rad)
        return self._observe(ids)

    def _prepare(self, slot: int, episode: Episode) -> Array:
        """Draw all that is random in an episode; the noise (J,) at its start."""
        chore, robot = self.chore, self.chore.model.robot
        steps, task = chore.steps(int(self.variant[slot])), f"{chore.name}/{episode.variant}"
        random = {purpose: stream(purpose, episode.seed, task) for purpose in ("plant", "start", "push", "action")}
        own = draw(episode.plant, chore.model, random["plant"])
        self.episodes[slot], self.draws[slot] = episode, own
        self._delay[slot], self._steps[slot], self._effort_limit[slot] = own.delay_steps, steps, own.effort_nm
        self._noise[slot, :steps] = action_noise_rad(self.disturbance, robot, steps, random["action"])
        self._push[slot, :steps] = push_nm(self.disturbance, robot, steps, random["push"])
        return start_noise_rad(self.disturbance, robot, random["start"])

    def _moment(self, ids: np.ndarray) -> Moment:
        return Moment(self.variant[ids], self.step_count[ids], self._simulation.state(ids), self._sent[ids, 0])

    def _observe(self, ids: np.ndarray) -> dict[str, np.ndarray]:
        observation = self.chore.observe(self._moment(ids))
        running = self.step_count[ids] < self._steps[ids]
        at = ids[running], self.step_count[ids][running]
        for name, values in observation.items():
            if name not in self.chore.recalled:
                self._tracks[f"seen/{name}"][at] = values[running]
        return observation

    def step(self, slots: Sequence[int] | np.ndarray, actions_rad: Array) -> Outcome:
        """One control period of the episodes in the slots (ascending), with wanted targets (n, J).

        Raises:
            ShapeError: actions of another shape, or not finite.
        """
        ids, actions = np.asarray(slots, int), np.asarray(actions_rad, float)
        wanted = (len(ids), len(self._low))
        require(actions.shape == wanted, ShapeError, f"actions are {actions.shape}; {wanted} was wanted.")
        require(bool(np.isfinite(actions).all()), ShapeError, "an action is not finite; targets are joint positions in rad.")
        step = self.step_count[ids]
        self._actions[ids, step] = actions
        self._sent[ids, 1:] = self._sent[ids, :-1]
        self._sent[ids, 0] = np.clip(actions + self._noise[ids, step], self._low, self._high)
        gantry = self.chore.gantry(self.variant[ids], step)
        effort = self._simulation.advance(ids, Drive(self._arriving(ids), self._push[ids, step], gantry))
        self.step_count[ids] = step + 1
        return self._outcome(ids, step, effort)

    def _arriving(self, ids: np.ndarray) -> Array:
        """Targets (n, S, J) as they reach the motors: what was sent `delay` physics steps ago."""
        age = -((np.arange(SUBSTEPS)[None] - self._delay[ids][:, None]) // SUBSTEPS)
        return self._sent[ids[:, None], np.minimum(age, _HISTORY - 1)]

    def _outcome(self, ids: np.ndarray, step: np.ndarray, effort: Effort) -> Outcome:
        moment = self._moment(ids)
        signals = self._signals(ids, moment, effort)
        for name, values in signals.items():
            self._tracks[name][ids, step] = values
        self._diverged[ids] |= effort.diverged
        ended = self.step_count[ids] >= self._steps[ids]
        return Outcome(
            observation=self._observe(ids),
            reward=self.chore.reward(signals),
            terminated=(self.chore.lost(signals) | effort.diverged),
            truncated=ended,
        )

    def _signals(self, ids: np.ndarray, moment: Moment, effort: Effort) -> dict[str, np.ndarray]:
        limit = _SATURATED * self._effort_limit[ids][:, None]
        state = moment.state
        return {
            "joint_position_rad": state.joint_position_rad,
            "joint_velocity_radps": state.joint_velocity_radps,
            "actuator_torque_nm": effort.torque_nm[:, -1],
            "base_position_m": state.T_world_base.position_m,
            "base_wxyz": state.T_world_base.wxyz,
            "gantry_force_n": effort.gantry_force_n.mean(1),
            "saturated": (np.abs(effort.torque_nm) >= limit).any(1),
            "self_contact": (effort.self_contacts > 0).any(1),
            **self.chore.measure(moment),
        }

    def state(self, slot: int) -> State:
        """Where the robot of a slot is, as a batch of one."""
        return self._simulation.state(np.array([slot]))

    def verdict(self, slot: int) -> Verdict:
        """How the episode in a slot has gone so far."""
        steps = int(self.step_count[slot])
        signals = {name: track[slot, :steps] for name, track in self._tracks.items() if not name.startswith("seen/")}
        return self.chore.judge(int(self.variant[slot]), signals, bool(self._diverged[slot]))

    def demonstration(self, slot: int, actor: str) -> Demonstration:
        """The episode in a slot, as it was: what was seen, wanted, measured and judged."""
        episode, chore, variant = self.episodes[slot], self.chore, int(self.variant[slot])
        assert episode is not None
        steps, verdict = int(self.step_count[slot]), self.verdict(slot)
        hidden = {*chore.judged, "self_contact"}
        signals = {n: t[slot, :steps].copy() for n, t in self._tracks.items() if n not in hidden and not n.startswith("seen/")}
        seen = {n.removeprefix("seen/"): t[slot, :steps].copy() for n, t in self._tracks.items() if n.startswith("seen/")}
        return Demonstration(
            robot=chore.model.robot.name,
            chore=chore.name,
            variant=episode.variant,
            plant=episode.plant.name,
            actor=actor,
            seed=episode.seed,
            period_s=chore.period_s,
            joint_names=chore.model.robot.joint_names,
            observations={**seen, **chore.recall(variant, steps)},
            actions=self._actions[slot, :steps].copy(),
            signals=signals,
            success=verdict.success,
            progress=verdict.progress,
            safety=verdict.safety,
            provenance=record(
                f"{actor} following {episode.variant} in MuJoCo",
                "envs",
                parents=(chore.parent(variant),),
                config={"base": chore.model.base_mode, "plant": episode.plant.name, "disturbance": vars(self.disturbance)},
            ),
        )
