"""Held-out evaluation against its bars: `python -m benchmarks.suites [--only STAGE]`, after `python -m benchmarks.policies --only chores`.

Policies are those that `benchmarks.policies` trained (`--out`), or are trained first. `kill` kills an evaluation again and again; `speed`
does 200 episodes of every chore; `page` opens what it wrote in Chromium. `$UNDERSTUDY_CHROMIUM` names a browser, where Playwright has none.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from playwright.sync_api import sync_playwright
from tqdm import tqdm

from benchmarks.policies import options_of, policy_words
from benchmarks.policy_runs import TASKS, Options, Run, execute_n, train_all
from benchmarks.table import Row, run
from motion.cores import THREADS

_ROOT = Path(__file__).resolve().parent.parent
KILLS, EPISODES, MINUTES, PAGE_MB = 20, 100, 40.0, 15.0
_KILLED, _LAST_S = "fragile_glass", 25.0
"""The chore that is killed, and how late after its start."""
_SAME = ("scorecard.json", "safety.json", "episodes.json", "episodes.parquet")


def kill(options: Options) -> list[Row]:
    """Two policies' evaluation, killed without a word at random moments and gone on with, beside one that nobody killed."""
    runs = [Run(options.default, _KILLED, seed) for seed in (0, 1)]
    train_all(runs, options)
    told = ",".join(str(_checkpoint(one, options)) for one in runs)
    words = ["suite=heldout", f"checkpoint=[{told}]", f"chores=[{_KILLED}]", "episodes=64", "worst=0", f"jobs={options.jobs}"]
    folder, draw = options.out / "suites" / "kill", random.Random(0)
    whole, killed = folder / "whole", folder / "killed"
    _evaluate(words, whole)
    landed = 0
    for _ in tqdm(range(KILLS), unit="kill", desc="kill"):
        with _started(words, killed) as child:
            try:
                child.wait(draw.uniform(1.0, _LAST_S))
            except subprocess.TimeoutExpired:
                landed += 1
                os.killpg(child.pid, signal.SIGKILL)
    _evaluate(words, killed)
    same = [name for name in _SAME if (whole / name).read_bytes() == (killed / name).read_bytes()]
    said = f"{landed} of {KILLS} kills came before the end; the same to the byte: {', '.join(same)}"
    return [Row("files that differ after kills", len(_SAME) - len(same), 0, at_least=False, note=said)]


def speed(options: Options) -> list[Row]:
    """200 episodes of every chore, half of them with held-out objects, from the command to the card; without films."""
    runs = [Run(options.default, chore, options.seeds[0]) for chore in options.chores]
    train_all(runs, options)
    rows, spent_min = [], 0.0
    for one in tqdm(runs, unit="chore", desc="speed"):
        output = _folder(one, options)
        if output.exists():
            sys.exit(f"{output} is there already, so its time cannot be taken. Remove it, or choose another --out.")
        began_s = time.monotonic()
        _evaluate(_words(one, options), output)
        minutes = (time.monotonic() - began_s) / 60
        spent_min += minutes
        rows.append(Row(f"minutes of 200 episodes, {one.chore}", minutes, unit="min"))
    bar = MINUTES if set(options.chores) >= set(TASKS) else None
    return [*rows, Row("minutes of 200 episodes in every chore", spent_min, bar, "min", at_least=False, note=f"{options.jobs} processes")]


def page(options: Options) -> list[Row]:
    """The pages that `speed` wrote, with films of the worst episodes now, opened in Chromium without a network."""
    rows = []
    for chore in options.chores:
        one = Run(options.default, chore, options.seeds[0])
        report = _folder(one, options) / "report.html"
        _evaluate([word for word in _words(one, options) if not word.startswith("worst=")], report.parent)
        asked = _requests(report)
        rows.append(Row(f"MB of the page, {chore}", report.stat().st_size / 1e6, PAGE_MB, "MB", at_least=False))
        rows.append(Row(f"requests and errors of the page, {chore}", len(asked), 0, at_least=False, note=", ".join(asked)))
    return rows


def _requests(report: Path) -> list[str]:
    """What the page asks for beside itself, and what goes wrong in it."""
    found: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("UNDERSTUDY_CHROMIUM"))
        shown = browser.new_page()
        own = ("data:", "blob:", report.resolve().as_uri())
        shown.on("request", lambda request: None if request.url.startswith(own) else found.append(request.url))
        shown.on("pageerror", lambda error: found.append(str(error)))
        shown.on("console", lambda told: found.append(told.text) if told.type == "error" else None)
        shown.goto(report.resolve().as_uri(), wait_until="load")
        shown.screenshot(path=report.with_suffix(".png"), full_page=True)
        browser.close()
    return found


def _checkpoint(one: Run, options: Options) -> Path:
    return (options.out / one.name / "run" / options.checkpoint).resolve()


def _folder(one: Run, options: Options) -> Path:
    return options.out / "suites" / "speed" / one.chore


def _words(one: Run, options: Options) -> list[str]:
    task = "/".join(filter(None, (one.chore, TASKS[one.chore])))
    told = [f"chores=[{task}]", f"execute_n={execute_n(one.chore)}", f"episodes={EPISODES}", f"jobs={options.jobs}"]
    return ["suite=heldout_objects", f"checkpoint={_checkpoint(one, options)}", *told, "worst=0"]


def _command(words: Sequence[str], output: Path) -> list[str]:
    return [sys.executable, "evaluate.py", *words, f"output={output.resolve()}"]


def _started(words: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
    """The evaluation, in a group of its own; what it says goes beside its folder."""
    output.parent.mkdir(parents=True, exist_ok=True)
    single = {**os.environ, **dict.fromkeys(THREADS, "1")}
    with open(output.with_suffix(".log"), "ab") as log:
        return subprocess.Popen(_command(words, output), cwd=_ROOT, stdout=log, stderr=log, env=single, start_new_session=True)


def _evaluate(words: Sequence[str], output: Path) -> None:
    with _started(words, output) as child:
        status = child.wait()
    if status:
        raise SystemExit(f"{' '.join(_command(words, output))} ended with {status}; see {output.with_suffix('.log')}.")


def stages(options: Options) -> dict[str, Callable[[], list[Row]]]:
    """Name -> what is measured."""
    return {"kill": partial(kill, options), "speed": partial(speed, options), "page": partial(page, options)}


if __name__ == "__main__":
    known, _ = policy_words().parse_known_args()
    run("suites", stages(options_of(known)), options=[policy_words()])
