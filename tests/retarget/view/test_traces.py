"""The curves and the marks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from retarget.measure import GATES
from retarget.view.lineage import Shown, load_shown
from retarget.view.plots import COLOURS, cursor, height_px, plots
from retarget.view.traces import gated_frames, marks_of, traces_of
from tests.retarget.view.conftest import BROKEN_FRAME


@pytest.fixture(scope="module")
def shown(studio: Path) -> Shown:
    return load_shown(studio / "motions" / "clip.npz")


def test_curves_and_card_agree(shown: Shown) -> None:
    traces = {trace.name: trace for trace in traces_of(shown)}
    assert shown.card is not None
    numbers = shown.card["numbers"]
    assert np.nanmax(traces["penetration_max_mm"].value) == pytest.approx(numbers["penetration_max_mm"], abs=1e-6)
    assert np.nanmax(traces["speed_use_max_pct"].value) == pytest.approx(numbers["speed_use_max_pct"], rel=1e-9)
    assert np.nanmax(traces["acceleration_use_max_pct"].value) == pytest.approx(numbers["acceleration_use_max_pct"], rel=1e-9)
    for name in ("foot_mm", "hand_mm", "limb_deg", "slip_mm_s", "float_mm"):  # of the worst part, where the card takes the mean
        assert np.nanmean(traces[name].value) >= numbers[name] - 1e-6, name
        assert np.nanmean(traces[name].value) < 3 * numbers[name] + 5, name


def test_broken_and_unsolved_frames_are_marked(shown: Shown) -> None:
    marks = marks_of(shown, traces_of(shown))
    broken = [mark for mark in marks if mark.kind == "broken"]
    assert [(mark.start, mark.stop) for mark in broken] == [(BROKEN_FRAME, BROKEN_FRAME + 1)]
    assert "left elbow" in broken[0].says
    unsolved = [mark for mark in marks if mark.kind == "unsolved"]
    assert [frame for mark in unsolved for frame in range(mark.start, mark.stop)] == [*np.flatnonzero(~shown.motion.solved)]


def test_moments_beyond_a_bound_are_marked_where_they_are_worst(shown: Shown) -> None:
    joints = shown.motion.joint_position_rad.copy()
    joints[60:, 3] += 0.4  # at 60 Hz a knee that leaps by 24 rad/s
    leaping = dataclasses.replace(shown, motion=dataclasses.replace(shown.motion, joint_position_rad=joints), human=None, targets=None)
    marks = [mark for mark in marks_of(leaping, traces_of(leaping)) if "speed use max" in mark.says]
    assert [mark.worst for mark in marks] == [60]
    assert shown.motion.joint_names[3].replace("_", " ") in marks[0].says
    use = 100 * 0.4 * 60 / shown.body.robot.speed_radps[3]
    assert marks[0].kind == ("reject" if use > GATES["speed_use_max_pct"].reject else "review")


def test_links_inside_one_another_are_marked_where_the_card_counts_them(shown: Shown) -> None:
    joints = shown.motion.joint_position_rad.copy()
    joints[20:30, shown.motion.joint_names.index("left_shoulder_roll_joint")] = -1.2  # the arm into the trunk
    motion = dataclasses.replace(shown.motion, joint_position_rad=joints)
    alone = dataclasses.replace(shown, motion=motion, human=None, targets=None, inspection=None)
    inside = [
        mark for mark in marks_of(dataclasses.replace(alone, card={"numbers": {"self_contact_pct": 11.0}}), ()) if "inside" in mark.says
    ]
    assert {(mark.start, mark.stop, mark.kind) for mark in inside} == {(20, 30, "review")}
    assert any("torso" in mark.says for mark in inside)
    assert not [mark for mark in marks_of(alone, ()) if "inside" in mark.says]


def test_plots_hold_every_curve_and_a_cursor_is_small(shown: Shown) -> None:
    traces = traces_of(shown)
    states = {**gated_frames(traces, len(shown.time_s)), "broken": shown.broken_frames()}
    assert np.flatnonzero(states["broken"]).tolist() == [BROKEN_FRAME]
    html = plots([traces], states, [np.arange(len(shown.motion.time_s))])
    assert html.count("<path") == len(traces)
    assert html.count(COLOURS["broken"]) == 1
    assert len(cursor(0.25, height_px([traces]))) < 300
