"""Where in the picture to look for hands: a small part shows them larger to a detector that sees only 192 x 192 pixels.

Windows and boxes are (4,) left, upper, right, lower edge in pixels of the upright picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array

_ROOM = 4.0
"""Side of a window in sizes of the largest hand in it, at least. Below 3 the detector of palms finds fewer again."""
_MARGIN = 0.5
"""Free space around a hand in its window, in sizes of the hand; less, and its outline is cut when it moves."""
_LOOSE = 1.4
"""A window this many times as long as needed is not worth keeping once a hand was lost in it."""

_NEARLY_SQUARE = 1.1
"""A picture no longer than this many times its shorter side has no squares to search apart from itself."""
_DARK, _BRIGHT, _MOST_GAIN = 0.6, 0.9, 5.0
"""A picture whose brightest points (all but 2 in 100 are darker) stay below the first is lightened until they reach the second."""
_THINNED = 8
"""Every how manieth row and column tells how bright a picture is."""


@dataclass(frozen=True)
class Frame:
    """Size of the upright picture."""

    width_px: int
    height_px: int

    @property
    def whole(self) -> Array:
        """The window that shows everything."""
        return np.array([0, 0, self.width_px, self.height_px])

    def tiles(self) -> list[Array]:
        """The whole picture, and squares along its longer side that overlap by half or more."""
        side, length = sorted((self.width_px, self.height_px))
        if length <= _NEARLY_SQUARE * side:
            return [self.whole]
        starts = np.round(np.linspace(0, length - side, int(np.ceil(2 * length / side)) - 1)).astype(int)
        along = np.array([1, 0] if self.width_px > self.height_px else [0, 1])
        squares = [np.concatenate([start * along, start * along + side]) for start in starts]
        return [self.whole, *squares]

    def around(self, boxes: Array) -> Array:
        """The window for hands in boxes (N, 4): square as far as the picture allows, hands in its middle."""
        sizes = np.max(boxes[:, 2:] - boxes[:, :2], axis=1)
        spread = boxes + _MARGIN * sizes[:, None] * np.array([-1, -1, 1, 1])
        low, high = spread[:, :2].min(axis=0), spread[:, 2:].max(axis=0)
        side = min(max(float((high - low).max()), _ROOM * float(sizes.max())), max(self.width_px, self.height_px))
        limits = np.array([self.width_px, self.height_px])
        extent = np.minimum(side, limits)
        start = np.clip((low + high - extent) / 2, 0, limits - extent)
        return np.concatenate([np.floor(start), np.ceil(start + extent)]).astype(int)

    def holds(self, window: Array, boxes: Array) -> bool:
        """Whether boxes (N, 4) lie inside a window with half their margin to spare, or at the picture's own edge."""
        spare = 0.5 * _MARGIN * np.max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True)
        limits = np.array([self.width_px, self.height_px])
        low = (boxes[:, :2] - spare >= window[:2]) | (window[:2] <= 0)
        high = (boxes[:, 2:] + spare <= window[2:]) | (window[2:] >= limits)
        return bool(low.all() and high.all())

    def fits(self, window: Array, boxes: Array) -> bool:
        """Whether a window holds the boxes and is not much longer than they need."""
        needed = self.around(boxes)
        return self.holds(window, boxes) and np.max(window[2:] - window[:2]) <= _LOOSE * np.max(needed[2:] - needed[:2])


def lightened(rgb: Array) -> Array:
    """A dark picture (H, W, 3) uint8 with more exposure; any other as it is."""
    bright = max(float(np.percentile(rgb[::_THINNED, ::_THINNED], 98)) / 255, 1 / 255)
    if bright >= _DARK:
        return rgb
    levels = np.clip(np.arange(256) * min(_BRIGHT / bright, _MOST_GAIN), 0, 255).astype(np.uint8)
    return np.frombuffer(rgb.tobytes().translate(levels.tobytes()), np.uint8).reshape(rgb.shape)
