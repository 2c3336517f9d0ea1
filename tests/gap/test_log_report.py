"""The page and its sentences say what was measured, no more."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.plants import Plant
from gap.diagnosis import Fault
from gap.differences import RunGap
from gap.identification.identify import Identified, Number, RunError
from gap.joint_differences import JointGap
from gap.log_report import (
    Section,
    claim_of,
    gap_json,
    gap_reading,
    identified_json,
    identified_reading,
    left_out_reading,
    measured_picture,
    notes_reading,
    run_picture,
    write_log_report,
)
from gap.log_tables import gap_tables, identified_tables
from gap.logs import RobotLog
from gap.measured import measured, measured_claim_of
from motion.provenance import Parent, Provenance

JOINT = JointGap("elbow", 0.03, 0.1, 0.09, 0.04, 0.02, 0.2, math.nan, 0.5, 0.01, 0.02, math.nan, math.nan,
    {"rmse_rad": (0.025, 0.036), "spectral": (math.nan, math.nan)},
)  # fmt: skip
TIME = np.arange(0, 1, 0.1)
TRACKS = np.sin(TIME)[:, None] * np.ones(2)
RUN = RunGap(
    "reach", 0.9, (JOINT, replace(JOINT, joint="wrist", rmse_rad=0.04)), {0.1: 0.01, 1.0: 0.03}, {}, 0.02, -2.0, -1.9, -20.0, -21.0,
    False, TIME, TRACKS, TRACKS + 0.03, None,
)  # fmt: skip
FAULT = Fault("delay", "", 0.05, 0.8)
NUMBER = Number("kp", "elbow", "Nm/rad", 20.0, 12.0, 11.0, 13.0, 11.5, 12.5, True)
FOUND = Identified(
    ("elbow", "wrist"),
    (NUMBER, replace(NUMBER, kind="armature", seen=False)),
    (
        RunError("reach", False, np.array([0.03, 0.04]), np.array([0.003, 0.004])),
        RunError("wave", True, np.full(2, 0.02), np.full(2, 0.005)),
    ),
    True,
    Plant("mine"),
    Plant("mine_varied"),
)


def test_sentences_on_replays() -> None:
    first, lag, fault = gap_reading([RUN], [FAULT])
    assert first.startswith("Simulated joints are 35.4 mrad from the real ones (root mean square over 1 run); most in reach, ")
    assert first.endswith(" where wrist is off by 40.0 mrad.")
    assert lag == (
        "Real joints come 90 ms after their commands, simulated ones 40 ms "
        "(medians of joints that move; all lie within 90 to 90 and 40 to 40)."
    )
    assert fault == FAULT.sentence()
    still = replace(RUN, joints=tuple(replace(own, lag_real_s=math.nan) for own in RUN.joints), unsigned_torque=True)
    assert len(gap_reading([RUN], None)) == 2
    assert gap_json([RUN], None)["faults"] is None
    told = gap_reading([still], [], ("delay", "damping"))
    assert not any("after their commands" in sentence for sentence in told)
    assert told[1:] == (
        "No single fault (delay, viscous friction) explains a tenth of the difference.",
        "The log's torques have no sign: only their sizes are compared.",
    )


def test_sentences_on_what_is_not_known() -> None:
    """A simulation that broke down, commands that are missing, and what of a run was left out."""
    lost = replace(RUN, name="fell", joints=tuple(replace(own, rmse_rad=math.nan) for own in RUN.joints), lost=0.6)
    broken, near, *_ = gap_reading([lost, RUN], None)
    assert broken == ("The simulation broke down in fell (60% of its moments lost): how far it is from the robot there cannot be said.")
    assert near.startswith("Simulated joints are 35.4 mrad from the real ones (root mean square over 1 of 2 runs); most in reach")
    assert not any("mrad from" in sentence for sentence in gap_reading([lost], None))
    assert gap_json([lost, RUN], None)["rmse_rad"]["value"] is None
    assert gap_json([lost, RUN], None)["runs"][0]["lost"] == 0.6
    assert gap_tables([lost, RUN])[-1].rows[0][2] == gap_tables([lost, RUN])[-1].rows[-1][2] == "-"
    told = gap_reading([replace(RUN, left_out=0.4, unsaid=0.003, still=("gripper",))], None)
    assert told[1:4] == (
        "Only the longest piece in which motors were on, and positions and commands known, was carried out of reach (40% left out).",
        "Commands are missing in reach (1%): there the last one was taken to stand.",
        "Nobody commanded gripper in reach: held where a run begins, and not compared.",
    )


def test_sentences_on_what_was_left_out() -> None:
    logs = [RobotLog(name, ("a",), TIME, TRACKS[:, :1], notes=notes) for name, notes in (("x", ("column b is empty",)), ("y", ()))]
    assert notes_reading(logs) == ("Left out of x: column b is empty.",)
    told = left_out_reading([("x", "too short"), ("z", "too short")])
    assert told == ("Faults were not looked for in x, z: too short.",)
    assert gap_reading([RUN], [], ())[-1] == "None of the faults asked for can be tried here."


def test_simulated_logs_are_never_called_real() -> None:
    log = RobotLog("x", ("a",), TIME, TRACKS[:, :1])
    assert claim_of([log])[0] == "simulation against a real robot's logs"
    for claim in (claim_of([log, replace(log, simulated=True)]), measured_claim_of([replace(log, simulated=True)])):
        assert "simulated logs" in claim[0]
        assert "nothing is said of a real robot" in claim[1].lower()
    first, lag = gap_reading([RUN], None, simulated=True)
    assert "mrad from the recorded ones" in first
    assert lag.startswith("Recorded joints come 90 ms")
    assert not any("real" in word for table in gap_tables([RUN], simulated=True) for word in (*table.header, table.note))
    assert gap_json([RUN], None, claim_of([replace(log, simulated=True)])[0])["claim"].endswith("sim-to-sim")


def test_a_plant_in_which_the_simulation_broke_down() -> None:
    fell = RunError("fell", True, np.full(2, 0.02), np.full(2, np.nan), (0.0, 0.5))
    told = identified_reading(replace(FOUND, runs=(FOUND.runs[0], fell)))
    assert told[0].startswith("In runs that the search saw (reach) the difference falls")
    assert told[1] == (
        "In the plant that was found, the simulation broke down in fell (50% of its moments lost): how far it is there cannot be said."
    )
    assert identified_tables(replace(FOUND, runs=(fell,)))[0].rows == (("fell", "no", "20.0", "-", "-"),)
    assert identified_json(replace(FOUND, runs=(fell,)))["runs"][0]["after"] is None


def test_sentences_on_a_plant() -> None:
    held_out, seen, unseen = identified_reading(FOUND)
    assert held_out == "In runs that were held out (wave) the difference falls from 20.0 to 5.0 mrad, by 75%."
    assert seen.startswith("In runs that the search saw (reach) the difference falls from 35.4 to 3.5 mrad")
    assert unseen == "These logs do not say, or only together with others: armature elbow."
    unlike = identified_reading(replace(FOUND, explains=False))
    assert unlike[2].startswith("Its own logs differ from this plant by more than noise explains")
    assert identified_tables(replace(FOUND, numbers=(replace(NUMBER, low=math.nan, high=math.nan),)))[1].rows[0][4] == "12"
    alone = identified_reading(replace(FOUND, runs=FOUND.runs[:1], numbers=(NUMBER,)))
    assert alone[-1] == "No run was held out: how well the plant holds elsewhere is not known. Say held_out=[NAME]."


def test_tables() -> None:
    joints, horizons, states, whole = gap_tables([RUN])
    assert joints.rows[0] == ("reach", "elbow", "30.0 [25.0, 36.0]", "100.0", "90", "40", "20.0")
    assert horizons.header == ("run", "what", "100 ms", "1000 ms")
    assert horizons.rows == (("reach", "joints, mrad", "10.0", "30.0"),)
    assert states.rows[1][:4] == ("reach", "wrist", "200.0", "0.50")
    assert whole.rows == (("reach", "0.9", "35.4", "20.0", "-2.00", "-1.90", "-20.00", "-21.00"),)
    runs, numbers = identified_tables(FOUND)
    assert runs.rows == (("reach", "yes", "35.4", "3.5", "-90"), ("wave", "no", "20.0", "5.0", "-75"))
    assert numbers.rows[0] == ("kp", "elbow", "Nm/rad", "20", "12 [11, 13]", "yes")
    assert numbers.rows[1][-1] == "no"


def test_numbers_survive_json() -> None:
    told = json.loads(json.dumps(gap_json([RUN], [FAULT]), allow_nan=False))
    assert told["runs"][0]["joints"][0]["torque_rmse_nm"] is None
    assert told["runs"][0]["joints"][0]["ends"] == {"rmse_rad": [0.025, 0.036], "spectral": [None, None]}
    assert told["runs"][0]["rmse_rad"] == told["rmse_rad"]["value"] == pytest.approx(RUN.rmse_rad)
    assert told["faults"][0]["sentence"] == FAULT.sentence()
    found = json.loads(json.dumps(identified_json(FOUND), allow_nan=False))
    assert found["runs"][1] == {
        "name": "wave", "held_out": True, "before_rad": {"elbow": 0.02, "wrist": 0.02}, "after_rad": {"elbow": 0.005, "wrist": 0.005},
        "before": 0.02, "after": 0.005, "lost": [0.0, 0.0],
    }  # fmt: skip


def test_the_page_asks_nothing_of_the_network(tmp_path: Path) -> None:
    sections = [Section("Numbers", gap_tables([RUN])), Section("Runs", (), (run_picture(RUN), run_picture(RUN)))]
    provenance = Provenance("logs", "Apache-2.0", "not a person", (Parent("reach.csv", "ab" * 32, "Apache-2.0", "not a person"),))
    path = write_log_report(tmp_path / "report.html", "An <arm>", [("Robot", "arm")], gap_reading([RUN], [FAULT]), sections, provenance)
    page = path.read_text()
    assert "An &lt;arm&gt;" in page
    assert page.count("data:image/png;base64,") == 2
    for said in (*gap_reading([RUN], [FAULT]), "reach.csv", "Apache-2.0", "simulation against a real robot&#39;s logs"):
        assert said in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_picture_of_what_was_measured() -> None:
    run = measured(RobotLog("wave", ("a", "b"), 0.02 * np.arange(100), np.sin(0.1 * np.arange(100))[:, None] * np.ones(2)))
    assert measured_picture(run).caption == "wave: what the robot did."
    assert measured_picture(run).png.startswith(b"\x89PNG")
