"""`python -m retarget score`: measure any tool's robot motion against the person's, one pair or two folders of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from tqdm import tqdm

from motion.errors import FileFormatError, UnderstudyError, require
from motion.store import write_text
from retarget.body_map import BodyMap, body_map
from retarget.corpus_report import Clip, write_corpus, write_page
from retarget.measure import MeasureSettings, QualityCard, measure
from retarget.pipeline import find_recordings
from retarget.robot_motions import LAYOUTS, read_robot_motion, robot_motions_in, robot_named_by
from retarget.show_card import coloured, say, show_card
from retarget.sources.base import SourceOptions, read_recording
from robots import load_robot

_DEFAULT_ROBOT = "g1"
_LAYOUTS = "\n".join(f"  {layout}" for layout in ("Understudy .npz", *LAYOUTS))


@dataclass(frozen=True)
class Scored:
    """What scoring one pair gives: the card, what was understood of both files, and the length of what was measured."""

    card: QualityCard
    understood: Mapping[str, str]
    frames_n: int
    seconds: float


@dataclass(frozen=True)
class ScoreSettings:
    """How pairs are read and measured.

    Attributes:
        source: of the person's recording; None detects it.
        options: of that source.
        robot_rate_hz: of robot motions that carry no rate.
        measure: what is measured.
    """

    source: str | None = None
    options: SourceOptions = SourceOptions()
    robot_rate_hz: float | None = None
    measure: MeasureSettings = MeasureSettings()


def score_pair(human: Path, robot: Path, body: BodyMap, settings: ScoreSettings | None = None) -> Scored:
    """Measure one robot motion against the recording that it was made from.

    Args:
        human: anything that a source reads.
        robot: anything that `retarget.robot_motions` reads.
        body: the robot.
        settings: of reading and measuring.
    """
    settings = settings or ScoreSettings()
    person = read_recording(human, settings.options, settings.source)
    reading = read_robot_motion(robot, body.robot, settings.robot_rate_hz)
    motion = reading.motion
    if not reading.own_clock:  # the file knows a rate only: its first frame is taken to be the recording's first
        motion = replace(motion, time_s=motion.time_s + person.motion.time_s[0])
    card = measure(body, person.motion, motion, settings=settings.measure)
    missing = reading.understood.get("joints", "").partition("at rest: ")[2]
    if missing:
        card = replace(card, reasons=(*card.reasons, f"the file has no angles for {missing}: they are taken at rest."))
    understood = {f"human {key}": value for key, value in person.understood.items()}
    understood |= {f"robot {key}": value for key, value in reading.understood.items()}
    return Scored(card, understood, len(motion.time_s), float(motion.time_s[-1] - motion.time_s[0]))


def find_pairs(human: Path, robot: Path) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Recordings and robot motions of two folders that have the same name, and words about those that have no partner.

    Raises:
        FileFormatError: one is a folder and the other is not, or nothing has a partner.
    """
    for path in (human, robot):
        require(path.exists(), FileFormatError, f"{path}: no such file or folder.")
    if not human.is_dir() and not robot.is_dir():
        return [(human, robot)], []
    both = human.is_dir() and robot.is_dir()
    require(both, FileFormatError, f"{human} and {robot}: two files or two folders are wanted, in which partners have the same name.")
    people, words = _by_stem(find_recordings(str(human)))
    motions, more = _by_stem(robot_motions_in(robot))
    shared = sorted(people.keys() & motions.keys())
    require(bool(shared), FileFormatError, f"{human} and {robot}: no recording and no robot motion have the same name.")
    lonely = [path.name for side in (people, motions) for stem, path in side.items() if stem not in shared]
    alone = [f"no partner of that name: {_listed(lonely)}"] if lonely else []
    return [(people[stem], motions[stem]) for stem in shared], [*words, *more, *alone]


def _by_stem(paths: Sequence[Path]) -> tuple[dict[str, Path], list[str]]:
    """The first file of every name, and words about others of that name."""
    first: dict[str, Path] = {}
    others = [path.name for path in paths if first.setdefault(path.stem, path) != path]
    return first, [f"not used, because another file has the same name: {_listed(others)}"] if others else []


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if names[4:] else "")


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    given = _parser().parse_args(words)
    console = Console()
    pairs, remarks = find_pairs(given.human, given.robot)
    body = body_map(load_robot(given.robot_model or robot_named_by(pairs[0][1]) or _DEFAULT_ROBOT))
    settings = ScoreSettings(
        source=given.source,
        options=SourceOptions(rate_hz=given.rate, unit_m=given.unit, up=given.up, joint_names=given.joint_names, array=given.array),
        robot_rate_hz=given.robot_rate,
        measure=MeasureSettings(self_contact=not given.no_self_contact, forces=not given.no_forces, frames_n=given.frames),
    )
    _refuse(given, pairs)
    if not given.human.is_dir():
        return _one(console, *pairs[0], body, settings, given)
    return _many(console, pairs, remarks, body, settings, given)


