"""`robots add` on real robots: a draft is about as good as what a person wrote, and it can be looked at."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from motion.errors import RobotError
from robots import load_robot
from robots.__main__ import main
from robots.kinematics import Kinematics
from robots.onboard.add import add
from robots.onboard.draft import Draft, draft
from robots.onboard.picture import mapping_figure
from robots.onboard.rest import ELBOW_RAD, KNEE_RAD
from robots.yaml_loader import default_packages

EXAMPLES = default_packages()[0] / "example-robot-data/robots"
G1 = EXAMPLES / "g1_description/urdf/g1_29dof_rev_1_0.urdf"


@cache
def g1() -> Draft:
    return draft(G1, Path("drafts/g1_29"))


@pytest.fixture
def poppy(data: Path) -> Path:
    return data / "robots/poppy_humanoid_nomesh/poppy_humanoid.urdf"


def test_rest_is_standing_at_ease() -> None:
    robot, place = g1().robot, at_rest(g1())
    for side, sign in (("left", 1), ("right", -1)):
        knee = angle(place, f"{side}_hip", f"{side}_knee", f"{side}_ankle")
        elbow = angle(place, f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
        assert knee == pytest.approx(KNEE_RAD, abs=0.05)
        assert elbow == pytest.approx(ELBOW_RAD, abs=0.05)
        assert place[f"{side}_knee"][0] > place[f"{side}_hip"][0]
        assert place[f"{side}_wrist"][0] > place[f"{side}_elbow"][0]
        assert sign * place[f"{side}_wrist"][1] > sign * place[f"{side}_shoulder"][1]
        assert sign * (place[f"{side}_ankle"][1] - place[f"{side}_hip"][1]) == pytest.approx(0, abs=0.02)
    assert ((robot.rest_rad > robot.lower_rad) & (robot.rest_rad < robot.upper_rad)).all()


def at_rest(made: Draft) -> dict[str, np.ndarray]:
    positions = Kinematics(made.robot).landmark_positions(made.robot.rest_rad)[0]
    return dict(zip(made.robot.landmarks, positions, strict=True))


def angle(place: dict[str, np.ndarray], a: str, b: str, c: str) -> float:
    first, second = place[b] - place[a], place[c] - place[b]
    return float(np.arccos(first @ second / np.linalg.norm(first) / np.linalg.norm(second)))


def test_a_draft_is_near_what_a_person_wrote() -> None:
    by_hand, made = load_robot("g1"), g1().robot
    for side in ("left", "right"):
        for end in ("heel_m", "toe_m"):
            np.testing.assert_allclose(getattr(made.soles[side], end), getattr(by_hand.soles[side], end), atol=0.015)
        assert made.soles[side].width_m == pytest.approx(by_hand.soles[side].width_m, abs=0.015)
    assert made.base_height_m == pytest.approx(by_hand.base_height_m, abs=0.02)
    for mine, theirs in ((made.kp, by_hand.kp), (made.armature, by_hand.armature)):
        assert np.median(np.abs(np.log(mine / theirs))) < np.log(2.5)


def test_both_sides_have_the_same_gains() -> None:
    robot = g1().robot
    for index, name in enumerate(robot.joint_names):
        if name.startswith("left_"):
            assert robot.kp[index] == robot.kp[robot.joint_names.index("right_" + name.removeprefix("left_"))]


def test_a_robot_without_meshes(poppy: Path, tmp_path: Path) -> None:
    made, folder = add(poppy, tmp_path / "poppy")
    robot = load_robot(folder)
    assert robot.stand_ins
    assert any("boxes with the links' inertia stand in" in sentence for sentence in made.unsure)
    assert any("sole is estimated" in sentence for sentence in made.unsure)
    assert robot.joint_names == made.robot.joint_names
    np.testing.assert_array_equal(robot.rest_rad, made.robot.rest_rad)
    assert len(Kinematics(robot).shapes().links) > 20
    text = (folder / "robot.yaml").read_text()
    assert "left_thigh 0." in text
    assert yaml.safe_load(text)["missing_meshes"] == "stand_in"
    with Image.open(folder / "mapping.png") as picture:
        assert picture.width > 1000
        assert len(np.unique(np.asarray(picture.convert("RGB"))[::20, ::20].reshape(-1, 3), axis=0)) > 20


def test_the_picture_names_every_segment_and_paints_doubts_red(poppy: Path, tmp_path: Path) -> None:
    made = draft(poppy, tmp_path)
    figure = mapping_figure(made)
    words = {text.get_text(): text.get_color() for axes in figure.axes for text in axes.texts}
    for name, found in made.anatomy.segments.items():
        label = f"{name} {found.confidence:.2f}"
        assert label in words
        assert (words[label] == "black") == (found.confidence >= 0.5)
    assert len(set(words.values())) == 2


def test_a_turned_root_gets_an_upright_one(tmp_path: Path) -> None:
    """The y axis of human.urdf's root points up."""
    made, folder = add(EXAMPLES / "human_description/robots/human.urdf", tmp_path / "person")
    robot = load_robot(folder)
    assert robot.urdf == (folder / "upright.urdf").resolve()
    assert made.unsure[0].startswith("The root link of human.urdf is not upright")
    place = at_rest(made)
    assert place["left_shoulder"][2] > place["left_hip"][2] + 0.3
    assert place["left_hip"][1] > place["right_hip"][1]
    assert place["left_toe"][0] > place["left_heel"][0] + 0.1
    assert robot.base_height_m > 0.8


def test_nothing_is_overwritten_unasked(poppy: Path, tmp_path: Path) -> None:
    (tmp_path / "robot.yaml").write_text("mine")
    with pytest.raises(RobotError, match="overwrite=true"):
        add(poppy, tmp_path)
    assert (tmp_path / "robot.yaml").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["robot.yaml"]


def test_a_shipped_robots_name_is_not_taken(tmp_path: Path, poppy: Path) -> None:
    with pytest.raises(RobotError, match="my_talos"):
        add(poppy, tmp_path / "talos")
    assert not (tmp_path / "talos").exists()


WRONG = (["missing.urdf"], [str(EXAMPLES / "go1_description/urdf/go1.urdf")], ["x.urdf", "outptu=y"], ["x.urdf", "overwrite=perhaps"])


@pytest.mark.parametrize("words", WRONG)
def test_one_clear_error_and_nothing_written(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["add", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_add_says_what_to_do_next(poppy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add", str(poppy), f"output={tmp_path / 'poppy'}"]) == 0
    said = capsys.readouterr().out
    assert "python -m robots check" in said
    assert "left_forearm" in said
    assert main(["add", str(poppy), f"output={tmp_path / 'poppy'}"]) == 2
    assert main(["add", str(poppy), f"output={tmp_path / 'poppy'}", "overwrite=true"]) == 0
