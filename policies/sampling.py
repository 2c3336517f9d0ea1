"""Which windows make the batch of a training step: a pure function of seed, step and rank, so that a resume is exact.

The order of an epoch takes 4 bytes of memory for each window; shares take 8 more, and another 8 while an order is drawn by them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from motion.errors import MotionError, ShapeError, require
from policies.windows import Batch, Windows

_BLOCK = 1 << 20
"""Draws at once."""


def epoch_order(windows_n: int, seed: int, epoch: int, share: Tensor | None = None) -> Tensor:
    """The order (S,) in which the windows come in one epoch: a pure function of its arguments.

    Args:
        windows_n: S.
        seed, epoch: of the draw.
        share: (S,) how often each window is wanted, in any unit. Without it each comes once. With it each comes as often as
            its share says, rounded up or down at random (systematic sampling): never luckier than by one.
    """
    rng = np.random.default_rng((seed, epoch))
    order = np.arange(windows_n, dtype=np.int32 if windows_n < 2**31 else np.int64)
    if share is not None:
        ends, first = np.cumsum(share.double().numpy()), rng.random()
        for own in np.split(order, range(_BLOCK, windows_n, _BLOCK)):  # in place, and the numbers between take no room
            drawn = np.searchsorted(ends, (own.astype(np.float64) + first) * (ends[-1] / windows_n), side="right")
            np.minimum(drawn, windows_n - 1, out=own, casting="unsafe")
    rng.shuffle(order)
    return torch.from_numpy(order)


def spread(windows_n: int, most_n: int) -> Tensor:
    """Numbers of all windows, or of `most_n` of them, evenly spread from the first one on."""
    return torch.arange(min(windows_n, most_n)) * windows_n // min(windows_n, most_n)


def emphasised(windows: Windows, share: Tensor | None, times: float) -> Tensor | None:
    """Shares (S,) in which the steps around a grasp or its end come `times` as often as others of the same episode.

    An episode as a whole, and so what is balanced, comes as often as before; one without grasps stays as it is.

    Args:
        windows: S of them.
        share: (S,) how often each is wanted otherwise; all alike if None.
        times: 1 changes nothing.
    """
    if times == 1 or not bool(windows.moment.any()):
        return share
    weight = 1 + (times - 1) * windows.moment[:, 0].double()
    lengths = torch.diff(windows.starts)
    episode = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    mean = torch.zeros(len(lengths), dtype=weight.dtype).index_add_(0, episode, weight) / lengths
    del episode  # as large as all that is returned
    weight /= torch.repeat_interleave(mean, lengths)
    return weight if share is None else weight.mul_(share)


class Sampler:
    """The batch of any training step, by its number. The last, incomplete batch of an epoch is left out.

    Args:
        windows: what to draw from.
        batch_n: windows per batch, of all ranks together; fewer where there are not so many.
        seed: of the order.
        share: (S,) how often each window is wanted; all alike unless given.
        rank, ranks: this process takes every `ranks`-th window of each batch, from its `rank`-th on.

    Raises:
        ShapeError: the ranks cannot share a batch evenly.
        MotionError: shares that are not one per window, are negative, or are all 0.
    """

    def __init__(self, windows: Windows, batch_n: int, seed: int, share: Tensor | None = None, rank: int = 0, ranks: int = 1) -> None:
        self.windows, self.seed, self.share, self.rank, self.ranks = windows, seed, share, rank, ranks
        self.batch_n = min(batch_n, len(windows) // ranks * ranks)
        require(
            self.batch_n > 0 and self.batch_n % ranks == 0, ShapeError, f"{ranks} processes cannot share batches of {self.batch_n} evenly."
        )
        if share is not None:
            good = share.shape == (len(windows),) and bool((share >= 0).all()) and float(share.sum()) > 0
            require(good, MotionError, f"shares are {tuple(share.shape)}; one per window ({len(windows)}), none negative, were wanted.")
        self.batches_per_epoch = len(windows) // self.batch_n
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int32)

    def index(self, step: int) -> Tensor:
        """Which windows (B,), int64, make this process's part of the batch of training step `step`."""
        epoch, place = divmod(step, self.batches_per_epoch)
        if epoch != self._epoch:
            self._order = torch.empty(0, dtype=torch.int32)  # two orders would take twice the room
            self._epoch, self._order = epoch, epoch_order(len(self.windows), self.seed, epoch, self.share)
        return self._order[place * self.batch_n + self.rank : (place + 1) * self.batch_n : self.ranks].long()

    def batch(self, step: int) -> Batch:
        """This process's part of the batch of training step `step`."""
        return self.windows.batch(self.index(step))
