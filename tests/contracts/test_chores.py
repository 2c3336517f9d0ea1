"""What every chore with things has to hold to, whoever wrote it."""

from __future__ import annotations

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.actors import HoldActor
from envs.chore_env import ChoreEnv
from envs.chores.registry import household_chores, make_household
from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.household.chore import Household
from envs.household.observing import CHORE_ORDER
from envs.plants import find_plant
from envs.rollout import rollout
from motion.handling import GRASPS
from workers.handwork.registry import known_scripts

CHORES = tuple(sorted(household_chores()))
ROBOTS = ("g1_dex3", "alex_psyonic", "talos")
DEEPEST_M = 0.002
"""Things that begin deeper than this inside one another would be thrown apart."""


@pytest.fixture(scope="module", params=CHORES)
def chore(request: pytest.FixtureRequest) -> Household:
    return make_household(request.param, "g1_dex3")


def test_gymnasium_accepts_it(chore: Household) -> None:
    with pytest.warns(UserWarning, match="symmetric and normalized"):
        check_env(ChoreEnv(chore), skip_render_check=True)


def test_gymnasium_makes_it_by_name(chore: Household) -> None:
    name = f"understudy/{chore.name.title().replace('_', '')}-v0"
    env = gymnasium.make(name, robot="g1_dex3", disable_env_checker=True)
    observation, info = env.reset(seed=3)
    assert info["seed"] == 3
    assert info["text"] == chore.text("full") == chore.scene("full", 3).text == chore.facts_of_scene(0, 3)["text"]
    assert observation["thing_position_m"].shape == (len(chore.listing.things), 3)
    env.close()


def test_it_has_a_number_words_and_somebody_who_knows_how(chore: Household) -> None:
    assert chore.name in CHORE_ORDER
    said = [chore.text(task) for task in chore.tasks]
    assert all(text.endswith(".") for text in said)
    assert len(set(said)) == len(said), "each task has its own words"
    assert all(chore.text(variant) == chore.text(variant.split("@")[0]) for variant in chore.variants)
    assert chore.name in known_scripts()


def test_every_variant_has_the_same_parts(chore: Household) -> None:
    """Otherwise its episodes could not run side by side; `setup` compiles and compares."""
    for variant in range(len(chore.variants)):
        for seed in range(3):
            scene = chore.setup(variant, seed).scene
            assert scene is not None
            assert scene.nv == chore.model.model.nv


def test_the_same_seed_is_the_same_scene_and_another_one_differs(chore: Household) -> None:
    for variant in chore.variants:
        assert chore.scene(variant, 4) == chore.scene(variant, 4)
        assert chore.scene(variant, 4) != chore.scene(variant, 5)


def test_some_layouts_suit_the_left_hand(chore: Household) -> None:
    sides = [chore.scene(chore.variants[0], seed).side for seed in range(40)]
    assert 2 <= sides.count("left") <= 20


def test_things_begin_beside_one_another(chore: Household) -> None:
    for variant in chore.variants:
        for seed in range(3):
            setup = chore.setup(chore.variants.index(variant), seed)
            model = setup.scene
            assert model is not None
            data = mujoco.MjData(model)
            data.qpos[:] = chore.start(np.zeros(1, int), np.zeros((1, len(chore.robot.rest_rad))), [setup]).qpos[0]
            mujoco.mj_forward(model, data)
            inside = [(c.dist, [model.body(int(model.geom_bodyid[g])).name for g in c.geom]) for c in data.contact if c.dist < -DEEPEST_M]
            things = [names for _, names in inside if any(name.startswith("thing/") for name in names)]
            assert not things, f"{chore.name} {variant} seed {seed}: {things}"


def test_grips_are_of_known_kinds(chore: Household) -> None:
    things = chore.scene(chore.variants[0], 0).things
    grips = [grip for thing in things for grip in thing.grips.values()]
    assert grips or not any(thing.role == "object" for thing in things), "what is handled can be gripped"
    assert all(grip.grasp in GRASPS for grip in grips)


