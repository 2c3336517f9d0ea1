"""How far it is to a mark on the floor, round what stands in the way: what people see at a glance, and a flat list of things does not tell.

A coarse map is spread between the robot and the mark, and the way that is left is worked out from every cell of it to the mark, by
taking again and again the best neighbour's (as the planning module of value iteration networks: Tamar et al., 2016; here
what a cell costs is known, not learnt). The policy is told the way left from places round the robot. Everything is plain array work,
so exported policies do the same.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

CELL_M = 0.25
BEHIND_M, BEYOND_M, ASIDE_M = 1.5, 2.0, 3.0
"""The map reaches so far behind the robot, beyond the mark, and to both sides of the line between them."""
FARTHEST_M = 6.0
"""Marks are mapped as if they were no farther than this."""
ROUNDS = 48
"""As many cells as a way may lead through."""
AIR_M, TIGHT_M = 0.60, 0.30
"""Cells with less air than the first count as longer; with less than the second, as long as can be."""
TIGHT = 12.0
"""How much longer."""
FLAT_M = 0.004
"""Half the height of a mark at most; marks are in nobody's way."""
WIDE_M = 0.10
"""Half the width that a thing on the floor has at least: what stands on tables, or is held, is in nobody's way."""
PLACES_N, ROUND_M = 16, 0.75
"""Places that are told of, evenly in a circle of this radius round the robot, the first straight ahead, then to the left."""
WIDTH = PLACES_N + 3
SHARP_M = 0.10
"""Of two places, one that saves so much more counts nearly three times as much in the direction that is told."""
NEAR_M = 1.0
"""Furniture farther away is told by the way that it leaves alone."""
_FAR = 1e3
_BLOCK = 32
"""Maps at once: more do not fit into a processor's own memory."""


def way_left_m(place: Tensor, axis: Tensor, half_m: Tensor) -> Tensor:
    """The way left to the mark, (N, WIDTH), m: how much of it each place round the robot saves, where most is saved (x, y), and what is
    left from the robot.

    The mark is the first thing that is flat; zeros where there is none. A way saved is between -1 and 1 times `ROUND_M` on free floor.

    Args:
        place: (N, K, 3) where things are from the robot.
        axis: (N, K, 2) where their own x axis points, from above; zeros for a thing that is not there.
        half_m: (N, K, 3) half their extents along their own axes.
    """
    parts = zip(*(values.float().split(_BLOCK) for values in (place, axis, half_m)), strict=True)
    return torch.cat([_way_left(*part) for part in parts]).to(place.dtype)


def _way_left(place: Tensor, axis: Tensor, half_m: Tensor) -> Tensor:
    there = (axis != 0).any(-1)
    flat = there & (half_m[..., 2] <= FLAT_M)
    first = (flat & (flat.cumsum(1) == 1)).to(place.dtype)
    mark = (first[..., None] * place[..., :2]).sum(1)
    far = torch.linalg.vector_norm(mark, dim=-1, keepdim=True).clamp(min=1e-6)
    ahead = mark / far
    turn = torch.stack([ahead, torch.stack([-ahead[:, 1], ahead[:, 0]], dim=-1)], dim=-2)  # (N, 2, 2): from the robot's axes to the map's
    cells = _cells(place)
    cost = _cost(cells, place[..., :2] @ turn.transpose(1, 2), axis @ turn.transpose(1, 2), half_m, there)
    left = _spread(cells, cost, far.clamp(max=FARTHEST_M))
    angle = torch.arange(PLACES_N, dtype=place.dtype, device=place.device) * (2 * torch.pi / PLACES_N)
    ring = ROUND_M * torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)
    asked = torch.cat([ring, torch.zeros_like(ring[:1])]) @ turn.transpose(1, 2)  # (N, WIDTH, 2)
    told = _read(left, asked)
    saved = told[:, -1:] - told[:, :-1]
    best = torch.softmax(saved / SHARP_M, dim=1) @ ring
    return torch.cat([saved.clamp(-4 * ROUND_M, 4 * ROUND_M), best, told[:, -1:]], dim=1) * flat.any(1, keepdim=True).to(place.dtype)


