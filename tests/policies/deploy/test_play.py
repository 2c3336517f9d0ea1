"""The control loop: timing by a clock of our own, robots refused by name, and the command in a process without PyTorch."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from motion.demonstration import Demonstration
from motion.errors import CheckpointError, MotionError, UnderstudyError, UnknownNameError
from policies import PolicyActor, load_policy
from policies.bc import BcConfig, BehaviourCloning
from policies.deploy import ExportedPolicy, LinesRobot, Player
from policies.deploy.play import PlaySettings, settings_of
from policies.spec import PolicySpec
from tests.conftest import REPO

JOINTS, PERIOD_S, ATOL = ("shoulder", "elbow"), 0.02, 1e-5


@pytest.fixture
def looks(pendulum_demonstrations: list[Demonstration]) -> list[dict[str, np.ndarray]]:
    """Ten observations in a row, of one robot."""
    tracks = pendulum_demonstrations[0].observations
    return [{name: np.array(track[step], float) for name, track in tracks.items()} for step in range(10)]


def wanted_actions(checkpoint: Path, looks: list[dict[str, np.ndarray]], **settings: int) -> np.ndarray:
    """What the policy itself would do, (10, J)."""
    actor = PolicyActor(load_policy(checkpoint), **settings)
    actor.reset(1)
    return np.concatenate([actor.act({name: value[None] for name, value in look.items()})[:, 0] for look in looks])


class Recorded:
    """A robot that shows what was recorded, at its own pace, on a clock that only it and the loop move."""

    joint_names, period_s, keeps_time = JOINTS, PERIOD_S, False

    def __init__(self, looks: list[dict[str, np.ndarray]], takes_s: Mapping[int, float]) -> None:
        self.looks, self.takes_s, self.sent, self.sent_at, self.now_s = looks, takes_s, [], [], 0.0

    def observe(self) -> Mapping[str, np.ndarray] | None:
        """The next one."""
        return self.looks[len(self.sent)] if len(self.sent) < len(self.looks) else None

    def send(self, action: np.ndarray) -> None:
        """Takes so long."""
        self.now_s += self.takes_s.get(len(self.sent), 0.001)
        self.sent.append(action)
        self.sent_at.append(round(self.now_s, 6))

    def clock(self) -> float:
        """Now."""
        return self.now_s

    def sleep(self, time_s: float) -> None:
        """Later."""
        self.now_s += time_s


def test_the_loop_keeps_the_period_and_counts_what_is_missed(
    pendulum_checkpoint: Path, pendulum_export: Path, looks: list[dict[str, np.ndarray]]
) -> None:
    """Period 3 takes 50 ms: the next begins at once, and all after it keep 20 ms to it."""
    robot = Recorded(looks, {3: 0.05})
    player = Player(ExportedPolicy(pendulum_export), clock=robot.clock, sleep=robot.sleep)
    assert player.run(robot) == 10
    player.close()
    assert robot.sent_at == [0.001, 0.021, 0.041, 0.11, 0.111, 0.131, 0.151, 0.171, 0.191, 0.211]
    assert (player.missed_n, round(player.slowest_s, 6)) == (1, 0.05)
    assert "10 periods of 20 ms; 1 actions missed their deadline, the slowest took 50.0 ms" in player.summary()
    np.testing.assert_allclose(robot.sent, wanted_actions(pendulum_checkpoint, looks), atol=ATOL)


def test_a_robot_that_does_not_fit_is_refused_by_name(pendulum_export: Path, looks: list[dict[str, np.ndarray]]) -> None:
    player, robot = Player(ExportedPolicy(pendulum_export)), Recorded(looks, {})
    robot.joint_names = ("shoulder", "wrist")
    with pytest.raises(CheckpointError, match="missing joints: elbow; extra joints: wrist"):
        player.run(robot)
    robot.joint_names, robot.period_s = JOINTS, 0.01
    with pytest.raises(CheckpointError, match=r"control period of 0.01 s; the policy was trained at 0.02 s"):
        player.run(robot)
    player.close()
    assert robot.sent == []


def test_the_documented_words_suit_the_default_policy(
    pendulum_demonstrations: list[Demonstration], looks: list[dict[str, np.ndarray]]
) -> None:
    """As they stand in docs/deploy.md, on the command line and in Python."""
    page = (REPO / "docs" / "deploy.md").read_text()
    command = settings_of(re.findall(r"policies play (checkpoint=.*)", page)[0].split())
    told = [{name: getattr(command, name) for name in ("execute_n", "latency_n", "blend_n")}]
    calls = re.findall(r"(?:Handover\(|PolicyActor\(policy, )(execute_n=[^)]*)\)", page)
    told += [{name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", call)} for call in calls]
    policy = BehaviourCloning(PolicySpec.of(pendulum_demonstrations, BcConfig.chunk_n), BcConfig()).eval()
    assert len(told) == 3
    for settings in told:
        actor = PolicyActor(policy, **settings)
        actor.reset(1)
        for look in looks:
            assert actor.act({name: value[None] for name, value in look.items()}).shape[2] == len(JOINTS)


def test_nothing_is_sent_that_is_not_finite(pendulum_export: Path, looks: list[dict[str, np.ndarray]]) -> None:
    player = Player(ExportedPolicy(pendulum_export))
    broken = {**looks[0], "joint_position_rad": np.array([0.0, np.nan])}
    with pytest.raises(MotionError, match="'joint_position_rad' holds a number that is not finite"):
        player.step(broken)
    with pytest.raises(UnknownNameError, match="unknown observation 'joint_position_rad'"):
        player.step({name: value for name, value in looks[0].items() if name != "joint_position_rad"})
    player.close()


def test_settings_from_words() -> None:
    words = ["checkpoint=out", "execute_n=4", "latency_n=2", "ensemble=null", "periods=9"]
    assert settings_of(words) == PlaySettings("out", execute_n=4, latency_n=2, periods=9)
    with pytest.raises(UnknownNameError, match="Did you mean 'latency_n'"):
        settings_of(["latency=2"])
    with pytest.raises(UnderstudyError, match="latency_n=two: a number was wanted"):
        settings_of(["latency_n=two"])
    with pytest.raises(UnderstudyError, match="checkpoint= is missing"):
        settings_of([])


AS_A_PROCESS = """
import sys
from policies.__main__ import main
status = main(sys.argv[1:])
heavy = {"torch", "hydra", "omegaconf", "onnx", "onnxscript", "mujoco", "pinocchio"} & set(sys.modules)
sys.exit(f"imported: {heavy}" if heavy else status)
"""


def play(folder: Path, said: str, *words: str, cwd: Path = REPO) -> subprocess.CompletedProcess[str]:
    """`python -m policies play` in a process of its own, which fails where it has imported what a robot does not have."""
    command = [sys.executable, "-c", AS_A_PROCESS, "play", f"checkpoint={folder}", *words]
    environment = {"PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1", "PATH": ""}
    return subprocess.run(command, input=said, capture_output=True, text=True, timeout=60, check=False, cwd=cwd, env=environment)


def lines(*said: object) -> str:
    return "".join(json.dumps(line) + "\n" for line in said)


def test_lines_without_torch(pendulum_checkpoint: Path, pendulum_export: Path, looks: list[dict[str, np.ndarray]]) -> None:
    """Two episodes: what the policy itself would do, twice."""
    seen = [{"observation": {name: value.tolist() for name, value in look.items()}} for look in looks]
    done = play(
        pendulum_export, lines({"joint_names": JOINTS, "period_s": 0.02}, *seen, {"reset": True}, *seen), "latency_n=0", "blend_n=2"
    )
    assert done.returncode == 0, done.stderr
    welcome, *told = map(json.loads, done.stdout.splitlines())
    assert (welcome["policy"], welcome["joint_names"], welcome["period_s"]) == ("bc", list(JOINTS), 0.02)
    assert welcome["observations"]["reference_rad"] == [25, 2]
    assert [line["period"] for line in told] == [*range(10), *range(10)]
    wanted = wanted_actions(pendulum_checkpoint, looks, blend_n=2)
    np.testing.assert_allclose([line["action"] for line in told], [*wanted, *wanted], atol=ATOL)
    assert "20 periods of 20 ms" in done.stderr


def test_lines_that_are_wrong_are_one_error(pendulum_export: Path) -> None:
    """On both streams: the robot's own program reads the one, whoever started it the other."""
    greeting = {"joint_names": JOINTS, "period_s": 0.02}
    for said, error in (
        (lines({"joint_names": ["shoulder", "wrist"], "period_s": 0.02}), "missing joints: elbow; extra joints: wrist"),
        (lines(greeting, {"observations": {}}), 'line 2 of the robot has to be {"observation"'),
        (lines(greeting) + "{\n", "line 2 of the robot is not JSON"),
    ):
        done = play(pendulum_export, said)
        assert done.returncode == 2
        assert error in json.loads(done.stdout.splitlines()[-1])["error"]
        assert f"error: {json.loads(done.stdout.splitlines()[-1])['error']}\n" in done.stderr


