"""The pages on formats say what the code does, and their example runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from retarget.exports.base import exports
from retarget.joint_orders import JOINT_ORDERS
from retarget.reading.marker_names import POINTS, SETS, SKIN, recognised
from retarget.sources.base import SourceOptions, sources
from tests.motion.bodies import standing_points

REPO = Path(__file__).resolve().parents[2]
PAGE = (REPO / "docs" / "formats.md").read_text()


def rows(header: str) -> list[list[str]]:
    """Cells of the table whose header row begins so."""
    body = PAGE.split(f"\n| {header} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in body]


def test_the_page_lists_every_source_with_its_endings() -> None:
    said = {row[0].strip("`"): tuple(re.findall(r"`(\.\w+)`", row[1])) for row in rows("source")}
    said["asf_amc"] = (".amc",)  # the skeleton beside it is named, too
    assert said == {name: source.suffixes for name, source in sources().items()}


def test_the_page_lists_every_layout_with_its_order_and_rate() -> None:
    table = {row[0].strip("`"): row for row in rows("format")}
    assert set(table) == set(exports())
    for name, export in exports().items():
        assert table[name][2] == export.quaternion
        assert table[name][4] == (f"{export.rate_hz:g} Hz" if export.rate_hz else "the motion's")
        assert ("Isaac" in table[name][3]) == (export.order == "isaac")
    for order in JOINT_ORDERS:
        assert f"`{order}`" in PAGE


def test_the_page_lists_every_marker_set_with_names_that_it_knows() -> None:
    table = {row[0].strip("`"): re.findall(r"`([^`]+)`", row[1])[0].split() for row in rows("set")}
    assert set(table) == set(SETS)
    for name, markers in table.items():
        found, known = recognised(markers, None)
        assert found == name
        assert set(known) == set(markers)
    for point in SKIN:
        assert point.removeprefix("left_").removeprefix("right_") in PAGE


def test_the_map_on_the_page_is_one() -> None:
    table = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    assert {key if isinstance(value, list) else value for key, value in table.items()} <= POINTS


def test_the_example_of_a_new_format_runs(tmp_path: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", (REPO / "docs" / "add_a_format.md").read_text(), re.DOTALL)[0]
    module: dict[str, object] = {}
    exec(compile(code, "points.py", "exec"), module)
    source = module["SOURCE"]
    points = standing_points(0.3, 0.4)
    line = "\t".join(f"{value:.3f}" for point in points.values() for value in np.array([point[1], point[2], point[0]]) * 1000)
    path = tmp_path / "clip.points"
    path.write_text("\n".join(["rate_hz\t50", "\t".join(points), line, line, ""]))
    assert source.accepts(path)  # type: ignore[attr-defined]
    reading = source.read(path, SourceOptions(licence="CC0-1.0"))  # type: ignore[attr-defined]
    assert reading.understood["unit"] == "by the format (0.001 m)"
    assert reading.understood["sides"].startswith("left is left in 100%")
    np.testing.assert_allclose(reading.motion.point("left_knee")[0, 2], points["left_knee"][2], atol=1e-6)
    assert (reading.motion.rate_hz, reading.motion.provenance.licence) == (pytest.approx(50), "CC0-1.0")
    path.write_text("\n".join(["rate_hz\t0", "\t".join(points), line, ""]))
    with pytest.raises(FileFormatError, match=r"source\.rate_hz="):
        source.read(path, SourceOptions())  # type: ignore[attr-defined]
