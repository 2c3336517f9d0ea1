"""Recordings by themselves: what is one, what is marked in it, and where it stands."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from motion.arguments import CommandError
from motion.errors import FileFormatError, UnderstudyError, UnknownNameError
from motion.human import HumanMotion
from motion.landmarks import hand_landmarks
from motion.robot_motion import RobotMotion
from motion.transform import Transform, wxyz_from_matrix
from retarget.inspect import inspect
from retarget.render import main as render
from retarget.view.files import shown_files
from retarget.view.lane import PersonLane
from retarget.view.page import Page
from retarget.view.person_traces import person_marks, person_traces, seen_parts
from retarget.view.places import person_stand
from retarget.view.recording import Recording, is_recording, load_recording
from robots.page.server import open_server
from tests.retarget.acting import shifting
from tests.retarget.view.conftest import BROKEN_FRAME
from tests.retarget.view.test_command import free_port

UNSEEN = slice(60, 75)


@pytest.fixture(scope="module")
def recording(studio: Path) -> Recording:
    return load_recording(studio / "film" / "clip.npz")


def altered(recording: Recording, folder: Path, position_m: np.ndarray) -> Recording:
    """The same person elsewhere, written and read again."""
    confidence = np.where(np.isfinite(position_m).all(-1), 1.0, 0.0)
    human = dataclasses.replace(recording.human, position_m=position_m, confidence=confidence, segments=(), segment_wxyz=None, objects={})
    human.save(folder / "other.npz")
    return load_recording(folder / "other.npz")


def test_recordings_and_motions_are_told_apart(studio: Path, tmp_path: Path) -> None:
    assert is_recording(studio / "film" / "clip.npz")
    assert is_recording(tmp_path / "clip.bvh")
    assert not is_recording(studio / "motions" / "clip.npz")
    motion = RobotMotion.load(studio / "motions" / "clip.npz")
    np.savez(tmp_path / "asap.npz", dof=motion.joint_position_rad, root_trans_offset=motion.T_world_base.position_m, fps=60.0)
    assert not is_recording(tmp_path / "asap.npz")
    human = HumanMotion.load(studio / "film" / "clip.npz")
    np.savez(tmp_path / "joints.npz", positions=human.position_m[:, :24])
    assert not is_recording(tmp_path / "joints.npz", robot="g1"), "whose robot is named is a motion"


def test_words_of_the_source_reach_it(studio: Path) -> None:
    file = str(studio / "film" / "clip.npz")
    with pytest.raises(UnknownNameError, match="bvhh"):
        shown_files([file], {"source.name": "bvhh"})
    with pytest.raises(CommandError, match=r"source\.unit_m=much"):
        shown_files([file], {"source.unit_m": "much"})
    with pytest.raises(UnderstudyError, match="side"):
        shown_files([file], {"source.side": "middle"})
    with pytest.raises(FileFormatError, match="no such file"):
        shown_files([f"{file}.bvh"], {})


def test_what_is_broken_and_what_is_unseen_is_marked(recording: Recording, tmp_path: Path) -> None:
    marks = person_marks(recording)
    assert [(mark.start, mark.stop, mark.kind) for mark in marks] == [(BROKEN_FRAME, BROKEN_FRAME + 1, "broken")]
    assert "left elbow" in marks[0].says
    assert "bones change length" in marks[0].says
    position = recording.human.position_m.copy()
    columns = [recording.human.landmarks.index(name) for name in hand_landmarks("left")]
    position[UNSEEN, columns] = np.nan
    lost = altered(recording, tmp_path, position)
    unseen = [mark for mark in person_marks(lost) if mark.kind == "unseen"]
    assert [(mark.start, mark.stop) for mark in unseen] == [(UNSEEN.start, UNSEEN.stop)]
    assert unseen[0].says == f"left hand not seen, {15 / lost.human.rate_hz:.2f} s"
    assert np.flatnonzero(~seen_parts(lost.human)["left hand"]).tolist() == [*range(UNSEEN.start, UNSEEN.stop)]


def test_a_jump_without_a_bone_is_called_a_jump(tmp_path: Path, recording: Recording) -> None:
    position = shifting(frames=90).position_m.copy()
    position[30, recording.human.landmarks.index("head")] += [0.0, 0.0, 0.8]
    says = [mark.says for mark in person_marks(altered(recording, tmp_path, position)) if mark.start == 30]
    assert says == ["jumps: head"]


def test_curves_of_a_recording(recording: Recording) -> None:
    seen, speed = person_traces(recording)
    position = recording.human.position_m
    np.testing.assert_allclose(seen.value, 100 * np.isfinite(position).all(-1).mean(1))
    assert speed.names[speed.parts[BROKEN_FRAME]] == "left_elbow"
    step = np.linalg.norm(position[BROKEN_FRAME] - position[BROKEN_FRAME - 1], axis=-1)
    assert speed.value[BROKEN_FRAME] == pytest.approx(np.nanmax(step) * recording.human.rate_hz, rel=1e-6)


def test_a_person_stands_on_the_floor_and_is_looked_at_from_the_front(recording: Recording) -> None:
    stand, human = person_stand(recording), recording.human
    assert stand.on_floor
    assert not stand.is_hand
    hips = (human.point("left_hip") + human.point("right_hip")) / 2
    np.testing.assert_allclose(stand.origin_m[:, :2], hips[:, :2])
    np.testing.assert_allclose(stand.origin_m[:, 2], recording.inspection.floor_m)
    toes = human.point("left_toe")[0] - human.point("left_ankle")[0]
    assert toes[:2] @ stand.forward[:2] > 0.9 * np.linalg.norm(toes[:2])
    assert 1.3 < stand.size_m < 2.1


@pytest.mark.parametrize("axis", [0, 1])
def test_a_person_in_a_world_that_lies_is_in_the_picture(recording: Recording, axis: int) -> None:
    turn = np.roll(np.eye(3), axis + 1, axis=0)
    world = Transform(np.array([30.0, -20.0, 7.0]), wxyz_from_matrix(turn))
    position = world.apply(recording.human.position_m)
    lying = dataclasses.replace(recording, human=dataclasses.replace(recording.human, position_m=position, objects={}))
    stand = person_stand(lying)
    clean = lying.clean().position_m - stand.origin_m[:, None] - stand.middle_m
    assert np.linalg.norm(clean[np.isfinite(clean).all(-1)], axis=-1).max() < stand.size_m


def test_a_hand_by_itself_is_followed_at_its_wrist() -> None:
    rng, time_s = np.random.default_rng(0), np.arange(20) / 30
    names = ("right_wrist", "right_index_mcp", "right_index_tip", "right_pinky_mcp")
    hand = np.array([[0, 0, 0], [0.03, 0, 0.09], [0.03, 0, 0.17], [-0.03, 0, 0.08]]) + rng.normal(size=(1, 3))
    position = hand + np.linspace(0, 1, 20)[:, None, None]
    position[5] = np.nan
    human = HumanMotion(time_s, names, position, np.where(np.isfinite(position).all(-1), 1.0, 0.0))
    alone = Recording(Path("hand.csv"), human, inspect(human))
    stand = person_stand(alone)
    assert stand.is_hand
    assert not stand.on_floor
    assert stand.size_m == pytest.approx(0.17, abs=1e-6)
    np.testing.assert_allclose(abs(stand.forward), [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(stand.origin_m[[4, 6]], position[[4, 6], 0])
    with Page([alone], open_server(port=free_port())) as page:
        page.player.draw(5)
        assert page.lanes[0].absent[5]
        assert "nobody seen" in page._moment(5)


def test_a_recording_and_a_motion_share_a_page(studio: Path) -> None:
    files = [str(studio / "film" / "clip.npz"), str(studio / "motions" / "clip.npz")]
    with Page(shown_files(files, {}), open_server(port=free_port())) as page:
        first, second = page.lanes
        assert isinstance(first, PersonLane)
        assert second.layers == {"person", "targets", "robot"}
        assert first.layers == {"person"}
        page.player.draw(BROKEN_FRAME)
        apart = np.array(second.node.position) + second.stand.origin_m[BROKEN_FRAME]
        np.testing.assert_allclose(apart, -1.8 * first.stand.left, atol=1e-9)
        assert set(first.pages) == {"Understood", "Origin"}
        assert "consent: " in first.pages["Origin"]


def test_a_film_wants_a_motion(studio: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is a recording; a film wants a robot's motion"):
        render([str(studio / "film" / "clip.npz"), f"output={tmp_path}/film.mp4"])
    assert list(tmp_path.iterdir()) == []
