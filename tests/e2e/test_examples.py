"""Every numbered example runs as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import REPO
from tests.e2e.test_doors import run

EXAMPLES = sorted((REPO / "examples").glob("[0-9]*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs(path: Path, tmp_path: Path) -> None:
    done = run(tmp_path, str(path))
    assert done.status == 0, done.err
    assert any(words in done.out for words in ("verdict: ", "Sim-to-sim robustness", "ms a frame"))
