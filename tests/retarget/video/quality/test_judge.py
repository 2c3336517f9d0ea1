"""Each thing that can be wrong with a film is found, alone, with its time, and by hand arithmetic."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from retarget.video.paths import BodyPath
from retarget.video.quality.judge import FilmQuality, load_quality, save_quality, when, worst
from retarget.video.quality.profile import QualityProfile
from tests.retarget.video.good_film import FRAMES, HAND_PX, GoodFilm, good_film

MIDDLE = slice(30, 60)
RNG = np.random.default_rng(5)


def found(film: GoodFilm) -> dict[str, str]:
    """What -> verdict."""
    return {one.what: one.verdict for one in film.judged().findings}


def but(value: float, frames: slice, usual: float) -> np.ndarray:
    """(FRAMES,) a usual value, but for some frames."""
    series = np.full(FRAMES, usual)
    series[frames] = value
    return series


def test_a_good_film_passes() -> None:
    quality = good_film().judged()
    assert quality.verdict == "pass", quality.findings
    assert quality.numbers["any_seen_pct"] == quality.numbers["both_seen_pct"] == quality.numbers["left_hand_seen_pct"] == 100
    assert quality.numbers["left_hand_hand_px"] == pytest.approx(HAND_PX)
    assert quality.numbers["left_hand_reprojection_pct"] == pytest.approx(1)
    # 36 mm once a second: at most 2 pi 0.036 = 0.226 m/s
    assert quality.numbers["right_hand_speed_max_mps"] == pytest.approx(0.226, abs=0.002)


@pytest.mark.parametrize(
    ("spoil", "what", "verdict", "span"),
    [
        (lambda film: film.spoiled(brightness=but(0.05, MIDDLE, 0.45)), "dark_pct", "review", (1.0, 59 / 30)),
        (lambda film: film.spoiled(brightness=but(0.97, MIDDLE, 0.45)), "bright_pct", "review", (1.0, 59 / 30)),
        (lambda film: film.spoiled(sharpness=but(2e-5, MIDDLE, 5e-3)), "blurred_pct", "review", (1.0, 59 / 30)),
        (lambda film: film.spoiled(change=but(0, slice(30, 34), 3e-3)), None, None, None),
        (lambda film: film.spoiled(bad_stamps_n=2), None, None, None),
        (lambda film: film.spoiled(bad_stamps_n=9), "bad_stamps_pct", "exclude", None),
        (lambda film: film.spoiled(unread_share=0.6), "unread_pct", "exclude", None),
        (lambda film: film.spoiled(faults=("breaks off.",)), "file", "review", None),
        (lambda film: film.spoiled(unusable=("its poses are of another film",)), "file", "exclude", None),
        (lambda film: film.unseen("left", slice(0, 30)), "left_hand_seen_pct", "review", (0.0, 29 / 30)),
        (lambda film: film.unseen("left", np.s_[30:90:6]), "left_hand_missed_pct", "review", (1.0, 2.8)),
        (lambda film: film.unseen("right", slice(40, 57)), "right_hand_missed_s", "review", (40 / 30, 56 / 30)),
    ],
)
def test_one_fault_is_found_alone_or_is_too_small_to_matter(
    spoil: Callable[[GoodFilm], GoodFilm], what: str | None, verdict: str | None, span: tuple[float, float] | None
) -> None:
    quality = spoil(good_film()).judged()
    seen = {one.what: one for one in quality.findings}
    if what is None:
        assert not seen
        return
    assert what in seen
    assert quality.verdict == seen[what].verdict == verdict
    if span is not None:
        assert seen[what].spans_s[0] == pytest.approx(span, abs=1e-3)
    others = {"left_hand_missed_s", "left_hand_missed_pct", "left_hand_dropouts_per_min", "right_hand_missed_pct"}
    assert set(seen) - others <= {what}


def test_a_film_of_nothing_is_excluded() -> None:
    film = good_film()
    quality = film.spoiled(tracks={}, hands={}).judged()
    assert quality.verdict == "exclude"
    assert [one.what for one in quality.findings] == ["any_seen_pct"]
    assert found(film.spoiled(change=np.r_[np.nan, np.zeros(FRAMES - 1)]))["repeated_pct"] == "exclude"


def test_a_frozen_stretch_is_measured_from_the_picture_that_stands() -> None:
    quality = good_film().spoiled(change=but(0, slice(31, 61), 3e-3)).judged()
    frozen = next(one for one in quality.findings if one.what == "frozen_s")
    assert frozen.measured == pytest.approx(31 / 30)  # shown from frame 30 until frame 61 replaces it
    assert quality.verdict == "review"
    assert quality.numbers["repeated_pct"] == pytest.approx(100 * 30 / 90)


def test_missing_pictures_and_gaps_are_found_in_the_clock() -> None:
    film = good_film()
    keep = np.r_[0:30, 45:90]
    time_s = film.pictures.time_s[keep]
    pictures = {name: getattr(film.pictures, name)[keep] for name in ("brightness", "sharpness", "change")}
    quality = film.spoiled(pictures=type(film.pictures)(time_s, **pictures)).judged()
    seen = {one.what: one for one in quality.findings}
    assert set(seen) == {"missing_pct", "gap_s"}
    assert seen["missing_pct"].measured == pytest.approx(100 * 15 / 90)
    assert seen["gap_s"].measured == pytest.approx(16 / 30)
    assert seen["gap_s"].spans_s[0] == pytest.approx((29 / 30, 45 / 30), abs=1e-3)


def test_a_slow_a_short_an_uneven_and_an_impossible_clock() -> None:
    assert set(found(good_film(rate_hz=10.0))) == {"rate_hz"}
    assert set(found(good_film(frames=20))) == {"seconds"}
    assert found(good_film(rate_hz=5000.0))["rate_hz"] == "exclude"
    assert found(good_film(rate_hz=0.5))["rate_hz"] == "exclude"
    film = good_film()
    time_s = film.pictures.time_s.copy()
    time_s[1::2] += 0.4 / 30
    assert set(found(film.spoiled(time_s=time_s))) == {"uneven_pct"}


def test_a_hand_that_leaves_the_picture_is_no_dropout() -> None:
    film = good_film()
    low = film.tracks["left"].image_px + [0, 370]
    hidden = film.with_track("left", image_px=low).unseen("left", slice(40, 60))
    assert hidden.judged().numbers["left_hand_missed_pct"] == 0
    assert hidden.judged().numbers["left_hand_dropouts"] == 1
    assert hidden.judged().numbers["left_hand_dropout_s"] == pytest.approx(21 / 30)
    assert set(found(hidden)) == {"left_hand_border_pct"}


def test_a_hand_that_hardly_ever_appears_is_not_judged_by_itself() -> None:
    film = good_film().unseen("left", slice(3, None))
    assert "left_hand_hand_px" not in film.judged().numbers
    assert set(found(film)) == {"left_hand_seen_pct"}


def test_flutter_jitter_and_jumps_are_measured() -> None:
    film = good_film()
    track, path = film.tracks["left"], film.hands["left"]
    shaken = film.with_track("left", image_px=track.image_px + RNG.normal(0, 8, track.image_px.shape))
    assert shaken.judged().numbers["left_hand_jitter_pct"] == pytest.approx(100 * 8 / HAND_PX, rel=0.2)
    assert "left_hand_jitter_pct" in found(shaken)
    noisy = film.with_path("left", position_m=path.position_m + RNG.normal(0, 0.008, path.position_m.shape))
    assert noisy.judged().numbers["left_hand_jitter_mm"] == pytest.approx(8, rel=0.1)
    position = path.position_m.copy()
    position[45] += [0.3, 0, 0]  # 0.3 m within a thirtieth of a second: 9 m/s
    jumped = film.with_path("left", position_m=position).judged()
    assert jumped.numbers["left_hand_speed_max_mps"] == pytest.approx(9, rel=0.03)
    finding = next(one for one in jumped.findings if one.what == "left_hand_outlier_pct")
    assert finding.measured == pytest.approx(100 * 3 / FRAMES)  # frames 44 to 46: before, on top, and after
    assert finding.spans_s == ((1.467, 1.533),)


def test_a_palm_that_changes_its_shape_is_found() -> None:
    film = good_film()
    relative = film.tracks["left"].relative_m.copy()
    relative[::3, 5] *= 1.8
    assert set(found(film.with_track("left", relative_m=relative))) == {"left_hand_stretched_pct"}
    larger = film.tracks["left"].relative_m * np.linspace(1, 3, FRAMES)[:, None, None]
    assert not found(film.with_track("left", relative_m=larger)), "a hand that comes nearer keeps its shape"


def test_far_reprojection_small_hands_and_swaps_are_found() -> None:
    film = good_film()
    assert set(found(film.with_path("left", reprojection_px=np.full(FRAMES, 0.1 * HAND_PX)))) == {"left_hand_reprojection_pct"}
    centre = film.tracks["left"].image_px.mean((0, 1))
    small = film.with_track("left", image_px=centre + 0.2 * (film.tracks["left"].image_px - centre))
    assert set(found(small)) == {"left_hand_hand_px"}
    assert found(film.spoiled(width_px=426, height_px=240))["short_side_px"] == "review"
    assert set(found(film.with_track("left", relabelled=np.arange(FRAMES) < 10))) == {"swapped_pct"}


def test_a_hand_that_turns_into_the_other_is_found() -> None:
    film = good_film().unseen("left", slice(45, None)).unseen("right", slice(0, 46))
    quality = film.judged()
    handover = next(one for one in quality.findings if one.what == "handovers")
    assert handover.measured == 1
    assert handover.spans_s == ((1.533, 1.533),)
    late = good_film().unseen("left", slice(40, None)).unseen("right", slice(0, 50))
    assert late.judged().numbers["handovers"] == 0


def body(seen: np.ndarray, shake_m: float = 0.0) -> BodyPath:
    names = ("left_shoulder", "left_elbow", "left_wrist", "left_hip")
    time_s = good_film().pictures.time_s
    position = np.repeat(np.array([[0, 0, 1.4], [0, 0, 1.1], [0, 0, 0.85], [0, 0, 0.9]])[None], FRAMES, 0)
    position = position + RNG.normal(0, shake_m, position.shape) if shake_m else position
    image = np.where(seen[:, None, None], np.full((FRAMES, 4, 2), 500.0), np.nan)
    return BodyPath(time_s, names, position, np.ones((FRAMES, 4)), image, ~seen, frozenset(), {})


def test_in_third_person_the_person_is_judged_and_hands_are_welcome() -> None:
    everywhere = np.ones(FRAMES, bool)
    film = good_film().spoiled(view="third_person", tracks={}, hands={})
    assert not found(film.spoiled(body=body(everywhere)))
    assert found(film) == {"person_pct": "exclude"}
    assert set(found(film.spoiled(body=body(np.arange(FRAMES) < 60)))) == {"person_pct"}
    assert "body_jitter_mm" in found(film.spoiled(body=body(everywhere, shake_m=0.03)))
    with_hands = good_film().spoiled(view="third_person", body=body(everywhere))
    shaken = with_hands.tracks["left"].image_px + RNG.normal(0, 8, with_hands.tracks["left"].image_px.shape)
    assert not found(with_hands.unseen("left", slice(0, 80)))
    assert set(found(with_hands.with_track("left", image_px=shaken))) == {"left_hand_jitter_pct"}
    assert not found(with_hands.with_track("left", image_px=0.2 * shaken + 400)), "too small to be asked anything"


def test_what_excludes_comes_first_and_decides() -> None:
    quality = good_film().spoiled(brightness=np.full(FRAMES, 0.05), unread_share=0.9, faults=("breaks off",)).judged()
    assert [one.verdict for one in quality.findings] == ["exclude", "review", "review"]
    assert worst(["review", "pass"]) == "review"
    assert worst([]) == "pass"


def test_reasons_name_value_bound_time_and_remedy() -> None:
    finding = good_film().spoiled(brightness=but(0.05, MIDDLE, 0.45)).judged().findings[0]
    assert finding.sentence == "33 % of the pictures are too dark (5 % is the most), at 0:01.0 to 0:02.0. Switch more light on."
    assert when([(61.2, 61.2), (62, 63), (64, 65), (66, 67)]) == "1:01.2, 1:02.0 to 1:03.0, 1:04.0 to 1:05.0 and 1 more times"


def test_the_result_survives_its_file(tmp_path: Path) -> None:
    quality = good_film().unseen("left", slice(0, 90)).spoiled(faults=("breaks off",)).judged()
    save_quality(tmp_path / "q.json", quality)
    back = load_quality(tmp_path / "q.json")
    assert back.to_json() == quality.to_json()
    assert back.profile == QualityProfile()
    assert math.isnan(back.findings[0].measured)
    assert json.loads((tmp_path / "q.json").read_text())["profile"]["version"] == "v1"


def test_other_files_are_refused(tmp_path: Path) -> None:
    for text in ("{", "[]", '{"kind": "film_quality"}', '{"kind": "human_motion"}'):
        (tmp_path / "q.json").write_text(text)
        with pytest.raises(FileFormatError, match="q.json"):
            load_quality(tmp_path / "q.json")
    with pytest.raises(FileFormatError, match="nowhere"):
        load_quality(tmp_path / "nowhere.json")
    assert FilmQuality.from_json(good_film().judged().to_json()).verdict == "pass"
