"""The tracker: plain files always, W&B when asked, and only then imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import wandb

from motion.errors import UnknownNameError
from motion.provenance import Parent
from policies import Tracker


def test_rows_and_later_columns(tmp_path: Path) -> None:
    with Tracker(tmp_path) as tracker:
        tracker.log({"loss": 0.5}, 1)
        tracker.log({"loss": 0.1}, 2)
        tracker.log({"validation_loss": 0.25, "loss": 1 / 3}, 3)
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [
        "step,loss,validation_loss",
        "1,0.5,",
        "2,0.1,",
        f"3,{1 / 3!r},0.25",
    ]


def test_rewind_forgets_what_a_resumed_run_writes_again(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    for step in (2, 4, 6):
        tracker.log({"loss": step / 8}, step)
    resumed = Tracker(tmp_path)
    resumed.rewind(4)
    resumed.log({"loss": 0.75}, 6)
    assert (tmp_path / "metrics.csv").read_text().splitlines() == ["step,loss", "2,0.25", "4,0.5", "6,0.75"]


def test_what_is_told_again_after_a_restart_is_one_row(tmp_path: Path) -> None:
    for _ in range(3):
        tracker = Tracker(tmp_path)
        tracker.rewind(4)
        tracker.log({"loss": 0.5}, 4)
        tracker.log({"refine/success": 0.25, "refine/round": 0.0}, 4)
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [
        "step,loss,refine/success,refine/round",
        "4,0.5,,",
        "4,,0.25,0.0",
    ]


def test_config_lineage_and_summary_are_written(tmp_path: Path) -> None:
    tracker = Tracker(tmp_path)
    tracker.describe({"steps": 3}, [Parent("a.npz", "ab12")])
    tracker.summarise({"best_step": 2})
    about = json.loads((tmp_path / "run.json").read_text())
    assert about["config"] == {"steps": 3}
    assert about["lineage"][0]["sha256"] == "ab12"
    assert about["summary"] == {"best_step": 2}
    Tracker(tmp_path).summarise({"best_step": 3})
    again = json.loads((tmp_path / "run.json").read_text())
    assert (again["id"], again["config"], again["summary"]) == (about["id"], about["config"], {"best_step": 3})


def test_an_unknown_mode_lists_what_exists(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Known: disabled, offline, online"):
        Tracker(tmp_path, mode="off")


def test_disabled_does_not_import_wandb(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from policies import Tracker; t = Tracker(Path(sys.argv[1])); t.log({'a': 1.0}, 1);"
        "t.attach(Path(sys.argv[1]), 'model'); t.show(Path('no.mp4'), 'film', 1); t.close(); sys.exit('wandb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 0


def short_film(path: Path) -> Path:
    """Four small pictures."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for level in range(4):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((32, 32, 3), 60 * level, np.uint8))))
        film.mux(stream.encode(None))
    return path


def test_offline_writes_its_folder_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No account, no network: W&B's own folder holds the run, beside our files."""
    for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # whoever calls out, fails
    report = tmp_path / "report.html"
    report.write_text("<p>score</p>")
    film = short_film(tmp_path / "episode.mp4")
    with Tracker(tmp_path / "run", mode="offline", project="test") as tracker:
        tracker.describe({"steps": 3}, [Parent("a.npz", "ab12")])
        tracker.log({"loss": 0.5}, 1)
        tracker.attach(report, "report")
        tracker.show(film, "episode", 1)
        tracker.show(film, "later")
        tracker.log({"loss": 0.25}, 2)
        tracker.summarise({"best_step": 1})
    wandb.teardown()  # W&B's own process writes the file, and closes it some time after the run was finished
    runs = list((tmp_path / "run" / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(runs) == 1
    assert b"ab12" in runs[0].read_bytes()
    assert b"best_step" in runs[0].read_bytes()
    shown = list((tmp_path / "run" / "wandb").glob("offline-run-*/files/media/videos/episode_*.mp4"))
    assert [one.read_bytes() for one in shown] == [film.read_bytes()]
    later = list((tmp_path / "run" / "wandb").glob("offline-run-*/files/media/videos/later_2_*.mp4"))  # at the step that came next
    assert [one.read_bytes() for one in later] == [film.read_bytes()]
    assert (tmp_path / "run" / "metrics.csv").read_text().splitlines() == ["step,loss", "1,0.5", "2,0.25"]
