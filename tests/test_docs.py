"""The documentation keeps its promises: links lead somewhere, commands, settings, keys and gates are those of the code."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.robots import found_table
from gap.catalogue import METRICS
from motion.landmarks import LANDMARKS
from motion.segments import BODY_SEGMENTS
from retarget.measure import GATES, NUMBERS
from retarget.measure.stance import HEIGHT_M, LOW_PERCENTILE, MIN_FRAMES_N, MIN_STANCE_S, SPEED_MPS
from retarget.object_targets import GripSettings
from retarget.person import BLEND_S, BRIDGE_S
from retarget.problem import SolverSettings
from retarget.smooth import SmoothSettings
from retarget.sources.base import SourceOptions
from retarget.targets import TargetWeights
from robots.yaml_loader import _KEYS

REPO = Path(__file__).resolve().parent.parent
PAGES = sorted([*(REPO / "docs").glob("*.md"), *REPO.glob("README.md")])
ids = [page.name for page in PAGES]
each_page = pytest.mark.parametrize("page", PAGES, ids=ids)


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def first_cells(page: str, header: str) -> list[str]:
    """Names in backticks in the first column of the table whose header row begins so."""
    rows = (REPO / "docs" / page).read_text().split(f"\n| {header} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def anchors(page: Path) -> set[str]:
    """Anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_pages_are_there() -> None:
    assert {"conventions.md", "architecture.md", "add_a_robot.md", "quality.md"} <= set(ids)


@each_page
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name}: {target} leads nowhere"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target} has no such heading; there are {sorted(anchors(file))}"


@each_page
def test_paths_in_backticks_exist(page: Path) -> None:
    """`envs/plants.py`, or `retarget/sources/` of this project; a name with <...> in it, or planned, is no path."""
    text = page.read_text().split("## Not there yet")[0]
    for name in re.findall(r"`((?:motion|robots|retarget|envs|workers|policies|gap|conf|tests)/[\w/.]*)`", text):
        assert (REPO / name).exists(), f"{page.name}: {name} does not exist"


@each_page
def test_commands_name_doors_that_exist(page: Path) -> None:
    words = " ".join([*blocks(page, "bash"), *blocks(page, "sh"), *blocks(page, "console"), *re.findall(r"`([^`\n]+)`", page.read_text())])
    for module in re.findall(r"python -m ([\w.]+)", words):
        path = REPO / module.replace(".", "/")
        known = path.with_suffix(".py").is_file() or (path / "__main__.py").is_file() or module in ("pytest", "pip", "venv")
        assert known, f"{page.name}: python -m {module}"
    for script in re.findall(r"python ([\w/]+\.py)", words):
        assert (REPO / script).is_file(), f"{page.name}: python {script}"


def fields(module: str, name: str) -> set[str]:
    """Annotated fields of a class, read from the text of its module: importing torch would cost a second."""
    body = next(node for node in ast.parse((REPO / module).read_text()).body if isinstance(node, ast.ClassDef) and node.name == name)
    return {item.target.id for item in body.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)}


def policy_fields() -> set[str]:
    """Settings of all policies: of the classes called ...Config in the files of `policies/`, but for that of training."""
    found = {}
    for path in sorted((REPO / "policies").glob("*.py")):
        for name in re.findall(r"^class (\w+Config)\(?", path.read_text(), re.MULTILINE):
            found[name] = fields(f"policies/{path.name}", name)
    return set().union(*(names for name, names in found.items() if name != "TrainConfig"))


SETTINGS = {
    **{
        key: {field.name for field in dataclasses.fields(kind)}
        for key, kind in (("solver", SolverSettings), ("smooth", SmoothSettings), ("source", SourceOptions), ("weights", TargetWeights))
    },
    "train": fields("policies/settings.py", "TrainConfig"),
    "policy": policy_fields() | {"name"},
    "rules": fields("envs/chores/follow.py", "FollowRules"),
    "disturbance": fields("envs/disturbance.py", "Disturbance"),
    "law": fields("envs/actors.py", "ExpertLaw"),
}
SETTINGS["source"] |= {"name"}


