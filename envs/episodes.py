"""Episodes side by side: one loop for the single environment, the vector environment and the rollouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import mujoco
import numpy as np

from envs.chores.base import Chore, Moment, Setup, Verdict
from envs.disturbance import MILD, STREAMS, Disturbance, action_noise_rad, base_drift, push_nm, shove_n, start_noise_rad, stream
from envs.feed_forward import FeedForward
from envs.plant_draws import PlantDraw, changed_things, draw_episode, nominal_draw, tilted
from envs.plants import MAX_DELAY_S, SENSORS, Plant
from envs.reference import PERIOD_S
from envs.sensors import noisy
from envs.simulation import Drive, Effort, Simulation, State
from motion.demonstration import Demonstration
from motion.errors import ShapeError, require
from motion.provenance import record
from motion.transform import Array

_HISTORY = round(MAX_DELAY_S / PERIOD_S) + 1
_NEVER = np.iinfo(int).max


@dataclass(frozen=True)
class Episode:
    """Which episode: a variant of the chore, in a plant, with a seed.

    `take` tells attempts at the same episode apart, for actors that try several; nothing random depends on it.
    """

    variant: str
    plant: Plant
    seed: int
    take: int = 0


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
        self._simulation = Simulation(chore.model, slots, threads, chore.parts)
        self._joints = len(chore.model.robot.joint_names)
        self._longest = max(chore.steps(variant) for variant in range(len(chore.variants)))
        self._low, self._high = chore.action_space.low, chore.action_space.high
        self.variant, self.step_count = np.zeros(slots, int), np.zeros(slots, int)
        self.episodes: list[Episode | None] = [None] * slots
        self.setups: list[Setup] = [Setup()] * slots
        self._facts: dict[str, np.ndarray] = {}
        self.draws: list[PlantDraw] = [nominal_draw(chore.model)] * slots
        self._later: list[list[tuple[int, PlantDraw]]] = [[] for _ in range(slots)]
        self._changed: list[list[str]] = [[] for _ in range(slots)]
        self._next_change = np.full(slots, _NEVER)
        self._delay, self._steps = np.zeros(slots, int), np.zeros(slots, int)
        self._substeps = np.full(slots, self.draws[0].substeps)
        self._load = np.zeros((slots, self._joints))
        self._deviation = np.zeros((slots, len(SENSORS)))
        self._sensor_streams = [np.random.default_rng()] * slots
        self._space = chore.observation_space
        self._sent = np.zeros((slots, _HISTORY, len(self._low)))
        self._asked = np.zeros((slots, self._joints))
        self._lead = FeedForward(chore.model.robot, chore.model.fixed_pose()) if chore.feed_forward else None
        self._sensors = np.zeros((slots, len(chore.parts.sensors)))
        self._noise, self._push = (np.zeros((slots, self._longest, self._joints)) for _ in range(2))
        self._drift = np.zeros((slots, self._longest, len(self._low) - self._joints))
        self._shove = np.zeros((slots, self._longest, 3)) if chore.model.base_mode == "wbc" else None
        self._diverged = np.zeros(slots, bool)
        self._tracks = self._make_tracks()
        self._actions = np.zeros((slots, self._longest, len(self._low)))

    def _make_tracks(self) -> dict[str, np.ndarray]:
        joints = ("joint_position_rad", "joint_velocity_radps", "actuator_torque_nm")
        own: dict[str, tuple[int, ...]] = dict.fromkeys(joints, (self._joints,))
        own |= {"base_position_m": (3,), "base_wxyz": (4,), "gantry_force_n": ()}
        tracks = {name: np.zeros((self.slots, self._longest, *shape)) for name, shape in own.items()}
        tracks["saturated"] = np.zeros((self.slots, self._longest, self._joints), bool)
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
        self.step_count[ids], self._diverged[ids], self._sensors[ids] = 0, False, 0.0
        noise = np.zeros((len(ids), self._joints))
        for row, (slot, episode) in enumerate(zip(ids, episodes, strict=True)):
            noise[row] = self._prepare(int(slot), episode)
        self._become(ids)
        start = self.chore.start(self.variant[ids], noise, [self.setups[slot] for slot in ids])
        qpos = [tilted(row, self.chore.model, self.draws[slot]) for row, slot in zip(start.qpos, ids, strict=True)]
        self._asked[ids] = start.target_rad
        still = np.zeros((len(ids), len(self._low) - self._joints))
        self._sent[ids] = self._led(ids, np.concatenate([start.target_rad, still], axis=1))[:, None]
        self._simulation.reset(ids, np.stack(qpos), start.qvel, start.target_rad)
        self._settle(ids)
        return self._observe(self._moment(ids), ids)

    def _become(self, ids: np.ndarray) -> None:
        """Write the plants' present numbers into the simulations."""
        own, scenes = [self.draws[slot] for slot in ids], [self.setups[slot].scene for slot in ids]
        self._simulation.set_models(ids, own, [scene for scene in scenes if scene is not None] or None)
        self._load[ids] = [draw.push_nm for draw in own]
        self._deviation[ids] = [draw.sensor_noise for draw in own]

    def _change(self, ids: np.ndarray) -> None:
        """Changes at intervals whose time has come."""
        due = ids[self._next_change[ids] <= self.step_count[ids]]
        for slot in due:
            while self._later[slot] and self._later[slot][0][0] <= self.step_count[slot]:
                self.draws[slot] = self._later[slot].pop(0)[1]
            self._next_change[slot] = self._later[slot][0][0] if self._later[slot] else _NEVER
        if len(due):
            self._become(due)

    def _settle(self, ids: np.ndarray) -> None:
        """Let things come to rest while the robot holds still; part of how an episode begins, not of it."""
        for _ in range(round(self.chore.settle_s / PERIOD_S)):
            still = np.zeros((len(ids), self._joints))
            gantry = self.chore.gantry(self.variant[ids], np.zeros(len(ids), int))
            self._advance(ids, still, gantry)

    def _prepare(self, slot: int, episode: Episode) -> Array:
        """Draw all that is random in an episode; the noise (J,) at its start."""
        chore, robot = self.chore, self.chore.model.robot
        steps, task = chore.steps(int(self.variant[slot])), f"{chore.name}/{episode.variant}"
        random = {purpose: stream(purpose, episode.seed, task) for purpose in STREAMS}
        own, later = draw_episode(episode.plant, chore.model, random["plant"], random["interval"], steps * PERIOD_S)
        self.episodes[slot], self.draws[slot], self._sensor_streams[slot] = episode, own, random["sensor"]
        self._later[slot] = [(int(np.ceil(time_s / PERIOD_S - 1e-9)), then) for time_s, then in later]
        self._next_change[slot] = self._later[slot][0][0] if later else _NEVER
        self._changed[slot] = changed_things(chore.model, [own, *(then for _, then in later)])
        self.setups[slot] = chore.setup(int(self.variant[slot]), episode.seed, tuple(sorted(own.thing_size.items())))
        for name, value in self.setups[slot].facts.items():
            if name not in self._facts:
                self._facts[name] = np.zeros((self.slots, *np.shape(value)))
            self._facts[name][slot] = value
        self._delay[slot], self._substeps[slot], self._steps[slot] = own.delay_steps, own.substeps, steps
        self._noise[slot, :steps] = action_noise_rad(self.disturbance, robot, steps, random["action"])
        if self._drift.shape[-1]:
            self._drift[slot, :steps] = base_drift(self.disturbance, steps, random["drift"])
        self._push[slot, :steps] = push_nm(self.disturbance, robot, steps, random["push"])
        if self._shove is not None:
            self._shove[slot, :steps] = shove_n(self.disturbance, steps, random["shove"])
        return start_noise_rad(self.disturbance, robot, random["start"])

    def _moment(self, ids: np.ndarray) -> Moment:
        step = self.step_count[ids]
        facts = {name: values[ids] for name, values in self._facts.items()}
        return Moment(self.variant[ids], step, self._simulation.state(ids), self._sent[ids, 0], self._sensors[ids], facts, {})

    def _before(self, ids: np.ndarray, step: np.ndarray) -> dict[str, np.ndarray]:
        """What was measured in the period before `step`; zeros before the first."""
        first = step == 0
        before = {name: self._tracks[name][ids, step - 1] for name in (*self.chore.measured, *self.chore.judged)}
        for values in before.values() if first.any() else ():
            values[first] = 0.0
        return before

    def _observe(self, moment: Moment, ids: np.ndarray) -> dict[str, np.ndarray]:
        clean = self.chore.observe(moment)
        observation = noisy(clean, self._deviation[ids], [self._sensor_streams[slot] for slot in ids], self._space)
        running = self.step_count[ids] < self._steps[ids]
        at = ids[running], self.step_count[ids][running]
        for name, values in observation.items():
            if name not in self.chore.recalled:
                self._tracks[f"seen/{name}"][at] = values[running]
        return observation

    def step(self, slots: Sequence[int] | np.ndarray, actions_rad: Array) -> Outcome:
        """One control period of the episodes in the slots (ascending), with wanted targets (n, A).

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
        noisy = actions.copy()
        noisy[:, : self._joints] += self._noise[ids, step]
        noisy[:, self._joints :] += self._drift[ids, step] * np.linalg.norm(noisy[:, self._joints : self._joints + 2], axis=1)[:, None]
        self._sent[ids, 0] = np.clip(self._led(ids, noisy), self._low, self._high)
        self._change(ids)
        effort = self._advance(ids, self._push[ids, step], self.chore.gantry(self.variant[ids], step), self._shoves(ids, step))
        self._sensors[ids] = effort.sensors
        self.step_count[ids] = step + 1
        return self._outcome(ids, step, effort)

    def _led(self, ids: np.ndarray, asked: Array) -> Array:
        """Actions (n, A) with what the chore's feed-forward adds to them."""
        if self._lead is None:
            return asked
        joints, before = asked[:, : self._joints].copy(), self._asked[ids]
        self._asked[ids] = joints
        return np.concatenate([self._lead.targets(joints, before), asked[:, self._joints :]], axis=1)

    def _shoves(self, ids: np.ndarray, step: np.ndarray) -> Array | None:
        return None if self._shove is None else self._shove[ids, step]

    def _advance(self, ids: np.ndarray, push_nm: Array, gantry: Array | None, shove: Array | None = None) -> Effort:
        """One control period of physics; slots whose physics take steps of the same length run together."""
        substeps = self._substeps[ids]
        groups = [np.flatnonzero(substeps == count) for count in np.unique(substeps)]
        efforts = []
        for rows in groups:
            some, count = ids[rows], int(substeps[rows[0]])
            aim = None if gantry is None else gantry[rows][:, (np.arange(count) * gantry.shape[1]) // count]
            shoved = None if shove is None else shove[rows]
            drive = Drive(self._arriving(some, count), push_nm[rows] + self._load[some], aim, self._base_speed(some), shoved)
            efforts.append(self._simulation.advance(some, drive))
        return efforts[0] if len(groups) == 1 else Effort.joined(efforts, groups)

    def _arriving(self, ids: np.ndarray, substeps: int) -> Array:
        """Targets (n, S, J) as they reach the motors: what was sent `delay` physics steps ago."""
        age = -((np.arange(substeps)[None] - self._delay[ids][:, None]) // substeps)
        return self._sent[ids[:, None], np.minimum(age, _HISTORY - 1)][..., : self._joints]

    def _base_speed(self, ids: np.ndarray) -> Array | None:
        """Velocities (n, 3) of a planar base in the world, as of the newest action whose delay is over; None for others."""
        if self.chore.model.base_mode != "planar":
            return None
        age = np.minimum(-(-self._delay[ids] // self._substeps[ids]), _HISTORY - 1)
        ahead, left, turn = self._sent[ids, age][:, self._joints :].T
        wxyz = self._simulation.state(ids).T_world_base.wxyz
        yaw = 2 * np.arctan2(wxyz[:, 3], wxyz[:, 0])
        return np.stack([np.cos(yaw) * ahead - np.sin(yaw) * left, np.sin(yaw) * ahead + np.cos(yaw) * left, turn], axis=1)

    def _outcome(self, ids: np.ndarray, step: np.ndarray, effort: Effort) -> Outcome:
        moment = replace(self._moment(ids), before=self._before(ids, step))
        signals = self._signals(moment, effort)
        for name, values in signals.items():
            self._tracks[name][ids, step] = values
        self._diverged[ids] |= effort.diverged
        on = self.chore.switches(signals)
        if on is not None:
            self._simulation.switch(ids, on)
        won = self.chore.won(signals)
        return Outcome(
            observation=self._observe(moment, ids),
            reward=self.chore.reward(signals),
            terminated=self.chore.lost(signals) | effort.diverged | (won if won is not None else False),
            truncated=self.step_count[ids] >= self._steps[ids],
        )

    def _signals(self, moment: Moment, effort: Effort) -> dict[str, np.ndarray]:
        state = moment.state
        return {
            "joint_position_rad": state.joint_position_rad,
            "joint_velocity_radps": state.joint_velocity_radps,
            "actuator_torque_nm": effort.torque_nm,
            "base_position_m": state.T_world_base.position_m,
            "base_wxyz": state.T_world_base.wxyz,
            "gantry_force_n": effort.gantry_force_n,
            "saturated": effort.saturated,
            "self_contact": effort.self_contact,
            **self.chore.measure(moment),
        }

    def model_of(self, slot: int) -> mujoco.MjModel:
        """The model that a slot runs on: its scene, in its plant."""
        return self._simulation.model_of(slot)

    def state(self, slot: int) -> State:
        """Where the robot of a slot is, as a batch of one."""
        return self._simulation.state(np.array([slot]))

    def verdict(self, slot: int) -> Verdict:
        """How the episode in a slot has gone so far."""
        steps = int(self.step_count[slot])
        signals = {name: track[slot, :steps] for name, track in self._tracks.items() if not name.startswith("seen/")}
        return self.chore.judge(int(self.variant[slot]), signals, bool(self._diverged[slot]), self.setups[slot].facts)

    def demonstration(self, slot: int, actor: str) -> Demonstration:
        """The episode in a slot, as it was: what was seen, wanted, measured and judged."""
        episode, chore, variant = self.episodes[slot], self.chore, int(self.variant[slot])
        assert episode is not None
        steps, verdict = int(self.step_count[slot]), self.verdict(slot)
        scene = chore.facts_of_scene(variant, episode.seed)
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
            joint_names=chore.action_names,
            observations={**seen, **chore.recall(variant, steps)},
            actions=self._actions[slot, :steps].copy(),
            signals=signals,
            success=verdict.success,
            progress=verdict.progress,
            safety=verdict.safety,
            violations=verdict.violations,
            scene={**scene, "changed": self._changed[slot]} if scene else {},
            provenance=record(
                f"{actor} in {chore.name}, {episode.variant}, simulated in MuJoCo",
                "envs",
                parents=chore.parents(variant),
                config={"base": chore.model.base_mode, "plant": episode.plant.name, "disturbance": vars(self.disturbance)},
            ),
        )
