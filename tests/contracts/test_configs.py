"""Every config composes and builds, and says the same as the rooms do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from envs.chores.registry import known_chores
from envs.plants import find_plant, known_plants
from policies import find_policy, known_policies, make_config
from retarget.door import settings_from
from retarget.sources.base import sources
from robots import catalogue, load_robot
from train import train_settings
from understudy import CONF, build

DOORS = ("retarget", "read", "workers", "dataset", "envs", "train", "evaluate", "export")


def options(group: str) -> set[str]:
    return {path.stem for path in (CONF / group).glob("*.yaml")}


def composed(door: str, *words: str) -> dict:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.to_container(compose(door, list(words)))  # type: ignore[return-value]


@pytest.mark.parametrize("door", DOORS)
def test_every_door_composes(door: str) -> None:
    assert "output" in composed(door)


def test_groups_offer_exactly_what_exists() -> None:
    assert options("robot") == {*catalogue(), "recorded"}
    assert options("source") == {*sources(), "auto"}
    assert options("plant") == set(known_plants())
    assert options("policy") == set(known_policies())
    assert options("chore") == set(known_chores())


@pytest.mark.parametrize("name", sorted(options("robot") - {"recorded"}))
def test_every_robot_option_loads(name: str) -> None:
    assert load_robot(composed("retarget", f"robot={name}")["robot"]["name"]).name == name


@pytest.mark.parametrize("name", sorted(options("plant")))
def test_every_plant_option_builds(name: str) -> None:
    assert find_plant(composed("envs", f"plant={name}")["plant"]["name"]).name == name


@pytest.mark.parametrize("name", sorted(options("policy")))
def test_every_policy_option_builds(name: str) -> None:
    settings = composed("train", f"policy={name}")["policy"]
    assert make_config(find_policy(settings.pop("name")), settings)


@pytest.mark.parametrize("name", sorted(options("experiment")))
def test_every_recipe_builds_and_may_be_changed(name: str) -> None:
    config = composed("train", f"+experiment={name}", "++train.steps=7")
    settings = train_settings(config)
    assert settings.steps == 7
    assert make_config(find_policy(settings.policy), settings.settings)


def test_every_policy_has_a_recipe() -> None:
    made = {train_settings(composed("train", f"+experiment={name}")).policy for name in options("experiment")}
    assert made == set(known_policies())
    assert train_settings(composed("train", "+experiment=chore_flow", "policy=bc")).policy == "bc"


@pytest.mark.parametrize("name", sorted(options("source")))
def test_every_source_option_builds(name: str) -> None:
    settings = settings_from(composed("retarget", f"source={name}"))
    assert settings.source == (None if name == "auto" else name)


def test_a_config_folder_of_ones_own_adds_options(tmp_path: Path) -> None:
    (tmp_path / "plant").mkdir()
    (tmp_path / "plant" / "mine.yaml").write_text("name: mine\nchanges: [{field: kp, ranges: [0.8, 0.8]}]\n")
    plant = composed("envs", f"hydra.searchpath=[file://{tmp_path}]", "plant=mine")["plant"]
    assert find_plant(plant).changes[0].ranges == (0.8, 0.8)


def test_settings_keep_their_class_defaults_and_refuse_what_they_do_not_have() -> None:
    from motion.errors import UnknownNameError
    from retarget.problem import SolverSettings

    assert build(SolverSettings, {"posture": 0.2}, "solver") == SolverSettings(posture=0.2)
    with pytest.raises(UnknownNameError, match="Did you mean 'posture'"):
        build(SolverSettings, {"postures": 0.2}, "solver")
