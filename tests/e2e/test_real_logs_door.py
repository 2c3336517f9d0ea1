"""A robot's logs by the doors, as a user runs them: beside their replay, and turned into a plant that other doors take."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from envs.model import robot_model
from envs.plant_draws import nominal_draw
from envs.plants import find_plant
from envs.table import TableTop, model_with_table
from tests.e2e.test_doors import run
from tests.gap.identification.made_runs import DELAY_S, KP, run_of
from tests.gap.test_replay import log_of
from tests.robots.made_arm import made_arm

ARMS = Path(__file__).resolve().parents[2] / "examples" / "arms"
MINE = ("robot=./arm", "log=logs", "reading=mine.yaml", "threads=1")


def said_by(folder: Path, *words: str) -> str:
    """What a command that succeeds says, as one line."""
    done = run(folder, *words)
    assert done.status == 0, done.err
    return " ".join(done.out.split())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an arm, two of its runs in degrees under other names, and how to read them."""
    folder = tmp_path_factory.mktemp("desk")
    model = robot_model(made_arm(folder / "arm"), "fixed")
    (folder / "logs").mkdir()
    for seed, name in enumerate(("waves", "steps")):
        log = run_of(model, seed, 8.0).log
        assert log.command_rad is not None
        table = np.column_stack([log.time_s, np.degrees(log.position_rad), np.degrees(log.command_rad)])
        np.savetxt(folder / "logs" / f"{name}.csv", table, delimiter=",", comments="", header="t,j1_pos,j2_pos,j1_cmd,j2_cmd")
    (folder / "mine.yaml").write_text("{joints: {j1: shoulder, j2: elbow}, units: {position: deg}}")
    return folder


@pytest.fixture(scope="module")
def found(desk: Path) -> Path:
    """The plant of the arm."""
    assert "In runs that were held out (steps) the difference falls from" in said_by(
        desk, "evaluate.py", "identify", *MINE, "held_out=[steps]", "horizon_s=4", "iterations=6", "name=mine", "output=found"
    )
    return desk / "found"


def test_logs_beside_their_replay(desk: Path) -> None:
    done = run(desk, "evaluate.py", "gap", *MINE, "faults=[delay,gain]", "output=gap")
    assert done.status == 0, done.err
    told = json.loads((desk / "gap" / "gap.json").read_text())
    assert told["claim"] == "simulation against a real robot's logs"
    assert [run["name"] for run in told["runs"]] == ["steps", "waves"]
    assert [joint["joint"] for joint in told["runs"][0]["joints"]] == ["shoulder", "elbow"]
    assert {fault["kind"] for fault in told["faults"]} <= {"delay", "gain"}
    assert "Commands reach the motors" in " ".join(done.out.split())
    assert {parent["name"] for parent in told["provenance"]["parents"]} == {"waves.csv", "steps.csv"}
    page = (desk / "gap" / "report.html").read_text()
    assert "In plain words" in page
    assert page.count("data:image/png;base64,") == 2
    assert "http" not in page.replace("http-equiv", "")


def test_a_rehearsal_without_a_real_robot(desk: Path) -> None:
    """What was put in is found, and called sim-to-sim."""
    done = run(desk, "evaluate.py", "gap", *MINE, "runs=[waves]", "faults=[delay]", "pseudo_real=slow_link", "output=rehearsal")
    assert done.status == 0, done.err
    told = json.loads((desk / "rehearsal" / "gap.json").read_text())
    assert told["claim"] == "simulation against simulated logs: sim-to-sim"
    (fault,) = told["faults"]
    put = find_plant("slow_link").action_delay_s
    assert put[0] - 0.002 <= fault["size"] <= put[1] + 0.002
    assert "real robot's logs" not in (desk / "rehearsal" / "report.html").read_text()
    done = run(desk, "evaluate.py", "gap", *MINE, "pseudo_real=slow_lnk", "output=none")
    assert (done.status, "Did you mean 'slow_link'" in done.err) == (2, True), done.err


