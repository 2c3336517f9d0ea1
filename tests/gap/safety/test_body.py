"""What a body bears, as read from its file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gap.safety import load_body_limits
from gap.safety.body import FOLDER
from motion.errors import FileFormatError, UnknownNameError


def test_every_shipped_version_is_read_and_tells_the_source_of_each_figure() -> None:
    for path in FOLDER.glob("*.yaml"):
        limits = load_body_limits(path.stem)
        assert len({region.name for region in limits.regions}) == 12
        assert sum(len(region.pressure_npcm2) for region in limits.regions) == 29
        assert all(region.source for region in limits.regions)
        assert set(limits.patches) == {"hand", "arm", "trunk"}
        assert len(limits.unverified) == 15  # nobody has held them against the standard yet; who does, changes this line
    assert list(FOLDER.glob("*.yaml"))


def test_regions_beyond_a_force_and_a_pressure() -> None:
    limits = load_body_limits("v1")
    assert limits.beyond_force(65.0) == ()
    assert limits.beyond_force(66.0) == ("face",)
    assert limits.beyond_force(66.0, transient=True) == ("face",), "no brief contact is foreseen there, so twice as much is not allowed"
    assert limits.beyond_force(131.0) == ("skull and forehead", "face", "belly", "lower leg")
    assert limits.beyond_force(131.0, transient=True) == ("skull and forehead", "face")
    assert limits.beyond_pressure(111.0) == ("skull and forehead", "face"), "of its most sensitive place"
    assert limits.beyond_pressure(241.0, transient=True) == ("skull and forehead", "face", "chest")


def copy(folder: Path, change: object = None, text: str = "") -> Path:
    data = yaml.safe_load((FOLDER / "v1.yaml").read_text())
    if callable(change):
        change(data)
    (folder / "v1.yaml").write_text(text or yaml.safe_dump(data))
    return folder


def test_the_digest_is_that_of_the_figures_not_of_the_comments(tmp_path: Path) -> None:
    assert load_body_limits("v1", copy(tmp_path)).sha256 == load_body_limits("v1").sha256
    (tmp_path / "other").mkdir()
    changed = copy(tmp_path / "other", lambda data: data["regions"]["face"].update(force_n=66))
    assert load_body_limits("v1", changed).sha256 != load_body_limits("v1").sha256


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.pop("regions"), "regions"),
        (lambda data: data.update(regions={}), "names no region"),
        (lambda data: data.update(version="v2"), "calls itself version 'v2'"),
        (lambda data: data["regions"]["face"].pop("source"), "face: the keys are"),
        (lambda data: data["regions"]["face"].update(force_n=-1), "face, force_n: -1 is no number above 0"),
        (lambda data: data["regions"]["face"].update(force_n=True), "face, force_n: True"),
        (lambda data: data["regions"]["face"].update(force_n=float("nan")), "face, force_n: nan"),
        (lambda data: data["regions"]["face"].update(verified="no"), "neither true nor false"),
        (lambda data: data["regions"]["face"].update(pressure_npcm2={}), "names no place"),
        (lambda data: data["regions"]["face"].update(source=""), "is no text"),
        (lambda data: data["regions"]["face"].update(transient_force="2x"), "transient_force: '2x'"),
        (lambda data: data["patches"].pop("arm"), "patches: the keys are"),
        (lambda data: data["patches"]["arm"].update(area_cm2=0), "patch arm, area_cm2: 0"),
        (lambda data: data.update(patches=[1]), "a table of names and values"),
        (lambda data: data["regions"].update({7: {}}), "a table of names and values"),
    ],
)
def test_a_malformed_file_is_one_clear_error(tmp_path: Path, change: object, said: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        load_body_limits("v1", copy(tmp_path, change))
    assert said in str(caught.value)
    assert "v1.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["regions: [", "- 1", "\x00"])
def test_what_is_no_table_is_one_clear_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileFormatError, match=r"v1\.yaml"):
        load_body_limits("v1", copy(tmp_path, text=text))


def test_an_unknown_version_lists_what_exists() -> None:
    with pytest.raises(UnknownNameError, match="Known: v1"):
        load_body_limits("v0")
