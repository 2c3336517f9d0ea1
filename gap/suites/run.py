"""Running a plan: blocks over the cores, each on the disk as soon as it ends, so that a stopped evaluation goes on where it was.

A block is run as a whole or not at all, always with the same episodes side by side. What it gives does not depend on which process
ran it, on how many there were, or on whether the evaluation was stopped in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

from gap.episode import EpisodeResult
from gap.errors import ScoreError
from gap.planning import confidence_sequence, evidence_of_difference
from gap.suites.plan import Block, Plan
from motion.cores import over_cores
from motion.errors import FileFormatError, require
from motion.provenance import git_commit
from motion.store import write_text

BLOCKS, EPISODES, UNKNOWN = "blocks", "episodes.json", "not on record"
Attempt = Callable[[str, Block], Sequence[EpisodeResult]]
"""Does a block's episodes with the policy of a name; can be sent to another process."""
LEAST_EVIDENCE = 20
"""Equal policies get there by chance in at most 1 of 20 comparisons, however often one looks."""
Rows = dict[str, list[EpisodeResult]]


@dataclass(frozen=True)
class Stop:
    """When to stop early: looked at after every round of blocks, by rules that hold however often one looks.

    Attributes:
        half_width: a policy's rate in a cell (chore and condition) is known well enough once its interval for all times is this narrow,
            to both sides; 0: never.
        evidence: two policies are told apart in a cell once the evidence against their being equal is this large, 20 at least (an
            error in 20 such stops); 0: never.

    Raises:
        ScoreError: other numbers.
    """

    half_width: float = 0.0
    evidence: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.half_width < 0.5, ScoreError, f"stop.half_width={self.half_width:g}: 0 to 0.5 was wanted, 0 for never.")
        said = f"stop.evidence={self.evidence:g}: 0 for never, or {LEAST_EVIDENCE} or more was wanted; less tells equals apart too often."
        require(self.evidence == 0 or self.evidence >= LEAST_EVIDENCE, ScoreError, said)

    @property
    def wanted(self) -> bool:
        """Whether anything stops early."""
        return bool(self.half_width or self.evidence)


NEVER = Stop()


def begin(plan: Plan, output: Path) -> None:
    """Write the list of episodes; take away what a killed process left half-written.

    Raises:
        ScoreError: the folder holds the list of another plan.
    """
    path, told = output / EPISODES, {"sha256": plan.sha256, **plan.to_json()}
    if path.is_file():
        known = json.loads(path.read_text())["sha256"]
        said = f"{output} holds another list of episodes ({known[:12]}, not {plan.sha256[:12]}). Choose another output=, or remove it."
        require(known == plan.sha256, ScoreError, said)
    else:
        write_text(path, json.dumps(told, indent=None))
    for left in (output / BLOCKS).glob("*/.*"):
        if left.is_file():
            left.unlink()


def run_plan(
    plan: Plan,
    policies: Sequence[str],
    attempt: Attempt,
    output: Path,
    jobs: int,
    stop: Stop = NEVER,
    on_rows: Callable[[int], object] = lambda _: None,
) -> Rows:
    """Rows of every policy, in the plan's order; what is on the disk already is not run again.

    Args:
        plan: which episodes.
        policies: names.
        attempt: does a block.
        output: folder; blocks lie in `blocks/<policy>/`.
        jobs: processes.
        stop: when not to run further blocks of a cell.
        on_rows: told how many more episodes ran, for a progress bar; `done_before` says how many did earlier.

    Raises:
        ScoreError: a process was killed from outside; start again to go on.
    """
    begin(plan, output)
    rounds = _rounds(plan) if stop.wanted else [list(plan.blocks)]
    found: dict[tuple[str, int], list[EpisodeResult]] = {}
    for blocks in rounds:
        wanted = [(policy, block) for block in blocks for policy in policies if not _enough(block, policies, plan, found, stop)]
        waiting = []
        for policy, block in wanted:
            path = _path(output, policy, block)
            if path.is_file():
                found[policy, block.number] = _read(path, block)
            else:
                waiting.append((policy, block))
        for (policy, block), rows in _done(waiting, attempt, output, jobs):
            found[policy, block.number] = rows
            on_rows(len(rows))
    return {policy: [row for block in plan.blocks for row in found.get((policy, block.number), [])] for policy in policies}


def done_before(plan: Plan, policies: Sequence[str], output: Path) -> int:
    """Episodes that are on the disk already."""
    return sum(len(block.episodes) for policy in policies for block in plan.blocks if _path(output, policy, block).is_file())


