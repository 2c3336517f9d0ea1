"""What is asked of a suite: what would be ignored is refused, plants can be added, and recordings of trained layouts are left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from held_out import asked
from held_out.performing import Stage
from motion.errors import UnderstudyError
from motion.provenance import Provenance
from policies.data import SHOWN
from understudy import CONF

KNOWN = {"told": Provenance("run", config={SHOWN: {"episodes": {"fragile_glass": {"full": [[0, 4]]}}, "workers": ["worker_000"]}})}


def config_of(*words: str) -> dict[str, Any]:
    """The door's settings."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return dict(OmegaConf.to_container(compose("evaluate", [*words]), resolve=True))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["seeds=7"], "seeds=: without use with suite=; suites have layouts"),
        (["variants=[full]", "slots=4", "goals=here"], "variants=, goals=, slots=: without use"),
        (["+disturbance.pushes_per_s=1"], "disturbance=: without use"),
        (["motions=held_out"], "motions=: without use"),
        (["plant@plants.slow_link=slippery"], r"plants.slow_link: suites have plants of their own; add one by another name"),
    ],
)
def test_what_suites_do_not_use_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(UnderstudyError, match=said):
        asked.refuse_unused(config_of(*words))


def test_every_setting_is_used_or_refused() -> None:
    """A new setting of the door has to be put into one of the two lists."""
    used = "checkpoint suite output first_seed execute_n latency_n blend_n ensemble chores episodes curves suite_version stop worst jobs"
    known = {*used.split(), *asked._ELSEWHERE, "recordings", "notes", "title", "wandb", "defaults", "hydra"}
    assert set(yaml.safe_load((CONF / "evaluate.yaml").read_text())) == known
    asked.refuse_unused(config_of("suite=all", "chore=stir_pot", "notes=[a]", "title=b"))


def stage_of(recordings: Mapping[str, tuple[Path, ...]] | None = None) -> Stage:
    """Without policies."""
    return Stage("g1", None, {}, recordings or {})


def test_a_plant_that_was_added_is_a_condition(tmp_path: Path) -> None:
    (tmp_path / "identified.yaml").write_text("name: identified\naction_delay_s: [0.03, 0.03]\n")
    config = config_of("suite=seen", "episodes=20", f"+plants.real={tmp_path / 'identified.yaml'}")
    asked.refuse_unused(config)
    plan, _ = asked.plan_of(config, stage_of(), {"stir_pot": "full"}, {})
    real = [block for block in plan.blocks if block.condition.part == "plants"]
    assert [block.condition.name for block in real] == ["plants/real"] * 2
    assert (real[0].condition.plant.name, real[0].condition.plant.action_delay_s) == ("identified", (0.03, 0.03))
    assert [block.episodes for block in real] == [block.episodes for block in plan.blocks if block.condition.name == "seen"]
    other, _ = asked.plan_of(config_of("suite=seen", "episodes=20", "plant=slippery"), stage_of(), {"stir_pot": "full"}, {})
    assert [block.condition.name for block in other.blocks][-1] == "plants/slippery"
    assert plan.sha256 != asked.plan_of(config_of("suite=seen", "episodes=20"), stage_of(), {"stir_pot": "full"}, {})[0].sha256


def test_curves_without_curves_are_refused() -> None:
    with pytest.raises(UnderstudyError, match="curves=: suite=heldout has no curves, robustness has; leave it out"):
        asked.plan_of(config_of("suite=heldout", "curves=[dynamics/delay]"), stage_of(), {"stir_pot": "full"}, {})


def given_stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **seeds: int | None) -> Stage:
    """Recordings of worker_007 by name, each of a seed, or of none that it says itself."""
    files = tuple(tmp_path / f"{name}.npz" for name in seeds)
    sources = {}
    for number, (file, seed) in enumerate(zip(files, seeds.values(), strict=True)):
        file.write_bytes(b"film")
        motion = SimpleNamespace(
            subject=SimpleNamespace(pseudonym="worker_007"), provenance=SimpleNamespace(config={} if seed is None else {"seed": seed})
        )
        sources[number] = SimpleNamespace(motion=motion, variant="full", seed=number if seed is None else seed, name=file.stem)
    monkeypatch.setattr(Stage, "prompts", lambda self, name: SimpleNamespace(sources=sources, dropped={}))
    return stage_of({"fragile_glass": files})


def test_a_new_worker_in_a_trained_layout_is_no_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = given_stage(monkeypatch, tmp_path, old=3, new=5, numbered=None)
    plan, left_out = asked.plan_of(config_of("suite=all"), stage, {"fragile_glass": "full"}, KNOWN)
    assert list(plan.given) == ["fragile_glass/new", "fragile_glass/numbered"]
    assert {block.condition.part for block in plan.blocks} == {"heldout_workers", "safety"}
    assert "old: told was trained on its layout (full, seed 3)" in left_out
    assert "robustness: policies that are given recordings have no curves" in left_out


def test_recordings_of_which_none_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = given_stage(monkeypatch, tmp_path, old=3)
    with pytest.raises(UnderstudyError, match="none of the recordings can be scored in suite all: old: told was trained on"):
        asked.plan_of(config_of("suite=all"), stage, {"fragile_glass": "full"}, KNOWN)
    with pytest.raises(UnderstudyError, match="first_seed=: policies that are given recordings"):
        asked.plan_of(config_of("suite=all", "first_seed=7"), stage, {"fragile_glass": "full"}, KNOWN)