def test_a_plant_is_found(found: Path) -> None:
    told = json.loads((found / "gap.json").read_text())
    values = {f"{number['kind']} {number['where']}".strip(): number["value"] for number in told["numbers"]}
    assert values["kp shoulder"] == pytest.approx(KP[0], rel=0.1)
    assert values["delay"] == pytest.approx(DELAY_S, abs=0.004)
    runs = {run["name"]: run for run in told["runs"]}
    assert runs["steps"]["held_out"]
    assert runs["steps"]["after"] < 0.3 * runs["steps"]["before"]
    plant = (found / "mine.yaml").read_text()
    assert plant.startswith("# Found in the runs waves by identify")
    assert yaml.safe_load(plant)["name"] == "mine"
    assert yaml.safe_load((found / "mine_varied.yaml").read_text())["name"] == "mine_varied"
    assert (found / "report.html").read_text().count("data:image/png;base64,") == 2


def test_other_doors_take_the_plant(desk: Path, found: Path) -> None:
    done = run(desk, "evaluate.py", "gap", *MINE, "plant=found/mine.yaml", "output=after")
    assert done.status == 0, done.err
    before, after = (json.loads((desk / name / "gap.json").read_text())["runs"] for name in ("gap", "after"))
    for one, other in zip(before, after, strict=True):
        assert other["rmse_rad"] < 0.3 * one["rmse_rad"]
    assert found.is_dir()


def test_readings_and_commands_that_are_missing(desk: Path, tmp_path: Path) -> None:
    """A log whose commands begin late, and that loses a reading: what is left is compared, by both doors, and what is not is told."""
    rows = np.loadtxt(desk / "logs" / "waves.csv", delimiter=",", skiprows=1)
    rows[:25, 3:], rows[60:80, 1] = np.nan, np.nan
    np.savetxt(tmp_path / "late.csv", rows, delimiter=",", comments="", header="t,j1_pos,j2_pos,j1_cmd,j2_cmd")
    own = (f"robot={desk / 'arm'}", "log=late.csv", f"reading={desk / 'mine.yaml'}", "threads=1")
    done = run(tmp_path, "evaluate.py", "gap", *own, "faults=[]", "output=gap")
    assert (done.status, "Warning" in done.err) == (0, False), done.err
    (told,) = json.loads((tmp_path / "gap" / "gap.json").read_text())["runs"]
    assert told["rmse_rad"] > 0.01
    assert told["left_out"] == pytest.approx(0.2, abs=0.01)
    assert "was carried out of late (20% left out)" in " ".join(done.out.split())
    done = run(tmp_path, "evaluate.py", "identify", *own, "find=[kp,friction]", "horizon_s=2", "iterations=2", "output=found")
    assert done.status == 0, done.err
    rows[:, 4] = np.nan
    np.savetxt(tmp_path / "late.csv", rows, delimiter=",", comments="", header="t,j1_pos,j2_pos,j1_cmd,j2_cmd")
    assert "Nobody commanded elbow in late: held where a run begins, and not compared." in said_by(
        tmp_path, "evaluate.py", "gap", *own, "output=alone"
    )


def test_what_is_told_torques_or_velocities(desk: Path, tmp_path: Path) -> None:
    """An elbow that is told a torque alone is driven by it; velocities alone, of a joint or of a whole log, are not carried out."""
    rows = np.loadtxt(desk / "logs" / "waves.csv", delimiter=",", skiprows=1)
    heads = {"pushed": "j1_cmd,j2_cmd_torque", "turned": "j1_cmd,j2_cmd_vel", "spun": "j1_cmd_vel,j2_cmd_vel"}
    for name, head in heads.items():
        np.savetxt(tmp_path / f"{name}.csv", rows, delimiter=",", comments="", header=f"t,j1_pos,j2_pos,{head}")
    own = (f"robot={desk / 'arm'}", f"reading={desk / 'mine.yaml'}", "threads=1", "faults=[delay]")
    said = said_by(tmp_path, "evaluate.py", "gap", *own, "log=.", "output=out")
    assert "elbow in pushed: told a torque and never a position, so driven by that torque alone, without gains." in said
    assert "elbow in turned: told velocities alone, which are not carried out; held where a run begins, and not compared." in said
    assert "Velocities alone were commanded in spun, which are not carried out: nothing can be carried out again" in said
    assert "Nobody commanded" not in said
    assert "so driven by that torque alone, without gains." in said_by(
        tmp_path, "evaluate.py", "identify", *own[:3], "log=pushed.csv", "find=[friction]", "iterations=1", "output=found"
    )
    done = run(tmp_path, "evaluate.py", "identify", *own[:3], "log=spun.csv", "output=none")
    assert (done.status, "holds velocities as its only commands" in done.err) == (2, True), done.err


