"""A film without faults, made of arrays, for tests that spoil one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from motion.landmarks import SIDES
from retarget.video.hands.tracks import HandTrack
from retarget.video.paths import BodyPath, HandPath
from retarget.video.quality.judge import FilmQuality, judge
from retarget.video.quality.of_pictures import FilmFacts
from retarget.video.seen import HAND_POINTS_N, PictureStats

FRAMES, RATE_HZ, HAND_PX = 90, 30.0, 200.0
SIZE = (1920, 1080)


@dataclass(frozen=True)
class GoodFilm:
    """What `judge` gets; `spoiled` gives a copy with other parts."""

    facts: FilmFacts
    pictures: PictureStats
    tracks: dict[str, HandTrack]
    hands: dict[str, HandPath]
    view: str = "head"
    body: BodyPath | None = None

    def judged(self) -> FilmQuality:
        return judge(self.facts, self.pictures, self.tracks, self.hands, self.view, self.body)

    def spoiled(self, **parts: Any) -> GoodFilm:
        """Parts of pictures ("brightness"), of the facts ("width_px"), or whole ones."""
        film = self
        for name, value in parts.items():
            if name in vars(film.pictures):
                film = replace(film, pictures=replace(film.pictures, **{name: value}))
            elif name in vars(film.facts):
                film = replace(film, facts=replace(film.facts, **{name: value}))
            else:
                film = replace(film, **{name: value})
        return film

    def with_track(self, side: str, **parts: Any) -> GoodFilm:
        return replace(self, tracks={**self.tracks, side: replace(self.tracks[side], **parts)})

    def with_path(self, side: str, **parts: Any) -> GoodFilm:
        return replace(self, hands={**self.hands, side: replace(self.hands[side], **parts)})

    def unseen(self, side: str, frames: Any) -> GoodFilm:
        """The hand was not seen in some frames."""
        image = self.tracks[side].image_px.copy()
        image[frames] = np.nan
        return self.with_track(side, image_px=image)


def hand_shape() -> np.ndarray:
    """(21, 2) an open hand of length 1, wrist at the origin, fingers up in the picture."""
    along = np.repeat([[0.3, 0.45, 0.6, 0.7], *([[0.5, 0.7, 0.85, 1.0]] * 4)], 1, axis=0)
    across = np.array([0.4, 0.2, 0.07, -0.07, -0.2])[:, None] * np.ones(4)
    points = np.stack([across, -along], axis=-1).reshape(-1, 2)
    return np.vstack([np.zeros((1, 2)), points])


def good_film(frames: int = FRAMES, rate_hz: float = RATE_HZ) -> GoodFilm:
    """Two hands in the middle of the picture, going to and fro by 50 px, 36 mm, once a second."""
    time_s = np.arange(frames) / rate_hz
    sway = np.stack([np.sin(2 * np.pi * time_s), 0 * time_s], axis=-1)
    tracks, hands = {}, {}
    for side, start in zip(SIDES, ([760.0, 700.0], [1160.0, 700.0]), strict=True):
        image = hand_shape()[None] * HAND_PX + (np.array(start) + 50 * sway)[:, None]
        flat = np.concatenate([hand_shape() * 0.18, np.zeros((HAND_POINTS_N, 1))], axis=-1)
        there = np.ones(frames)
        tracks[side] = HandTrack(side, time_s, image, np.repeat(flat[None], frames, 0), 0.9 * there, 9 * there, np.zeros(frames, bool))
        moved = flat[None] + np.concatenate([0.036 * sway, 0.5 + 0 * time_s[:, None]], axis=-1)[:, None]
        trust = np.ones((frames, HAND_POINTS_N))
        hands[side] = HandPath(side, time_s, moved, image, trust, 2 * there, np.zeros(frames, bool), 0.18, "stated")
    change = np.full(frames, 0.003)
    change[:1] = np.nan
    pictures = PictureStats(time_s, np.full(frames, 0.45), np.full(frames, 5e-3), change)
    return GoodFilm(FilmFacts(*SIZE, frames), pictures, tracks, hands)
