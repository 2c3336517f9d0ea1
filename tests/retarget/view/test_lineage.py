"""From a motion back to its person."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, RobotError, UnderstudyError
from motion.human import HumanMotion
from motion.robot_motion import RobotMotion
from motion.store import read_npz, write_npz
from retarget.pipeline import RetargetSettings, prepared
from retarget.targets import build_targets
from retarget.view.lineage import load_shown

REPO = Path(__file__).resolve().parents[3]


def test_a_motion_finds_its_person_and_its_targets(studio: Path) -> None:
    shown = load_shown(studio / "motions" / "clip.npz")
    assert shown.human is not None
    assert shown.targets is not None
    human, inspection, _ = prepared(HumanMotion.load(studio / "film" / "clip.npz"), RetargetSettings())
    np.testing.assert_array_equal(shown.human.position_m, human.position_m)
    wanted = build_targets(shown.body, human, inspection=inspection)
    np.testing.assert_array_equal(shown.targets.vector_m, wanted.vector_m)
    assert shown.card is not None
    assert shown.card["recording"] == "../film/clip.npz"


def test_both_folders_may_move(studio: Path, tmp_path: Path) -> None:
    shutil.copytree(studio, tmp_path / "elsewhere")
    assert load_shown(tmp_path / "elsewhere" / "motions" / "clip.npz").targets is not None


def test_a_recording_beside_the_motion_is_found_without_a_card(studio: Path, tmp_path: Path) -> None:
    shutil.copy(studio / "motions" / "clip.npz", tmp_path / "motion.npz")
    shutil.copy(studio / "film" / "clip.npz", tmp_path / "clip.npz")
    shown = load_shown(tmp_path / "motion.npz")
    assert shown.targets is not None
    assert shown.card == {}


def test_without_its_recording_the_robot_is_shown_alone_and_it_is_said(studio: Path, tmp_path: Path) -> None:
    shutil.copy(studio / "motions" / "clip.npz", tmp_path / "motion.npz")
    shown = load_shown(tmp_path / "motion.npz")
    assert shown.human is None
    assert "clip.npz was not found" in shown.notes[0]


def test_a_recording_that_changed_is_not_shown_as_what_it_was(studio: Path, tmp_path: Path) -> None:
    shutil.copytree(studio, tmp_path / "changed")
    film = tmp_path / "changed" / "film" / "clip.npz"
    HumanMotion.load(film).slice(slice(0, 60)).save(film)
    shown = load_shown(tmp_path / "changed" / "motions" / "clip.npz")
    assert shown.human is None
    assert "has changed" in shown.notes[0]


def test_a_recording_that_is_named_is_taken_without_targets(studio: Path, tmp_path: Path) -> None:
    HumanMotion.load(studio / "film" / "clip.npz").slice(slice(0, 60)).save(tmp_path / "part.npz")
    shown = load_shown(studio / "motions" / "clip.npz", human=tmp_path / "part.npz")
    assert shown.human is not None
    assert shown.targets is None
    assert len(shown.motion.time_s) == len(shown.human.time_s) == 60
    assert "not the recording that this motion was made from" in shown.notes[0]


def test_other_tools_motions_want_a_robot_and_a_recording(studio: Path, tmp_path: Path) -> None:
    motion = RobotMotion.load(studio / "motions" / "clip.npz")
    fields = {"dof": motion.joint_position_rad, "root_trans_offset": motion.T_world_base.position_m, "fps": np.array(60.0)}
    np.savez(tmp_path / "asap.npz", root_rot=motion.T_world_base.to_xyzw(), **fields)
    with pytest.raises(RobotError, match="robot=NAME"):
        load_shown(tmp_path / "asap.npz")
    assert "human=FILE" in load_shown(tmp_path / "asap.npz", robot="g1").notes[0]
    both = load_shown(tmp_path / "asap.npz", robot="g1", human=studio / "film" / "clip.npz")
    assert both.scene is not None
    assert both.targets is None


def _edited(source: Path, target: Path, **header: object) -> Path:
    old, arrays = read_npz(source, "robot_motion")
    write_npz(target, "robot_motion", {**old, **header}, arrays)
    return target


def test_wrong_files_are_one_clear_error(studio: Path, tmp_path: Path) -> None:
    motion = studio / "motions" / "clip.npz"
    with pytest.raises(FileFormatError, match="no such file"):
        load_shown(tmp_path / "nothing.npz")
    for recording in (studio / "film" / "clip.npz", REPO / "README.md"):
        with pytest.raises(FileFormatError, match="is no robot's motion"):
            load_shown(recording, robot="g1")
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(UnderstudyError, match=r"text\.npz"):
        load_shown(tmp_path / "text.npz", robot="g1")
    with pytest.raises(FileFormatError, match=r"gone\.npz: no such file"):
        load_shown(motion, human=tmp_path / "gone.npz")
    with pytest.raises(RobotError, match="robot=FOLDER"):
        load_shown(_edited(motion, tmp_path / "stranger.npz", robot="stranger"))


def test_settings_of_another_version_are_said(studio: Path, tmp_path: Path) -> None:
    header, _ = read_npz(studio / "motions" / "clip.npz", "robot_motion")
    provenance = json.loads(json.dumps(header["provenance"]))
    provenance["config"]["weights"]["knee_cap"] = 1.0
    path = _edited(studio / "motions" / "clip.npz", tmp_path / "later.npz", provenance=provenance)
    assert "weights.knee_cap" in load_shown(path).notes[0]