def _refuse(given: argparse.Namespace, pairs: Sequence[tuple[Path, Path]]) -> None:
    read = {path.resolve() for pair in pairs for path in pair}
    for flag, output in (("--output", given.output), ("--html", given.html)):
        if output is not None and output.resolve() in read:
            raise UnderstudyError(f"{flag} {output} is a file to be read; it would be overwritten.")
    if given.human.is_dir() and given.output is None:
        raise UnderstudyError("folders want --output FOLDER, for the cards, corpus.json and corpus.html.")


def _one(console: Console, human: Path, robot: Path, body: BodyMap, settings: ScoreSettings, given: argparse.Namespace) -> int:
    done = score_pair(human, robot, body, settings)
    show_card(console, done.card, robot.name, done.understood)
    if given.output:
        _write_card(given.output, human, robot, done)
        say(console, f"wrote {given.output}")
    if given.html:
        clip = Clip(robot.name, done.card, done.frames_n, done.seconds)
        write_page(given.html, f"{robot.name} on {body.robot.name}, against {human.name}", [clip])
        say(console, f"wrote {given.html}")
    return 0


def _many(
    console: Console,
    pairs: Sequence[tuple[Path, Path]],
    remarks: Sequence[str],
    body: BodyMap,
    settings: ScoreSettings,
    given: argparse.Namespace,
) -> int:
    clips = []
    for human, robot in tqdm(pairs, unit="clip", leave=False):
        try:
            done = score_pair(human, robot, body, settings)
        except UnderstudyError as error:
            clips.append(Clip(robot.stem, None, error=str(error)))
            continue
        _write_card(given.output / f"{robot.stem}.card.json", human, robot, done)
        clips.append(Clip(robot.stem, done.card, done.frames_n, done.seconds))
    title = f"{given.robot.resolve().name} on {body.robot.name}"
    data, page = write_corpus(given.output, title, clips)
    if given.html:
        write_page(given.html, title, clips)
    for clip in clips:
        console.print(f"{coloured(clip.verdict)} ", end="")
        say(console, f"{clip.name}{': ' + clip.error if clip.error else ''}")
    for remark in remarks:
        say(console, f"- {remark}")
    say(console, f"wrote {data}, {page}{f', {given.html}' if given.html else ''}")
    return 1 if any(clip.error for clip in clips) else 0


def _write_card(path: Path, human: Path, robot: Path, done: Scored) -> None:
    text = {"human": human.name, "robot": robot.name, "understood": dict(done.understood), **done.card.to_json()}
    write_text(path, json.dumps(text, indent=1, allow_nan=False))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m retarget score",
        description="Measure any tool's robot motion against the person's.",
        epilog=f"Robot motions that are read, found by themselves:\n{_LAYOUTS}\n\nWhat the numbers mean: docs/quality.md",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--human", type=Path, required=True, help="the recording; or a folder")
    add("--robot", type=Path, required=True, help="the robot's motion; or a folder, partners have the same name")
    add("--robot-model", help=f"robot or its folder (default: what the file names, or {_DEFAULT_ROBOT})")
    add("--robot-rate", type=float, metavar="HZ", help="of robot motions that carry no rate (.csv)")
    add("--output", type=Path, help="card.json; for folders a folder, for the cards, corpus.json and corpus.html")
    add("--html", type=Path, help="page.html")
    add("--source", help="format of the recording, where it is not recognised")
    add("--rate", type=float, metavar="HZ", help="of the recording, where it carries none")
    add("--unit", type=float, metavar="M", help="length of the recording's unit in metres")
    add("--up", help="vertical axis of the recording: x, y, z, with - before it where it points down")
    add("--joint-names", help="of the recording: a known order, or a JSON list of names")
    add("--array", help="of the recording's .npz: the array of positions")
    add("--frames", type=_count, default=MeasureSettings.frames_n, metavar="N", help="frames for self-contact and torques (%(default)s)")
    add("--no-self-contact", action="store_true", help="leave self-contact out")
    add("--no-forces", action="store_true", help="leave torques and balance out")
    return parser


def _count(word: str) -> int:
    """A number above 0."""
    value = int(word)
    if value < 1:
        raise ValueError(word)
    return value
