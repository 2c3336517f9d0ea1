"""The same episode, bit for bit, whatever runs beside it; and breakdowns that are not hidden."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from envs.actors import ExpertActor
from envs.chore_env import ChoreEnv, ChoreVectorEnv
from envs.chores.follow import Follow
from envs.disturbance import TURNS_OVER_M, Disturbance, action_noise_rad, base_drift, push_nm, start_noise_rad, stream
from envs.episodes import Episode, Episodes
from envs.plants import PLANTS, Change, Plant
from envs.rollout import rollout
from motion.demonstration import Demonstration
from motion.errors import ShapeError
from robots.robot import Robot

ROUGH = Disturbance(start_noise_rad=0.03, action_noise_rad=0.02, pushes_per_s=3.0)
TASKS = [("swing", "varied", 3), ("short", "slow_link", 9), ("short", "varied", 3), ("swing", "weak_motors", 4)]


def episodes(count: int) -> list[Episode]:
    return [
        Episode(variant, PLANTS[plant], seed + index // len(TASKS)) for index in range(count) for variant, plant, seed in [TASKS[index % 4]]
    ]


def assert_same(a: Demonstration, b: Demonstration) -> None:
    np.testing.assert_array_equal(a.actions, b.actions)
    for left, right in ((a.observations, b.observations), (a.signals, b.signals)):
        assert left.keys() == right.keys()
        for name in left:
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    assert (a.success, a.progress, a.safety) == (b.success, b.progress, b.safety)


def test_an_episode_is_the_same_beside_any_number_of_others(follow: Follow) -> None:
    wanted = episodes(16)
    together = rollout(follow, ExpertActor(follow), wanted, slots=16, threads=2, disturbance=ROUGH)
    in_pairs = rollout(follow, ExpertActor(follow), wanted[:4], slots=2, threads=1, disturbance=ROUGH)
    for index in range(4):
        alone = rollout(follow, ExpertActor(follow), [wanted[index]], slots=1, threads=1, disturbance=ROUGH)[0]
        assert_same(alone, together[index])
        assert_same(alone, in_pairs[index])


def test_env_and_vector_env_are_one(follow: Follow) -> None:
    """Slot 2 of a vector env with seed 7 runs the episode of seed 9."""
    many = ChoreVectorEnv(follow, 3, ["nominal", "weak_motors", "varied"], threads=2, disturbance=ROUGH)
    alone = ChoreEnv(follow, "varied", ROUGH)
    seen_by_many, infos = many.reset(seed=7, options={"variant": "short"})
    seen, info = alone.reset(seed=9, options={"variant": "short"})
    assert infos["seed"][2] == info["seed"] == 9
    rng = np.random.default_rng(0)
    for _ in range(20):
        action = seen["reference_rad"][0] + 0.05 * rng.standard_normal(29)
        batch = np.tile(action, (3, 1))
        for name in seen:
            np.testing.assert_array_equal(seen_by_many[name][2], seen[name], err_msg=name)
        seen_by_many, rewards, *_ = many.step(batch)
        seen, reward, *_ = alone.step(action)
        assert rewards[2] == reward


def test_seeds_and_variants_draw_different_numbers(g1: Robot) -> None:
    keys: Sequence[tuple[str, int, str]] = [
        ("start", 1, "follow/a"),
        ("start", 2, "follow/a"),
        ("start", 1, "follow/b"),
        ("push", 1, "follow/a"),
    ]
    draws = [stream(*key).random() for key in keys]
    assert len(set(draws)) == 4
    assert draws[0] == stream("start", 1, "follow/a").random()


def test_the_disturbance_is_as_strong_as_it_says(g1: Robot) -> None:
    noisy = Disturbance(action_noise_rad=0.04, action_noise_s=0.2, pushes_per_s=2.0, push_share=0.1)
    noise = action_noise_rad(noisy, g1, 5000, np.random.default_rng(0))
    assert noise.std() == pytest.approx(0.04, rel=0.05)
    memory = (noise[10:] * noise[:-10]).mean() / noise.var()
    assert memory == pytest.approx(np.exp(-1), abs=0.05)  # 10 periods are 0.2 s
    pushes = push_nm(noisy, g1, 5000, np.random.default_rng(0))
    begun = ((pushes != 0).any(1)[1:] & ~(pushes != 0).any(1)[:-1]).sum() / 100
    assert begun == pytest.approx(2.0 * np.exp(-2 * 0.18), rel=0.2)  # pushes of 0.18 s on average hide those that begin within them
    share = (pushes / g1.effort_nm)[pushes != 0]
    assert share.std() == pytest.approx(0.1, rel=0.2)
    assert start_noise_rad(Disturbance(start_noise_rad=0), g1, np.random.default_rng(0)).max() == 0
    with pytest.raises(ShapeError, match="negative"):
        Disturbance(pushes_per_s=-1)


def test_the_action_recorded_is_the_one_wanted(follow: Follow) -> None:
    """DART: the motors get action plus noise; the label stays clean."""
    run = Episodes(follow, 1, disturbance=Disturbance(action_noise_rad=0.05))
    seen = run.reset([0], [Episode("short", PLANTS["nominal"], 0)])
    wanted = [seen["reference_rad"][0, 0] for _ in range(5)]
    carried_out = [run.step([0], action[None]).observation["previous_action_rad"][0] for action in wanted]
    episode = run.demonstration(0, "test")
    np.testing.assert_array_equal(episode.actions, wanted)
    assert np.abs(np.array(carried_out) - wanted).max() > 0.02
    np.testing.assert_array_equal(episode.observations["previous_action_rad"][1:], carried_out[:-1])


def test_a_simulation_that_breaks_down_is_a_failure_without_numbers(
    follow: Follow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gain that no time step of 2 ms can integrate."""
    monkeypatch.chdir(tmp_path)  # MuJoCo writes its log of warnings into the working folder
    mad = Plant("mad", (Change("kd", ranges=(-1e6, -1e6)),))
    run = Episodes(follow, 2)
    seen = run.reset([0, 1], [Episode("short", mad, 0), Episode("short", PLANTS["nominal"], 0)])
    outcome = run.step([0, 1], seen["reference_rad"][:, 0])
    while not outcome.terminated[0]:
        assert not outcome.truncated[0]
        outcome = run.step([0, 1], seen["reference_rad"][:, 0])
    assert not outcome.terminated[1]
    assert outcome.reward[0] == 0
    broken, sound = (run.demonstration(slot, "test") for slot in (0, 1))
    assert not broken.success
    assert not np.isfinite(broken.signals["joint_position_rad"]).all()
    assert all(np.isfinite(value) for value in broken.safety.values())
    assert np.isfinite(sound.signals["joint_position_rad"]).all()


@pytest.mark.parametrize(("action", "message"), [(np.zeros((1, 3)), r"\(1, 29\) was wanted"), (np.full((1, 29), np.nan), "not finite")])
def test_actions_that_make_no_sense_are_refused(follow: Follow, action: np.ndarray, message: str) -> None:
    run = Episodes(follow, 1)
    run.reset([0], [Episode("short", PLANTS["nominal"], 0)])
    with pytest.raises(ShapeError, match=message):
        run.step([0], action)


def test_a_base_drifts_as_it_goes_and_stays_where_it_stands() -> None:
    drifting = Disturbance(base_drift=0.5, base_drift_s=1.0)
    drift = base_drift(drifting, 20_000, np.random.default_rng(0))
    assert not drift[:, 0].any()
    np.testing.assert_allclose(drift[:, 1:].std(axis=0), [0.5, 0.5 / TURNS_OVER_M], rtol=0.15)
    assert not base_drift(Disturbance(), 10, np.random.default_rng(0)).any()
