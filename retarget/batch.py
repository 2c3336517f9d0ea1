"""Many recordings over the cores; a bad file is reported at the end and stops nobody."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from motion.cores import over_cores
from motion.errors import UnderstudyError
from retarget.measure import QualityCard
from retarget.pipeline import RetargetSettings, retarget_file


@dataclass(frozen=True)
class Outcome:
    """What became of one recording: a card, or the error that stopped it."""

    path: Path
    output: Path
    frames_n: int
    card: QualityCard | None
    error: str = ""
    seconds: float = 0.0


def refuse_overwriting(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Refuse outputs that are inputs.

    Raises:
        UnderstudyError: naming the first.
    """
    read = {path.resolve() for path in inputs}
    for output in outputs:
        if output.resolve() in read:
            raise UnderstudyError(f"{output} is a recording to be read; it would be overwritten. Choose another output=.")


def retarget_many(
    inputs: Sequence[Path], outputs: Sequence[Path], robot: str, settings: RetargetSettings, jobs: int
) -> Generator[Outcome, None, None]:
    """Retarget files over `jobs` processes; outcomes come as they are ready.

    Raises:
        UnderstudyError: an output is an input.
    """
    refuse_overwriting(inputs, outputs)
    tasks = [(path, output, robot, settings) for path, output in zip(inputs, outputs, strict=True)]
    with closing(over_cores(_one, tasks, jobs)) as done:
        for index, outcome in done:
            yield outcome or Outcome(inputs[index], outputs[index], 0, None, killed(inputs[index]))


def killed(path: Path) -> str:
    """What to say of a file whose process was killed."""
    return f"{path}: not done, a process was killed from outside. Out of memory? Try fewer jobs=."


def _one(path: Path, output: Path, robot: str, settings: RetargetSettings) -> Outcome:
    try:
        done = retarget_file(path, robot, output, settings)
    except UnderstudyError as error:
        return Outcome(path, output, 0, None, str(error))
    except Exception as error:  # a file that breaks a reader must not take the other files with it
        return Outcome(path, output, 0, None, f"{path}: {type(error).__name__}: {error}")
    seconds = float(done.motion.time_s[-1] - done.motion.time_s[0])
    return Outcome(path, output, len(done.motion.time_s), done.card, seconds=seconds)