def code_of(plan: Plan, policies: Sequence[str], output: Path) -> dict[str, int]:
    """Commit -> how many episodes that version of the code ran; more than one where it changed before an evaluation was gone on with."""
    found: dict[str, int] = {}
    for path, block in ((_path(output, policy, block), block) for policy in policies for block in plan.blocks):
        if path.is_file():
            commit, _ = _kept(path)
            found[commit] = found.get(commit, 0) + len(block.episodes)
    return found


def _rounds(plan: Plan) -> list[list[Block]]:
    """The first block of every cell, then the second, and so on."""
    cells: dict[tuple[str, str], list[Block]] = {}
    for block in plan.blocks:
        cells.setdefault((block.chore, block.condition.name), []).append(block)
    longest = max(len(blocks) for blocks in cells.values())
    return [[blocks[k] for blocks in cells.values() if k < len(blocks)] for k in range(longest)]


def _enough(
    block: Block, policies: Sequence[str], plan: Plan, found: Mapping[tuple[str, int], Sequence[EpisodeResult]], stop: Stop
) -> bool:
    """Whether a cell needs no more blocks, judged by those before this one alone, so that a resumed run judges alike."""
    cell = [b for b in plan.blocks if (b.chore, b.condition.name) == (block.chore, block.condition.name) and b.number < block.number]
    if not stop.wanted or not cell:
        return False
    if any((policy, one.number) not in found for policy in policies for one in cell):
        return True
    won = {policy: [row.success for one in cell for row in found[policy, one.number]] for policy in policies}
    sure = [confidence_sequence(sum(own), len(own)) for own in won.values()]
    if stop.half_width and all((one.high - one.low) / 2 <= stop.half_width for one in sure):
        return True
    apart = [evidence_of_difference(*_alone(won[one], won[other])) for one, other in combinations(policies, 2)]
    return bool(stop.evidence and apart) and min(apart) >= stop.evidence


def _alone(one: Sequence[bool], other: Sequence[bool]) -> tuple[int, int]:
    """In how many pairs only the first succeeded, and only the second."""
    pairs = list(zip(one, other, strict=True))
    return pairs.count((True, False)), pairs.count((False, True))


def _done(
    waiting: Sequence[tuple[str, Block]], attempt: Attempt, output: Path, jobs: int
) -> Iterator[tuple[tuple[str, Block], list[EpisodeResult]]]:
    if jobs == 1 or len(waiting) < 2:
        for policy, block in waiting:
            yield (policy, block), _do(attempt, output, policy, block)
        return
    tasks = [(attempt, output, policy, block) for policy, block in waiting]
    for index, rows in over_cores(_do, tasks, min(jobs, len(tasks))):
        killed = "a process was killed from outside (out of memory? then try fewer jobs=). Start again to go on."
        require(rows is not None, ScoreError, killed)
        assert rows is not None
        yield waiting[index], rows


def _do(attempt: Attempt, output: Path, policy: str, block: Block) -> list[EpisodeResult]:
    rows = [replace(row, actor=policy, condition=block.condition.name) for row in attempt(policy, block)]
    _check(rows, block, policy)
    write_text(_path(output, policy, block), json.dumps({"commit": git_commit(), "rows": [asdict(row) for row in rows]}))
    return rows


def _check(rows: Sequence[EpisodeResult], block: Block, where: object) -> None:
    got = [(row.chore, row.variant, row.seed) for row in rows]
    wanted = [(block.chore, *one) for one in block.episodes]
    require(got == wanted, ScoreError, f"{where}: block {block.number} holds {got[:3]}...; {wanted[:3]}... were wanted.")


def _path(output: Path, policy: str, block: Block) -> Path:
    return output / BLOCKS / policy / f"{block.number:05d}.json"


def _read(path: Path, block: Block) -> list[EpisodeResult]:
    _, rows = _kept(path)
    _check(rows, block, path)
    return rows


def _kept(path: Path) -> tuple[str, list[EpisodeResult]]:
    """The version of the code that ran a block, and its rows; older files hold rows alone."""
    try:
        told = json.loads(path.read_text())
        commit, rows = (UNKNOWN, told) if isinstance(told, list) else (told["commit"] or UNKNOWN, told["rows"])
        return commit, [EpisodeResult(**row) for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise FileFormatError(f"{path}: no rows of episodes ({error}). Remove it, and it is run again.") from error