def test_logs_that_do_not_go_together(desk: Path, tmp_path: Path) -> None:
    """Faults are looked for in those that do, and the others are named; so are columns without numbers."""
    rows = np.loadtxt(desk / "logs" / "waves.csv", delimiter=",", skiprows=1)
    for name, mine in {"whole": rows, "slow": rows[:200:2], "brief": rows[:5]}.items():
        text = "\n".join(",".join(map(repr, map(float, row))) + "," for row in mine)
        (tmp_path / f"{name}.csv").write_text(f"t,j1_pos,j2_pos,j1_cmd,j2_cmd,j3_pos\n{text}\n")
    own = (f"robot={desk / 'arm'}", f"reading={desk / 'mine.yaml'}", "threads=1", "faults=[delay]")
    said = said_by(tmp_path, "evaluate.py", "gap", *own, "log=.", "output=all")
    assert "Faults were not looked for in slow: other joints or another period." in said
    assert "Faults were not looked for in brief: too short." in said
    assert "Left out of brief, slow, whole: column j3_pos is empty." in said
    done = run(tmp_path, "evaluate.py", "gap", *own, "log=whole.csv", "output=alone")
    assert done.status == 0, done.err
    both = [json.loads((tmp_path / name / "gap.json").read_text())["faults"] for name in ("all", "alone")]
    assert both[0] == both[1]
    done = run(tmp_path, "evaluate.py", "identify", *own[:3], "log=.", "find=[kp]", "iterations=1", "output=found")
    assert done.status == 0, done.err


def test_what_a_robot_presses_on(tmp_path: Path) -> None:
    """It is named by `gap`, found by `identify`, and put there by table.height_m=."""
    model = model_with_table(made_arm(tmp_path / "arm", tip_m=0.02))
    log = log_of(model, nominal_draw(model), table=TableTop(0.46))
    assert log.command_rad is not None
    columns = np.column_stack([log.time_s, log.position_rad, log.command_rad])
    header = "t,shoulder_pos,elbow_pos,shoulder_cmd,elbow_cmd"
    np.savetxt(tmp_path / "pressing.csv", columns, delimiter=",", comments="", header=header)
    own = ("robot=./arm", "log=pressing.csv", "read.units={position: rad}", "threads=1")
    found = {}
    for name, words in (("without", ["faults=[friction,table]"]), ("with", ["faults=[]", "table.height_m=0.46"])):
        done = run(tmp_path, "evaluate.py", "gap", *own, *words, f"output={name}")
        assert done.status == 0, done.err
        found[name] = json.loads((tmp_path / name / "gap.json").read_text())
    assert [fault["kind"] for fault in found["without"]["faults"]] == ["table"]
    assert found["without"]["faults"][0]["size"] == pytest.approx(0.46, abs=0.002)
    assert found["with"]["runs"][0]["rmse_rad"] < 0.2 * found["without"]["runs"][0]["rmse_rad"]
    assert "On a table +460 mm from the height of the base, of 1000 N/m." in (tmp_path / "with" / "report.html").read_text()
    assert "The robot pressed on something +46" in said_by(
        tmp_path, "evaluate.py", "identify", *own, "find=[table,table_stiffness]", "iterations=4", "output=found"
    )
    assert "table" not in (tmp_path / "found" / "identified.yaml").read_text()
    done = run(tmp_path, "evaluate.py", "gap", *own, "table.height_m=0.46", "table.stiffness_npm=0", "output=none")
    assert done.status != 0
    assert "a table gives way with more than 0 and up to 20000 N/m, not 0" in " ".join(done.err.split())


def test_logs_of_no_named_robot_are_told_of_by_themselves(desk: Path) -> None:
    done = run(desk, "evaluate.py", "gap", "log=logs", "read.units={position: deg}", "output=alone")
    assert done.status == 0, done.err
    told = json.loads((desk / "alone" / "gap.json").read_text())
    assert told["claim"] == "what a real robot's logs say by themselves"
    assert [run["name"] for run in told["measured"]] == ["steps", "waves"]
    assert "No robot was named, so nothing was simulated." in " ".join(done.out.split())
    assert "simulation against" not in (desk / "alone" / "report.html").read_text()


