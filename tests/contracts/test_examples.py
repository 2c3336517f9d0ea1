"""The commands of the examples are commands that the doors take."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from importlib.util import find_spec

import pytest
import yaml

from examples.demo import NOTE, OUT, STAGES


@pytest.mark.parametrize("line", [words for _, words in STAGES], ids=[name for name, _ in STAGES])
def test_every_stage_of_the_demo_composes(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(line)
    package = words.pop(1) if words[0] == "-m" else ""
    door = f"{package}.{'door' if find_spec(f'{package}.door') else '__main__'}" if package else words[0].removesuffix(".py")
    monkeypatch.setattr(sys, "argv", [*words, "--cfg", "job"])
    with pytest.raises(SystemExit) as left:
        import_module(door).command()
    assert left.value.code in (0, None), capsys.readouterr().err
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["output"].startswith(OUT)
    assert config.get("notes", [NOTE]) == [NOTE]
