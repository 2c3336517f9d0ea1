"""Quality control of one clip of a film: numbers, a verdict, and reasons that tell when, why and how to film it better.

Faults of integrity exclude a clip; everything else only asks a person to look. Thresholds live in `QualityProfile`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from motion.errors import FileFormatError
from motion.store import entries_of, write_text
from retarget.video.hands.tracks import HandTrack
from retarget.video.paths import BodyPath, HandPath
from retarget.video.quality.measured import Measured, Span
from retarget.video.quality.numbers import NUMBERS
from retarget.video.quality.of_body import measure_body
from retarget.video.quality.of_hands import measure_hands
from retarget.video.quality.of_pictures import FilmFacts, measure_clock, measure_file, measure_pictures
from retarget.video.quality.profile import QualityProfile
from retarget.video.seen import PictureStats

Verdict = Literal["pass", "review", "exclude"]
VERDICTS: tuple[Verdict, ...] = ("pass", "review", "exclude")
"""From the best to the worst."""

_KIND = "film_quality"
_LEVELS: tuple[tuple[Verdict, str], ...] = (("exclude", "exclude_"), ("review", ""))
_WELCOME = frozenset({"jitter_pct", "bone_change_pct", "stretched_pct", "reprojection_pct"})
"""What is asked of hands where a person was filmed from afar, and only of hands that are large enough: their fingers hang on the
body's wrists there, and nobody promised that they can be seen."""
_OF_HANDS = frozenset({"any_seen_pct", "swapped_pct", "handovers"})


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        what: the number's name in `FilmQuality.numbers`, or "file" for what was said of the file itself.
        verdict: "review" or "exclude".
        measured, threshold: value and bound; NaN for what has no number.
        spans_s: when, from and to, in the film's time; empty: all of it.
        reason: what is wrong, in plain words.
        advice: how to film it better; may be empty.
    """

    what: str
    verdict: Verdict
    measured: float
    threshold: float
    spans_s: tuple[Span, ...]
    reason: str
    advice: str

    @property
    def sentence(self) -> str:
        """Reason, when, and advice."""
        where = f", at {when(self.spans_s)}" if self.spans_s else ""
        return f"{self.reason[:1].upper()}{self.reason[1:]}{where}. {self.advice}".strip()


@dataclass(frozen=True)
class FilmQuality:
    """What was found about one clip.

    Attributes:
        verdict: the worst of the findings'; "pass" without any.
        findings: what excludes first, then by how far beyond the bound.
        numbers: name -> value; NaN where there was nothing to measure.
        view: "head", "third_person" or "hands".
        profile: the thresholds, with their version.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    numbers: Mapping[str, float]
    view: str
    profile: QualityProfile

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; NaN becomes null."""
        return {
            "format": "understudy",
            "kind": _KIND,
            "verdict": self.verdict,
            "view": self.view,
            "findings": [
                {**asdict(found), "measured": _null(found.measured), "threshold": _null(found.threshold)} for found in self.findings
            ],
            "numbers": {name: _null(value) for name, value in self.numbers.items()},
            "profile": {"name": self.profile.name, **asdict(self.profile)},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FilmQuality:
        """From what `to_json` gave; wrong entries raise what they cause (`load_quality` turns that into one error)."""
        findings = tuple(
            Finding(
                **{
                    **found,
                    "measured": _nan(found["measured"]),
                    "threshold": _nan(found["threshold"]),
                    "spans_s": tuple((float(start), float(stop)) for start, stop in found["spans_s"]),
                }
            )
            for found in data["findings"]
        )
        profile = {key: value for key, value in data["profile"].items() if key != "name"}
        numbers = {name: _nan(value) for name, value in data["numbers"].items()}
        return cls(VERDICTS[VERDICTS.index(data["verdict"])], findings, numbers, str(data["view"]), QualityProfile(**profile))


def judge(
    facts: FilmFacts,
    pictures: PictureStats,
    tracks: Mapping[str, HandTrack],
    hands: Mapping[str, HandPath],
    view: str,
    body: BodyPath | None = None,
    profile: QualityProfile | None = None,
) -> FilmQuality:
    """Judge one clip.

    Args:
        facts: of the file.
        pictures: of the clip's T pictures.
        tracks: side -> what the detector saw of that hand.
        hands: side -> what was made of it; neither has to be there for every side.
        view: "head", "third_person" or "hands". In third person the body is judged, and hands only where they are seen.
        body: the person, if they were seen (not what was inferred from hands).
        profile: thresholds; those of `conf/film_quality/v1.yaml` by default.
    """
    profile = profile or QualityProfile()
    measured = [*measure_file(facts), *measure_clock(pictures.time_s), *measure_pictures(pictures, profile)]
    measured += measure_hands(tracks, hands, facts, profile)
    if view == "third_person":
        measured += measure_body(body, profile) if body is not None else [Measured("person_pct", 0.0)]
    asked = [one for one in measured if view != "third_person" or _asked_from_afar(one, measured, profile)]
    findings = [*_stated(facts), *_beyond(asked, profile)]
    findings.sort(key=lambda found: (-VERDICTS.index(found.verdict), -_severity(found)))
    return FilmQuality(
        worst(found.verdict for found in findings), tuple(findings), {one.key: float(one.value) for one in measured}, view, profile
    )


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts; "pass" of none."""
    return max(verdicts, key=VERDICTS.index, default="pass")


