"""What actors are asked for: in the chore's words, in others, and in those of other chores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from envs.chores.registry import household_chores, make_household
from envs.episodes import Episode
from envs.household.asked import of_another, rephrased, told, usual
from envs.household.chore import Household
from envs.plants import PLANTS
from envs.rollout import rollout
from motion.errors import UnderstudyError
from motion.words import text_features
from tests.envs.household.small_chore import SmallChore

NOMINAL = PLANTS["nominal"]


@pytest.fixture(scope="module")
def appliance() -> Household:
    return make_household("operate_appliance", "g1_dex3")


@pytest.mark.parametrize("name", sorted(household_chores()))
def test_every_task_is_said_in_other_words(name: str) -> None:
    chore = household_chores()[name]
    assert set(chore.rephrased) == set(chore.tasks)
    said = [text for task in chore.tasks for text in (chore.texts[task], *chore.rephrased[task])]
    assert len(set(said)) == len(said)
    assert all(len(chore.rephrased[task]) >= 3 for task in chore.tasks)
    assert all(text.endswith(".") for text in said)


def test_most_rephrased_sentences_are_nearest_to_their_own_chore() -> None:
    """36 of 42 (docs/appearance.md); one of nine would be by chance."""
    chores = household_chores()
    usual_words = [(name, text_features(text)) for name, chore in chores.items() for text in chore.texts.values()]
    other_words = [(name, text_features(text)) for name, chore in chores.items() for some in chore.rephrased.values() for text in some]
    nearest = [max(usual_words, key=lambda known: float(known[1] @ asked))[0] for _, asked in other_words]
    assert sum(near == name for near, (name, _) in zip(nearest, other_words, strict=True)) >= 0.8 * len(other_words)


def test_an_episode_draws_its_words_from_its_seed(appliance: Household) -> None:
    episodes = [Episode(variant, NOMINAL, seed) for variant in ("door", "knob@objects") for seed in range(20)]
    other, strange = rephrased(appliance), of_another(appliance)
    for episode in episodes:
        task = episode.variant.split("@")[0]
        assert usual(appliance)(episode) == appliance.texts[task]
        assert other(episode) == other(episode)
        assert other(episode) in appliance.rephrased[task]
        assert strange(episode) not in appliance.texts.values()
    assert {other(episode) for episode in episodes[:20]} == set(appliance.rephrased["door"])
    assert len({strange(episode) for episode in episodes}) > 4


class Listening:
    """Holds still, and remembers what it was asked for."""

    name, execute_n = "listening", 10

    def __init__(self) -> None:
        self.asked: list[np.ndarray] = []

    def reset(self, episodes: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """The posture of now."""
        self.asked.append(observation["text"])
        return np.repeat(observation["joint_position_rad"][:, None], 10, axis=1)


def test_actors_are_told_the_words_of_their_episodes(small: SmallChore) -> None:
    said = {1: "Lift the box.", 2: "Raise the carton."}
    episodes = [Episode("full", NOMINAL, seed) for seed in said]
    plain, other = Listening(), Listening()
    (first, _), (_, second) = (
        rollout(small, plain, episodes, threads=1),
        rollout(small, other, episodes, threads=1, words=lambda episode: said[episode.seed]),
    )
    for asked in plain.asked:
        np.testing.assert_array_equal(asked, np.stack([text_features("Lift the box.")] * 2))
    for asked in other.asked:
        np.testing.assert_array_equal(asked, np.stack([text_features(text) for text in said.values()]))
    assert len(plain.asked) > 1
    assert "text" not in first.provenance.config
    assert second.provenance.config["text"] == "Raise the carton."
    assert first.scene["text"] == second.scene["text"] == "Lift the box."
    assert "text" not in first.observations


def test_nobody_is_asked_where_nobody_says_what(small: SmallChore) -> None:
    assert told(lambda episode: "", [Episode("short", NOMINAL, 0)]) == {}
    with pytest.raises(UnderstudyError, match="small_chore: nobody has put task 'full' into other words"):
        rephrased(small)(Episode("full", NOMINAL, 0))