ICUB = "estimatorJointsTime, position: estimatorJointsPos, velocity: estimatorJointsVel"


def test_a_humanoid_without_commands(desk: Path, data: Path) -> None:
    """Nothing is said of simulation, of lags, or of how it follows."""
    path = data / "robot_logs" / "icub_walk"
    done = run(desk, "evaluate.py", "gap", f"log={path}", f"read.columns={{time: {ICUB}}}", "output=icub")
    assert done.status == 0, done.err
    (told,) = json.loads((desk / "icub" / "gap.json").read_text())["measured"]
    assert not told["commanded"]
    assert len(told["joints"]) == 26
    assert all(joint["lag_s"] is joint["error_rmse_rad"] is None for joint in told["joints"])
    assert "No commands were recorded in walking: nothing can be carried out again" in " ".join(done.out.split())
    page = (desk / "icub" / "report.html").read_text()
    assert "lag ms" not in page
    assert "off command" not in page
    assert "what a real robot" in page


def test_a_humanoid_with_short_moves(desk: Path, data: Path) -> None:
    """Ten readings a move are too few for intervals of their own; sixty moves are enough for one over all."""
    path = data / "robot_logs" / "poppy_walk" / "scratchbuf.real.pkl"
    done = run(desk, "evaluate.py", "gap", f"log={path}", "output=poppy")
    assert done.status == 0, done.err
    told = json.loads((desk / "poppy" / "gap.json").read_text())["measured"]
    assert len(told) == 61
    assert all(one["commanded"] and one["sparc"] is None for one in told)
    assert "rows more, in report.html" in done.out


def test_a_servo_whose_motor_is_switched_off(desk: Path, data: Path) -> None:
    """Runs of which only the beginning is driven have shorter horizons; ten of six seconds have an interval together."""
    words = (f"log={data / 'robot_logs' / 'bam_xl330'}", f"robot={ARMS / 'xl330'}", "faults=[]", "output=servo")
    done = run(desk, "evaluate.py", "gap", *words)
    assert done.status == 0, done.err
    told = json.loads((desk / "servo" / "gap.json").read_text())
    assert len(told["runs"]) == 10
    assert all(run["joints"][0]["ends"]["rmse_rad"] == [None, None] for run in told["runs"])
    assert told["rmse_rad"]["low"] < told["rmse_rad"]["value"] < told["rmse_rad"]["high"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("identify", "log=logs", "output=out"), "error: robot= is missing, e.g. robot=examples/arms/so101."),
        (("gap", "robot=./arm", "output=out"), "error: log= is missing, e.g. log=logs/."),
        (("gap", "robot=./arm", "log=logs", "output=out"), "Which unit is it? State it"),
        (("gap", "robot=./arm", "log=logs", "read.units={position: deg}", "output=out"), "unknown joint 'j1' in log 'steps'"),
        (("gap", *MINE, "faults=[rust]", "output=out"), "error: unknown fault 'rust'"),
        (("gap", *MINE, "payloads=[nose]", "output=out"), "error: unknown landmark 'nose'"),
        (("gap", *MINE, "runs=[nix]", "output=out"), "error: unknown run 'nix'"),
        (("gap", *MINE, "plant=nix.yaml", "output=out"), "error: nix.yaml: no such file"),
        (("gap", *MINE, "reading=nix.yaml", "output=out"), "error: reading=nix.yaml: no such file"),
        (("gap", "robot=./arm", "log=logs", "read.unit={}", "output=out"), "error: unknown setting 'unit' in read"),
        (("identify", *MINE, "held_out=[steps,waves]", "output=out"), "error: every log is held out"),
        (("identify", *MINE, "find=[mass]", "output=out"), "error: unknown kind of unknown 'mass'"),
    ],
    ids=["robot", "log", "unit", "joint", "fault", "payload", "run", "plant", "reading", "setting", "held out", "find"],
)
def test_what_is_wrong_is_one_clear_line(desk: Path, words: tuple[str, ...], message: str) -> None:
    done = run(desk, "evaluate.py", *words)
    assert done.status == 2
    assert message in done.err.splitlines()[-1]
    assert "Traceback" not in done.err
    assert not (desk / "out").exists()