def when(spans_s: Sequence[Span], most: int = 3) -> str:
    """Spans in words: "0:01.2 to 0:03.4, 1:02.0 and 2 more times"."""
    shown = [_clock(start) if stop - start < 0.1 else f"{_clock(start)} to {_clock(stop)}" for start, stop in spans_s[:most]]
    more = f" and {len(spans_s) - most} more times" if len(spans_s) > most else ""
    return ", ".join(shown) + more


def save_quality(path: Path, quality: FilmQuality) -> None:
    """Write it as JSON, whole or not at all."""
    write_text(path, json.dumps(quality.to_json(), indent=1, allow_nan=False) + "\n")


def load_quality(path: Path) -> FilmQuality:
    """Read what `save_quality` wrote.

    Raises:
        FileFormatError: no such file.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path}: cannot be read as JSON ({error}).") from error
    if not isinstance(data, dict) or data.get("kind") != _KIND:
        raise FileFormatError(f"{path}: is not the quality of a film, as `python -m retarget.video` writes it.")
    with entries_of(path):
        return FilmQuality.from_json(data)


def _stated(facts: FilmFacts) -> Iterator[Finding]:
    """What others said of the file."""
    levels: tuple[tuple[Verdict, tuple[str, ...]], ...] = (("exclude", facts.unusable), ("review", facts.faults))
    for verdict, sentences in levels:
        for sentence in sentences:
            yield Finding("file", verdict, math.nan, math.nan, (), sentence.rstrip("."), "")


def _asked_from_afar(one: Measured, measured: Sequence[Measured], profile: QualityProfile) -> bool:
    """Whether a number is judged where a person was filmed from afar."""
    if not one.part.endswith("hand"):
        return one.number not in _OF_HANDS
    large = any(other.number == "hand_px" and other.part == one.part and other.value >= profile.min_hand_px for other in measured)
    return large and one.number in _WELCOME


def _beyond(measured: Iterable[Measured], profile: QualityProfile) -> Iterator[Finding]:
    """A finding for every number beyond a bound; the hard bound counts where both are crossed."""
    for one in measured:
        for level, prefix in _LEVELS:
            low, high = (profile.bound(f"{prefix}{end}", one.number) for end in ("min_", "max_"))
            crossed = low if low is not None and one.value < low else high if high is not None and one.value > high else None
            if crossed is not None:
                number = NUMBERS[one.number]
                bound = f"{crossed:g}{' ' + number.unit if number.unit else ''} is the {'least' if crossed is low else 'most'}"
                reason = f"{number.says.format(value=one.value, part=one.part)} ({bound})"
                yield Finding(one.key, level, one.value, crossed, one.spans_s, reason, number.advice)
                break


def _severity(found: Finding) -> float:
    """How many times beyond its bound."""
    if math.isnan(found.threshold):
        return math.inf
    small, large = sorted((abs(found.measured), abs(found.threshold)))
    return large / small if small > 0 else 100.0


def _clock(time_s: float) -> str:
    return f"{int(time_s // 60)}:{time_s % 60:04.1f}"


def _null(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
