from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, UnknownNameError
from retarget.video.detectors.base import detector_for, detectors
from retarget.video.detectors.mediapipe_tasks import off_the_network
from retarget.video.detectors.models import BUNDLES
from retarget.video.pictures.look import look
from retarget.video.pictures.reader import Film
from retarget.video.pictures.spool import Spool
from retarget.video.seen import BodyDetections, HandDetections


def seen(path: Path, names: list[str], models: Path, longest_px: int | None = None) -> tuple[HandDetections, BodyDetections]:
    kinds = [detector_for(name) for name in names]
    with Spool() as spool:
        look(Film(path, longest_px=longest_px), kinds, {name: models / name for kind in kinds for name in kind.bundles}, spool)
        return spool.hands(), spool.bodies()


def test_detectors_are_found_and_name_known_weights() -> None:
    assert {"mediapipe_hands", "mediapipe_pose"} <= set(detectors())
    for detector in detectors().values():
        assert detector.sees in ("hands", "bodies")
        assert set(detector.bundles) <= set(BUNDLES)
    with pytest.raises(UnknownNameError, match="mediapipe_hands"):
        detector_for("mediapipe_hand")


def test_mediapipe_is_imported_only_when_a_detector_is_opened() -> None:
    code = (
        "import sys, retarget.video.pictures.look; from retarget.video.detectors.base import detectors; "
        "detectors(); sys.exit('mediapipe' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[4]).returncode == 0


def test_both_hands_of_a_head_camera(films: Path, models: Path) -> None:
    hands, _ = seen(films / "egodex_sample" / "sample.mp4", ["mediapipe_hands"], models)
    count = np.isfinite(hands.score).sum(axis=1)
    assert (count == 2).mean() >= 0.95
    assert count.max() == 2
    middle_px = np.sort(hands.image_px[:, :2, :, 0].mean(axis=2), axis=1)
    assert (np.diff(middle_px, axis=1) > 30).all(), "two detections of one hand"
    assert np.nanmin(hands.image_px) >= 0
    assert np.nanmax(hands.image_px[..., 0]) <= 1920


def test_one_hand_stays_one(films: Path, models: Path) -> None:
    hands, _ = seen(films / "mimic_hand" / "index_mcp.mp4", ["mediapipe_hands"], models)
    assert (np.isfinite(hands.score).sum(axis=1) == 1).mean() >= 0.99
    assert hands.right[:, 0].min() > 0.8


def test_person_before_a_standing_camera(films: Path, models: Path) -> None:
    _, bodies = seen(films / "pose2sim_single" / "cam01.mp4", ["mediapipe_pose"], models, longest_px=960)
    assert np.isfinite(bodies.score[:, 0]).mean() >= 0.99
    top, bottom = bodies.image_px[:, 0, 0, 1], bodies.image_px[:, 0, 29:33, 1].max(axis=1)
    assert (bottom - top > 400).mean() > 0.95
    assert bodies.visibility[:, 0].mean() > 0.8
    assert np.nanmin(bodies.relative_m[:, 0, 0, 1]) < -0.3, "the nose is above the hips, and y points down"


def test_wrong_weights_are_one_clear_error(models: Path, tmp_path: Path) -> None:
    detector = detector_for("mediapipe_hands")
    (tmp_path / "text.task").write_text("no weights")
    for file in (tmp_path / "text.task", models / "pose_landmarker_full.task"):
        with (
            pytest.raises(FileFormatError, match="not the weights of MediaPipe's HandLandmarker"),
            detector.open({"hand_landmarker.task": file}, 30.0),
        ):
            pass


def test_metrics_are_not_sent(models: Path) -> None:
    """MediaPipe tells its maker about its use when it is closed. The server stands where such traffic would have to go."""
    server = socket.create_server(("127.0.0.1", 0))
    called: list[int] = []

    def answer() -> None:
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return
            called.append(1)

    threading.Thread(target=answer, daemon=True).start()
    proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
    path = str(models / "hand_landmarker.task")
    ours = (
        "from pathlib import Path; import numpy as np; from retarget.video.detectors.base import detector_for\n"
        f"with detector_for('mediapipe_hands').open({{'hand_landmarker.task': Path({path!r})}}, 30.0) as eye:\n"
        "    eye.detect(np.zeros((64, 64, 3), np.uint8), 0.0)\n"
    )
    bare = (
        "import numpy as np, mediapipe as mp; from mediapipe.tasks.python import vision\n"
        f"task = vision.HandLandmarker.create_from_model_path({path!r})\n"
        "task.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=np.zeros((64, 64, 3), np.uint8))); task.close()\n"
    )
    environment = os.environ | {"https_proxy": proxy, "HTTPS_PROXY": proxy, "no_proxy": ""}
    calls = []
    for code in (ours, bare):
        called.clear()
        ran = subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[4], env=environment, capture_output=True)
        calls.append(len(called))
        if code is ours:
            assert ran.stderr == b"", "chatter of its libraries"
    server.close()
    assert calls[0] == 0
    assert calls[1] > 0, "nothing was sent without the guard either: it may not be needed any more"


def test_environment_is_as_before_after_nested_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.delenv("ALL_PROXY", raising=False)
    before = dict(os.environ)
    with off_the_network(), off_the_network():
        assert os.environ["https_proxy"] == "http://127.0.0.1:9"
    assert dict(os.environ) == before


def test_small_hands_are_found_through_the_window(films: Path, models: Path) -> None:
    """At half the size the whole picture shows one hand or none; MediaPipe alone finds both in no frame."""
    pictures = []
    for picture in Film(films / "egodex_sample" / "sample.mp4", longest_px=960):
        wide = np.full((1080, 1920, 3), 120, np.uint8)
        wide[270:810, 480:1440] = picture.rgb
        pictures.append((picture.time_s, wide))
        if len(pictures) == 30:
            break
    with detector_for("mediapipe_hands").open({"hand_landmarker.task": models / "hand_landmarker.task"}, 30.0) as eye:
        counts = [len(eye.detect(rgb, time_s)) for time_s, rgb in pictures]
    assert np.mean(np.array(counts) == 2) >= 0.8