def near_or_handy(place: Tensor, half_m: Tensor) -> Tensor:
    """(N, K) 1 for things that are told of one by one: marks, what is small, and furniture within `NEAR_M`; 0 for the rest.

    With a few dozen rooms to learn from, the far furniture of each is a pattern to be remembered, and nothing that helps in another.
    """
    far = torch.linalg.vector_norm(place[..., :2], dim=-1) > NEAR_M
    return (~(far & _stands(half_m))).to(place.dtype)


def _stands(half_m: Tensor) -> Tensor:
    """Whether things of these half extents (..., 3) are in the way of who drives."""
    return (half_m[..., :2].amax(-1) > WIDE_M) & (half_m[..., 2] > FLAT_M)


def _cells(like: Tensor) -> Tensor:
    """(X, Y, 2) middles of the map's cells, m."""
    x = torch.arange(-BEHIND_M, FARTHEST_M + BEYOND_M + CELL_M / 2, CELL_M, dtype=like.dtype, device=like.device)
    y = torch.arange(-ASIDE_M, ASIDE_M + CELL_M / 2, CELL_M, dtype=like.dtype, device=like.device)
    return torch.stack([x[:, None].expand(-1, len(y)), y[None].expand(len(x), -1)], dim=-1)


def _cost(cells: Tensor, place: Tensor, axis: Tensor, half_m: Tensor, stands: Tensor) -> Tensor:
    """(N, X, Y) how much longer a metre counts in each cell, because of what stands near it."""
    stands = stands & _stands(half_m)
    x, y = cells[..., 0] - place[..., 0, None, None], cells[..., 1] - place[..., 1, None, None]  # (N, K, X, Y)
    cosine, sine = axis[..., 0, None, None], axis[..., 1, None, None]
    along = ((cosine * x + sine * y).abs() - half_m[..., 0, None, None]).clamp(min=0)
    across = ((cosine * y - sine * x).abs() - half_m[..., 1, None, None]).clamp(min=0)
    away = torch.where(stands, 0.0, _FAR).to(place.dtype)[..., None, None]
    near = torch.sqrt((along * along + across * across + away).amin(1))
    return 1 + TIGHT * ((AIR_M - near) / (AIR_M - TIGHT_M)).clamp(0, 1)


def _spread(cells: Tensor, cost: Tensor, far: Tensor) -> Tensor:
    """(N, X, Y) the way left from every cell to the mark, which lies straight ahead at `far` (N, 1)."""
    from_mark = torch.sqrt((cells[..., 0] - far[..., None]) ** 2 + cells[..., 1] ** 2)
    left = torch.where(from_mark <= CELL_M, from_mark, torch.full_like(from_mark, _FAR))
    straight, slanting = CELL_M * cost, 2**0.5 * CELL_M * cost
    for _ in range(ROUNDS):
        framed = functional.pad(left, (1, 1, 1, 1), value=_FAR)
        beside = torch.minimum(framed[..., :-2], framed[..., 2:])
        fore = torch.minimum(framed[:, :-2, 1:-1], framed[:, 2:, 1:-1])
        left = torch.minimum(left, torch.minimum(beside[:, 1:-1], fore) + straight)
        left = torch.minimum(left, torch.minimum(beside[:, :-2], beside[:, 2:]) + slanting)
    return left


def _read(left: Tensor, points: Tensor) -> Tensor:
    """(N, P) of a map (N, X, Y) at points (N, P, 2), m, between the middles of cells."""
    x = 2 * (points[..., 0] + BEHIND_M) / (FARTHEST_M + BEYOND_M + BEHIND_M) - 1
    y = (points[..., 1] + ASIDE_M) / ASIDE_M - 1
    grid = torch.stack([y, x], dim=-1)[:, None]
    return functional.grid_sample(left[:, None], grid, padding_mode="border", align_corners=True)[:, 0, 0]
