"""Real beside simulated success as a user has it: a table of counts, or of trials, and what the door makes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gap.errors import ScoreError
from gap.paired import PairedSuccess, mmrv, prediction_powered
from gap.paired_report import paired_reading, paired_tables, predictors
from gap.paired_trials import counted, has_trials, read_trials, trial_gaps
from gap.statistics import mcnemar_exact, newcombe_paired
from motion.errors import FileFormatError, UnknownNameError

REPO = Path(__file__).resolve().parents[2]
ROWS = tuple(
    PairedSuccess(f"p{k}", task, real, 50, sim, 100)
    for task, reals, sims in (("cup", (45, 30, 20, 10, 2), (95, 70, 30, 40, 0)), ("door", (40, 35, 25, 5, 9), (90, 60, 55, 20, 10)))
    for k, (real, sim) in enumerate(zip(reals, sims, strict=True))
)


def trials_csv(folder: Path, body: str) -> Path:
    """A table of trials."""
    path = folder / "trials.csv"
    path.write_text("policy,task,trial,real,sim\n" + body)
    return path


def test_predictors_by_task_and_over_tasks() -> None:
    found = predictors(ROWS)
    assert list(found) == ["cup", "door", "all tasks"]
    means = np.array([[(a.sim + b.sim) / 2, (a.real + b.real) / 2] for a, b in zip(ROWS[:5], ROWS[5:], strict=True)])
    assert found["all tasks"]["Pearson"].value == pytest.approx(np.corrcoef(means.T)[0, 1])
    assert found["all tasks"]["MMRV"].value == pytest.approx(mmrv(*means.T))
    assert found["all tasks"]["MMRV"].low <= found["all tasks"]["MMRV"].value
    assert found["cup"]["MMRV"].value == pytest.approx(2 * 0.2 / 5)
    assert list(predictors(ROWS[:6])) == ["cup"], "one policy alone has no order"


def test_sentences_say_where_the_simulation_is_off() -> None:
    told = " ".join(paired_reading((PairedSuccess("a", "cup", 5, 50, 95, 100), PairedSuccess("b", "cup", 25, 50, 50, 100))))
    assert "flatters a in cup: +85 [" in told
    assert "b in cup" not in told
    assert "2 policies are too few" in told
    told = " ".join(paired_reading((*ROWS, PairedSuccess("hard", "cup", 50, 50, 5, 100))))
    assert "is too hard on hard in cup: -95 [" in told


def test_trials_pair_and_simulation_is_counted_beside(tmp_path: Path) -> None:
    body = "".join(f"a,cup,{k},{int(k % 3 > 0)},{int(k % 4 > 0)}\n" for k in range(24)) + "".join(
        f"a,cup,s{k},,{k % 2}\n" for k in range(40)
    )
    path = trials_csv(tmp_path, body)
    assert has_trials(path)
    rows = read_trials(path)
    (count,) = counted(rows)
    assert (count.real_successes, count.sim_successes, count.real_trials, count.sim_trials) == (16, 18, 24, 24)
    (gap,) = trial_gaps(rows)
    pairs = [(k % 4 > 0, k % 3 > 0) for k in range(24)]
    kinds = [pairs.count(kind) for kind in ((True, True), (True, False), (False, True), (False, False))]
    assert (gap.pairs, gap.more_sim, gap.difference) == (24, 40, newcombe_paired(*kinds))
    assert gap.p_mcnemar == mcnemar_exact(kinds[1], kinds[2])
    assert gap.real == prediction_powered([real for _, real in pairs], [sim for sim, _ in pairs], [k % 2 for k in range(40)])
    tables = {table.title: table for table in paired_tables(counted(rows), (gap,))}
    assert tables["Gap"].rows[0][-1] == tables["Trial by trial"].rows[0][4], "one gap, one interval"
    assert tables["Gap"].note == "Newcombe's interval for pairs."
    few = trial_gaps(rows[:24])
    assert few[0].real is None
    assert paired_tables(counted(rows), few)[-1].rows[0][-1] == "-"


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        ("a,cup,0,1,\n", FileFormatError, "line 2: sim is ''"),
        ("a,cup,0,yes,1\n", FileFormatError, "line 2: real is 'yes'; 0, 1 or nothing"),
        ("a,cup,0,1,1\na,cup,0,1,1\n", ScoreError, "is there twice"),
        ("", FileFormatError, "no rows"),
    ],
)
def test_trials_that_cannot_be(tmp_path: Path, body: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        read_trials(trials_csv(tmp_path, body))


def test_a_column_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("policy,task,trial,real\n")
    assert not has_trials(tmp_path / "t.csv")
    with pytest.raises(UnknownNameError, match="sim"):
        read_trials(tmp_path / "t.csv")


def test_the_door_from_counts_to_page(tmp_path: Path) -> None:
    path = tmp_path / "real.csv"
    lines = [f"{r.policy},{r.task},{r.real_successes},{r.real_trials},{r.sim_successes},{r.sim_trials}" for r in ROWS]
    path.write_text("policy,task,real_successes,real_trials,sim_successes,sim_trials\n" + "\n".join(lines) + "\n")

    def door(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "evaluate.py", "paired", *words], cwd=REPO, capture_output=True, text=True, timeout=120)

    done = door(str(path), f"output={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "out" / "paired.json").read_text())
    assert len(told["policies"]) == 10
    page = (tmp_path / "out" / "report.html").read_text()
    assert "real beside simulated success" in page
    assert 'src="http' not in page
    for words, said in (
        ([str(tmp_path / "nothing.csv"), f"output={tmp_path / 'o'}"], "nothing.csv: no such file"),
        ([str(path)], "output= is missing"),
        ([str(path), str(path) + "2", f"output={tmp_path / 'o'}"], "real.csv2: paired takes one table of trials"),
        ([str(path), f"outptu={tmp_path / 'o'}"], "outptu="),
    ):
        done = door(*words)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert door().returncode == 2