OWN_ROBOT = """
import numpy as np


class Robot:
    joint_names, period_s, keeps_time = ("shoulder", "elbow"), 0.02, False

    def observe(self):
        still = dict.fromkeys(("joint_position_rad", "joint_velocity_radps", "previous_action_rad"), np.zeros(2))
        return {**still, "reference_rad": np.zeros((25, 2))}

    def send(self, action):
        print(*action)
"""


def test_a_robot_of_ones_own_in_python(pendulum_export: Path, tmp_path: Path) -> None:
    (tmp_path / "my_robot.py").write_text(OWN_ROBOT)
    done = play(pendulum_export, "", "robot=my_robot:Robot", "periods=5", "latency_n=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert np.isfinite([[float(word) for word in line.split()] for line in done.stdout.splitlines()]).sum() == 10
    assert "5 periods of 20 ms" in done.stderr
    failed = play(pendulum_export, "", "robot=no_robot:Robot", cwd=tmp_path)
    assert (failed.returncode, failed.stderr) == (2, "error: robot=no_robot:Robot cannot be imported (No module named 'no_robot').\n")


def test_pictures_come_as_bytes_in_base64() -> None:
    """What the robot says in a line is what its camera saw; anything else is refused."""
    spec = PolicySpec("robot", JOINTS, (("joint_position_rad", (2,)), ("image_head", (2, 4, 3))), 1, PERIOD_S)
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    said = [{"joint_names": JOINTS, "period_s": PERIOD_S}]
    for told in (base64.b64encode(picture.tobytes()).decode(), base64.b64encode(b"short").decode(), "no base64", [1, 2, 3]):
        said.append({"observation": {"joint_position_rad": [0.1, 0.2], "image_head": told}})
    outgoing = io.StringIO()
    robot = LinesRobot(io.StringIO("\n".join(map(json.dumps, said))), outgoing)
    robot.welcome(spec, "bc")
    assert json.loads(outgoing.getvalue())["observations"]["image_head"] == [2, 4, 3]
    seen = robot.observe()
    assert seen is not None
    assert seen["image_head"].dtype == np.uint8
    assert np.array_equal(seen["image_head"], picture)
    for line in (3, 4, 5):
        with pytest.raises(
            MotionError, match=f"line {line} of the robot: observation 'image_head' is not the 24 bytes of 2 x 4 x 3 in base64"
        ):
            robot.observe()