def test_doing_nothing_succeeds_nowhere(chore: Household) -> None:
    """The goal holds for a second; what is not true at first is not true by itself 2 s later either."""
    episodes = Episodes(chore, len(chore.variants), 1)
    ids = np.arange(len(chore.variants))
    episodes.reset(ids, [Episode(variant, find_plant("nominal"), 11) for variant in chore.variants])
    for _ in range(100):
        episodes.step(
            ids, np.tile(np.r_[chore.robot.rest_rad, np.zeros(len(chore.action_names) - len(chore.robot.rest_rad))], (len(ids), 1))
        )
    verdicts = [episodes.verdict(slot) for slot in ids]
    assert [verdict.progress for verdict in verdicts] == [0.0] * len(ids), "what an episode starts with is no progress"
    assert not any(verdict.success for verdict in verdicts)
    assert not any(verdict.violations for verdict in verdicts), [verdict.violations for verdict in verdicts]


def test_doing_nothing_to_the_end_fails() -> None:
    """One chore up to its timeout; the benchmark does all."""
    chore = make_household("fragile_glass", "g1_dex3")
    done = rollout(chore, HoldActor(), [Episode("full", find_plant("nominal"), 0)], 1, 1)[0]
    assert not done.success
    assert len(done.actions) == chore.steps(0)


@pytest.mark.parametrize("robot", ROBOTS[1:])
@pytest.mark.parametrize("name", CHORES)
def test_every_chore_exists_for_other_robots(name: str, robot: str) -> None:
    chore = make_household(name, robot)
    episodes = Episodes(chore, 1, 1)
    observation = episodes.reset([0], [Episode(chore.variants[0], find_plant("nominal"), 0)])
    outcome = episodes.step([0], np.r_[chore.robot.rest_rad, np.zeros(len(chore.action_names) - len(chore.robot.rest_rad))][None])
    assert all(np.isfinite(values).all() for values in (*observation.values(), *outcome.observation.values()))
    assert not episodes.verdict(0).violations


@pytest.mark.parametrize("base", ["planar", "gantry"])
def test_other_bases_hold_still_when_asked_to(base: str) -> None:
    chore = make_household("fragile_glass", "g1_dex3", base)
    episodes = Episodes(chore, 1, 1)
    episodes.reset([0], [Episode("full", find_plant("nominal"), 0)])
    still = np.r_[chore.robot.rest_rad, np.zeros(len(chore.action_names) - len(chore.robot.rest_rad))]
    for _ in range(25):
        outcome = episodes.step([0], still[None])
    assert np.abs(outcome.observation["base_pose"]).max() < 0.01


def test_a_planar_base_goes_where_it_is_told() -> None:
    """0.2 m/s ahead and 0.1 m/s to the left for 1 s."""
    chore = make_household("fragile_glass", "g1_dex3", "planar")
    episodes = Episodes(chore, 1, 1)
    episodes.reset([0], [Episode("full", find_plant("nominal"), 0)])
    action = np.r_[chore.robot.rest_rad, -0.2, 0.1, 0.0][None]
    for _ in range(50):
        outcome = episodes.step([0], action)
    np.testing.assert_allclose(outcome.observation["base_pose"][0], [-0.2, 0.1, 0.0], atol=0.02)


def test_feed_forward_holds_arms_where_they_are_wanted() -> None:
    """Without it an arm sags by its weight over kp; with it, by a tenth of that at most."""
    sag = {}
    for lead in (False, True):
        chore = make_household("fragile_glass", "g1_dex3", feed_forward=lead)
        episodes = Episodes(chore, 1, 1, Disturbance(start_noise_rad=0.0))
        episodes.reset([0], [Episode("full", find_plant("nominal"), 0)])
        for _ in range(100):
            outcome = episodes.step([0], chore.robot.rest_rad[None])
        sag[lead] = np.abs(outcome.observation["joint_position_rad"][0] - chore.robot.rest_rad).max()
    assert sag[False] > 0.02
    assert sag[True] < 0.1 * sag[False]
