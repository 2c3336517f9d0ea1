"""What the doors share."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from envs.actors import ExpertLaw
from envs.disturbance import Disturbance
from envs.replay import TEACHING
from motion.errors import FileFormatError, UnderstudyError, UnknownNameError
from policies import TrainConfig, find_policy
from retarget.door import command
from retarget.problem import SolverSettings
from retarget.sources.base import SourceOptions
from train import command as train_command
from understudy import _as_hydra_wants, _defaults, build, check, door, files_of, output_of, path_of, plain

SETTINGS = {"source": SourceOptions, "solver": SolverSettings, "disturbance": TEACHING}


def said(word: str) -> str:
    return _as_hydra_wants([word], SETTINGS, ("plant",))[0]


def test_help_ends_with_every_default(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Hydra leaves the program after its own part of the help; ours has to come all the same."""
    monkeypatch.setattr(sys, "argv", ["retarget", "--help"])
    with pytest.raises(SystemExit):
        command()
    own, _, defaults = capsys.readouterr().out.partition("Defaults:")
    assert "python -m retarget input=clip.bvh" in own
    assert "solver.max_iterations=30" in defaults
    assert "source.rate_hz=null" in defaults


@pytest.mark.parametrize("words", [["policy=act"], ["+experiment=chore_act"]])
def test_help_lists_what_the_chosen_policy_has(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether the command or a recipe chooses it; every line can be typed, and what is refused is not among them."""
    monkeypatch.setattr(sys, "argv", ["train.py", "--help", *words])
    with pytest.raises(SystemExit):
        train_command()
    lines = capsys.readouterr().out.partition("Defaults:")[2].split()
    assert {"policy.latent_n=0", "policy.picture_px=null", "policy.pictures=[]", "train.mirror=false", "train.start="} <= set(lines)
    assert "train.policy=bc" not in lines
    for said in (line for line in lines if "=" in line):
        OverridesParser.create().parse_override(said)


def test_defaults_are_those_of_the_class_or_of_the_instance() -> None:
    assert "d.start_noise_rad=0.05" in _defaults({"d": TEACHING})
    assert "d.start_noise_rad=0.01" in _defaults({"d": type(TEACHING)})
    assert "train.settings" not in _defaults({"train": TrainConfig})


@pytest.mark.parametrize("word", ["chore.bsae=fixed", "wandb.moed=offline", "hydra.verbose=true", "jobs=2", "+a.b=1", "~a.b", "a.b"])
def test_a_key_that_no_class_declares_is_left_to_hydra(word: str) -> None:
    assert said(word) == word


@pytest.mark.parametrize("word", ["solver.posture=0.1", "source.rate_hz=30", "disturbance.push_s=[0.1,0.2]", "plant.changes=[{field: kp}]"])
def test_a_key_of_settings_may_be_new(word: str) -> None:
    assert said(word) == f"++{word}"


@pytest.mark.parametrize(
    "path", ["a,b (1).bvh", "it's.npz", "2024", "1e3", "[1-3]*.npz", "{a}.npz", "C:\\clips\\", "a\\'b", "x=y", "null.npz", "true", "a#b"]
)
def test_paths_arrive_as_they_were_typed(path: str) -> None:
    for key in ("input", "output", "demonstrations", "source.licence"):
        override = OverridesParser.create().parse_override(said(f"{key}={path}"))
        assert override.value() == path
        assert not override.is_sweep_override()


def test_what_is_said_in_hydras_grammar_stays() -> None:
    for word in ("input='a b.bvh'", 'output="x,y"', "demonstrations=[a,b]", "recordings=null", "output=${oc.env:HOME}/x"):
        assert said(word) == word
    assert _as_hydra_wants(["input=a,b", "--multirun"], SETTINGS) == ["input=a,b", "--multirun"]


def test_a_robots_folder_is_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert said("robot=/a b/c") == "robot.name='/a b/c'"
    assert said("robot=~/mine") == "robot.name='/home/me/mine'"
    assert said("robot=g1") == "robot=g1"
    assert said("robot.nam=x") == "robot.nam=x"


@pytest.mark.parametrize(
    ("kind", "key", "value", "wanted"),
    [
        (SolverSettings, "posture", "abc", "here.posture=abc: a number is wanted"),
        (SolverSettings, "max_iterations", 1.5, "a whole number is wanted"),
        (SolverSettings, "max_iterations", True, "here.max_iterations=true: a whole number is wanted"),
        (SolverSettings, "posture", None, "here.posture=null: a number"),
        (ExpertLaw, "privileged", "maybe", "true or false"),
        (SourceOptions, "rate_hz", "fast", "a number or null"),
        (SourceOptions, "licence", 4, "text or null"),
        (Disturbance, "push_s", [0.1, "x"], r"a list \[a number, a number\]"),
        (Disturbance, "push_s", [0.1], r"a list \[a number, a number\]"),
        (find_policy("bc").Config, "width", "wide", "a whole number"),
    ],
)
def test_a_value_of_another_kind_is_one_clear_error(kind: Any, key: str, value: object, wanted: str) -> None:
    with pytest.raises(UnderstudyError, match=wanted):
        build(kind, {key: value}, "here")


@pytest.mark.parametrize("kind", [SolverSettings, SourceOptions, Disturbance, ExpertLaw, TrainConfig, find_policy("bc").Config])
def test_every_default_is_of_the_kind_that_is_declared(kind: Any) -> None:
    values = {field.name: getattr(kind(), field.name) for field in dataclasses.fields(kind)}
    check(kind, values, "here")
    assert build(kind, values, "here") == kind()


def test_a_number_may_be_whole_and_a_list_becomes_a_tuple() -> None:
    assert build(SolverSettings, {"posture": 1}, "solver").posture == 1
    assert build(Disturbance, {"push_s": [0.1, 1]}, "disturbance").push_s == (0.1, 1)
    with pytest.raises(UnknownNameError, match="Did you mean 'posture'"):
        check(SolverSettings, {"posturs": 1}, "solver")


def test_plain_settings_have_a_least() -> None:
    assert plain({"jobs": None}, "jobs", int | None, least=1) is None
    with pytest.raises(UnderstudyError, match="seeds=0: a whole number is wanted, at least 1"):
        plain({"seeds": 0}, "seeds", int, least=1)
    with pytest.raises(UnderstudyError, match="jobs=abc: a whole number or null is wanted"):
        plain({"jobs": "abc"}, "jobs", int | None, least=1)


def test_paths_are_names_and_homes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a[1].npz").touch()
    assert path_of(2024) == Path("2024")
    assert files_of("~") == files_of("~/a[1].npz") == files_of("~/*.npz") == [tmp_path / "a[1].npz"]
    with pytest.raises(FileFormatError, match="no .npz file there"):
        files_of(2024)


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert output_of({"output": tmp_path / "new" / "deep"}, "x") == tmp_path / "new" / "deep"
    assert output_of({"output": tmp_path / "file"}, "x", is_file=True) == tmp_path / "file"
    for path in (tmp_path / "file", tmp_path / "file" / "below" / "it"):
        with pytest.raises(UnderstudyError, match="file is a file; a folder is needed there"):
            output_of({"output": path}, "x")
    with pytest.raises(UnderstudyError, match="is a folder; a file is needed"):
        output_of({"output": tmp_path}, "x", is_file=True)


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (FileNotFoundError(2, "No such file or directory", "gone.npz"), 2, "error: gone.npz: No such file or directory.\n"),
        (OSError("disk"), 2, "error: disk.\n"),
        (UnderstudyError("wrong."), 2, "error: wrong.\n"),
        (KeyboardInterrupt(), 130, "stopped.\n"),
    ],
)
def test_what_goes_wrong_is_one_line(
    raised: BaseException, status: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(config: dict[str, Any]) -> int:
        raise raised

    monkeypatch.setattr(sys, "argv", ["workers", "output=x"])
    with pytest.raises(SystemExit) as left:
        door("workers")(main)()
    assert left.value.code == status
    assert capsys.readouterr().err == line
