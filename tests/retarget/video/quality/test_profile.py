"""The shipped profile is the class's defaults; every bound has a number, and every number that judges has words."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from motion.errors import MotionError
from retarget.video.quality.numbers import NUMBERS
from retarget.video.quality.profile import QualityProfile, bounded
from understudy import CONF, build


def test_the_shipped_profile_says_what_the_class_says() -> None:
    shipped = {path.stem: yaml.safe_load(path.read_text()) for path in (CONF / "film_quality").glob("*.yaml")}
    assert shipped["v1"] == dataclasses.asdict(QualityProfile())
    for name, values in shipped.items():
        assert build(QualityProfile, values, "film_quality").version == name


def test_every_bound_is_of_a_number_with_reason_and_advice() -> None:
    assert bounded() <= set(NUMBERS)
    for name in bounded():
        assert NUMBERS[name].says.format(value=1.0, part="left hand")
        assert NUMBERS[name].advice
    assert not [name for name, number in NUMBERS.items() if number.says and name not in bounded()]


def test_a_changed_profile_says_so() -> None:
    assert QualityProfile().name == "v1"
    assert QualityProfile(max_gap_s=0.5).name == "v1 with max_gap_s=0.5"
    assert QualityProfile(version="mine").name == "mine"


def test_impossible_profiles_are_refused() -> None:
    with pytest.raises(MotionError, match="max_gap_s"):
        QualityProfile(max_gap_s=-1)
    with pytest.raises(MotionError, match="excludes before"):
        QualityProfile(exclude_max_repeated_pct=1)
