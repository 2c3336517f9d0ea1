"""Pictures that actors look at in rollouts, and those that are drawn of a demonstration afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.disturbance import Disturbance
from envs.episodes import Episode
from envs.household.aimed import Aimed
from envs.household.picture import SceneRenderer
from envs.household.see_command import main, write_seen
from envs.household.seen import with_pictures
from envs.plants import PLANTS
from envs.rollout import rollout
from motion.arguments import CommandError
from motion.demonstration import Demonstration
from motion.errors import MotionError, ShapeError
from motion.lerobot import Dataset, write_dataset
from tests.envs.household.small_chore import SmallChore

SIZE = (64, 48)
STILL = Disturbance(start_noise_rad=0.0, action_noise_rad=0.0, pushes_per_s=0.0)
EPISODES = [Episode("full", PLANTS["nominal"], seed) for seed in (1, 2)]


class Looking:
    """Spreads the arms, and remembers what it was shown."""

    name, execute_n = "looking", 4

    def __init__(self, pictures: Mapping[str, tuple[int, ...]] = {"image_head": (SIZE[1], SIZE[0], 3)}) -> None:
        self.pictures, self.seen, self.names = pictures, [], set()

    def reset(self, episodes: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """A little more than now."""
        self.seen.append({name: observation[name] for name in self.pictures})
        self.names |= set(observation)
        return np.repeat(observation["joint_position_rad"][:, None] + 0.05, 4, axis=1)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two pictures, 0..255."""
    return float(np.abs(one.astype(int) - other).mean())


def test_an_actor_is_shown_its_episodes_as_they_are(small: SmallChore) -> None:
    """What it saw is what is drawn of the demonstrations afterwards."""
    actor = Looking()
    done = rollout(small, actor, EPISODES, slots=2, threads=1, disturbance=STILL)
    assert not any(name.startswith("image") for name in done[0].observations)
    with SceneRenderer(small, *SIZE, ("head",)) as renderer:
        drawn = [with_pictures(one, renderer).observations["image_head"] for one in done]
    looks = [seen["image_head"] for seen in actor.seen]
    assert looks[0].shape == (2, SIZE[1], SIZE[0], 3)
    for slot in range(2):
        for number in (1, 3):
            assert apart(looks[number][slot], drawn[slot][4 * number]) < 0.5
            assert apart(looks[number][slot], drawn[slot][0]) > 1.0
    assert apart(looks[0][0], looks[0][1]) > 0.1, "both episodes look the same"


def test_who_does_not_look_is_not_drawn_for(small: SmallChore, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    real = SceneRenderer.picture
    monkeypatch.setattr(SceneRenderer, "picture", lambda self, camera: drawn.append(camera) or real(self, camera))
    actor = Looking({})
    rollout(small, actor, EPISODES[:1], threads=1)
    assert not drawn
    assert not any(name.startswith("image") for name in actor.names)
    rollout(small, seeing := Looking(), EPISODES[:1], threads=1)
    assert len(drawn) == len(seeing.seen), "one picture for each look, none between them"


def test_slow_cameras_hold_their_picture(small: SmallChore, shown: Demonstration) -> None:
    with SceneRenderer(small, *SIZE, ("head", "close")) as renderer:
        whole, slow = (with_pictures(shown, renderer, every).observations for every in (1, 4))
        with pytest.raises(ShapeError, match="every is 0"):
            with_pictures(shown, renderer, 0)
    assert set(slow) - set(shown.observations) == {"image_head", "image_close"}
    assert slow["image_head"].shape == (18, SIZE[1], SIZE[0], 3)
    for step in range(18):
        assert np.array_equal(slow["image_close"][step], whole["image_close"][step // 4 * 4])
    assert apart(whole["image_head"][0], whole["image_head"][17]) > 1.0


def test_what_is_missing_from_a_demonstration_is_said(small: SmallChore, shown: Demonstration) -> None:
    blind = replace(shown, signals={name: track for name, track in shown.signals.items() if name != "bead_position_m"})
    with SceneRenderer(small, *SIZE, ("head",)) as renderer, pytest.raises(ShapeError, match="has 0 of signal 'bead_position_m'.*has 6"):
        with_pictures(blind, renderer)


def test_a_data_set_is_written_again_with_pictures(
    small: SmallChore, shown: Demonstration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envs.household.film.make_household", lambda *_: small)
    write_dataset([shown, replace(shown, seed=4)], tmp_path / "plain", split="train")
    for _ in range(2):  # the second time everything is there already
        assert write_seen(tmp_path / "plain", tmp_path / "seen", ("head",), SIZE, 12.5) == 2
    source, seen = Dataset(tmp_path / "plain"), Dataset(tmp_path / "seen")
    first = seen.episode(0)
    assert first.observations["image_head"].shape == (18, SIZE[1], SIZE[0], 3)
    assert first.observations["image_head"].dtype == np.uint8
    assert np.array_equal(first.actions, source.episode(0).actions)
    assert [seen.row(i)["name"] for i in range(2)] == [source.row(i)["name"] for i in range(2)]
    assert seen.facts(0)["pictures"] == {"cameras": ["head"], "size_px": list(SIZE), "every": 4}


def test_wrong_words_are_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "output=DATASET" in capsys.readouterr().out
    with pytest.raises(CommandError, match="output= is missing"):
        main([str(tmp_path)])
    with pytest.raises(CommandError, match="that is the data set itself"):
        main([str(tmp_path), f"output={tmp_path}"])


def test_goals_are_told_to_the_episode_that_they_are_of(small: SmallChore) -> None:
    class Told(Looking):
        def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
            """Remembers the goals."""
            goals.append(observation["goal_position_m"])
            return super().act(observation)

    goals: list[np.ndarray] = []
    known = {("full", seed): {"goal_position_m": np.full((2, 3), float(seed)), "goal_wxyz": np.zeros((2, 4))} for seed in (1, 2)}
    rollout(small, Aimed(Told({}), known), EPISODES[::-1], slots=2, threads=1)
    assert all(np.array_equal(goal[:, 0, 0], [2.0, 1.0]) for goal in goals)
    with pytest.raises(MotionError, match="no goal for small_chore full, seed 9; there are goals for 2 episodes"):
        rollout(small, Aimed(Told({}), known), [Episode("full", PLANTS["nominal"], 9)], threads=1)