@each_page
def test_settings_exist(page: Path) -> None:
    code = " ".join([*blocks(page, "bash"), *blocks(page, "text"), *re.findall(r"`([^`\n]+)`", page.read_text())])
    for group, name in re.findall(rf"(?<![\w/.\"])({'|'.join(SETTINGS)})\.(\w+)(?![\w(])", code):
        if name in ("py", "yaml", "md", "safetensors"):  # a file's ending
            continue
        assert name in SETTINGS[group], f"{page.name}: {group}.{name} is no setting; there are {sorted(SETTINGS[group])}"


def imports(code: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


@each_page
def test_python_parses_and_imports_what_exists(page: Path) -> None:
    for code in blocks(page, "python"):
        for module, name in imports(code):
            path = REPO / module.replace(".", "/")
            file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
            if file.is_file():
                assert re.search(rf"\b{name}\b", file.read_text()), f"{page.name}: {module} has no {name}"


def test_robot_yaml_keys_are_the_schemas() -> None:
    rows = (REPO / "docs" / "add_a_robot.md").read_text().split("\n| key |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(_KEYS)


def test_the_table_of_robots_is_what_is_found(data: Path) -> None:
    """`python -m benchmarks.robots table` prints it."""
    assert found_table(data) in (REPO / "docs" / "add_a_robot.md").read_text()


def test_quality_card_gates_are_the_codes() -> None:
    text = (REPO / "docs" / "quality.md").read_text().split("\n| number |", 1)[1].split("\n\n", 1)[0]
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines()[2:]]
    said = {row[0].strip("`"): (row[2], row[3]) for row in cells}
    assert {name: said[name] for name in GATES} == {name: (f"{gate.review:g}", f"{gate.reject:g}") for name, gate in GATES.items()}
    assert {name for name, gates in said.items() if gates == ("-", "-")} == set(said) - set(GATES)
    assert list(said) == list(NUMBERS)


def test_the_stance_rule_is_the_codes() -> None:
    text = (REPO / "docs" / "quality.md").read_text()
    rule = f"{LOW_PERCENTILE:g}nd percentile plus {1e3 * HEIGHT_M:g} mm"
    assert rule in text
    assert f"slower than {SPEED_MPS:g} m/s" in text
    assert f"at least {MIN_FRAMES_N} frames and {MIN_STANCE_S:g} s" in text


def test_the_rule_of_grips_is_the_codes() -> None:
    text, grip = (REPO / "docs" / "retargeting.md").read_text(), GripSettings()
    for said in (
        f"within {grip.near_m:g} m of",
        f"slower than {grip.leave_mps:g} m/s",
        f"once slower than {grip.enter_mps:g} m/s",
        f"for {grip.least_s:g} s at least",
        f"({1e2 * grip.moved_m:g} cm or {grip.moved_rad:g} rad)",
        f"within {grip.touch_m:g} m",
        f"over {grip.blend_s:g} s before",
        f"within {BLEND_S:g} s before",
        f"up to {BRIDGE_S:g} s are bridged",
    ):
        assert said in text, said


def test_scorecard_columns_are_the_catalogues() -> None:
    assert first_cells("quality.md", "column") == [*METRICS, "safety.*"]


def test_observations_and_signals_are_the_chores() -> None:
    code = "".join((REPO / name).read_text() for name in ("envs/episodes.py", "envs/chores/follow.py"))
    seen, measured = first_cells("conventions.md", "observation, before action t"), first_cells("conventions.md", "signal, after action t")
    assert len(seen) == 6
    assert len(measured) == 12
    assert [name for name in (*seen, *measured) if f'"{name}"' not in code] == []


def test_segments_and_landmarks_are_the_vocabularys() -> None:
    plain = {name.removeprefix("left_").removeprefix("right_") for name in BODY_SEGMENTS}
    assert set(first_cells("conventions.md", "segment")) == plain | {"proximal", "middle", "distal"}
    assert f"One vocabulary of {len(LANDMARKS)} names" in (REPO / "docs" / "conventions.md").read_text()
