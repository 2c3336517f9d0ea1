"""What a policy sees of pictures: an eye per camera, a small network that answers where in the picture its marks are.

All policies get these places through `policies.base`, as more numbers of a look. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.errors import ShapeError, require
from policies.spec import PolicySpec

if TYPE_CHECKING:
    from policies.base import PolicyConfig

_WIDTHS = (16, 32, 32)
_GROUPS = 4
_GAIN = 2.0
"""Places lie within -1..1, mostly in the middle; times this they spread about as far as normalised inputs."""


class Eye(nn.Module):
    """Pictures of one camera -> where its marks are: convolutions, a softmax over the places of each of their maps, its mean place.

    Source: Levine et al. 2016, "End-to-end training of deep visuomotor policies" (spatial softmax).

    Args:
        marks_n: K, maps of the last convolution.
    """

    def __init__(self, marks_n: int) -> None:
        super().__init__()
        first, second, third = _WIDTHS
        self.look = nn.Sequential(
            *(nn.Conv2d(3, first, 5, stride=2, padding=2), nn.GroupNorm(_GROUPS, first), nn.SiLU()),
            *(nn.Conv2d(first, second, 3, stride=2, padding=1), nn.GroupNorm(_GROUPS, second), nn.SiLU()),
            *(nn.Conv2d(second, third, 3, padding=1), nn.GroupNorm(_GROUPS, third), nn.SiLU()),
            nn.Conv2d(third, marks_n, 3, padding=1),
        )
        self.sharpness = nn.Parameter(torch.zeros(()))

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 2 K) places, right and down, of pictures (N, 3, h, w) of numbers -1..1."""
        maps = self.look(pictures)
        height, width = maps.shape[-2:]
        share = functional.softmax(maps.flatten(2) * self.sharpness.exp(), dim=-1).view_as(maps)
        right = (share.sum(2) * _axis(width, maps)).sum(-1)
        down = (share.sum(3) * _axis(height, maps)).sum(-1)
        return _GAIN * torch.cat([right, down], dim=1)


def _axis(count: int, like: Tensor) -> Tensor:
    return torch.linspace(-1.0, 1.0, count, device=like.device, dtype=like.dtype)


class Eyes(nn.Module):
    """All cameras of a policy; each has an eye of its own.

    Args:
        spec: whose pictures; those of all cameras are of one size once they are reduced.
        config: `picture_px`, `picture_marks_n` (K), `picture_shift_px` and `picture_colour`.

    Attributes:
        names: observations that are looked at.
        width: numbers per look, 2 K for each camera.
        shape: (C, 3, h, w) of one look's pictures.

    Raises:
        ShapeError: sizes that are no whole share of the recorded ones, or cameras that differ in theirs.
    """

    def __init__(self, spec: PolicySpec, config: PolicyConfig) -> None:
        super().__init__()
        self.names, self.shift_px, self.colour = spec.pictures, config.picture_shift_px, config.picture_colour
        self.shrink = {name: _shrink(name, spec.shapes[name], config.picture_px) for name in self.names}
        sizes = {tuple(side // self.shrink[name] for side in spec.shapes[name][:2]) for name in self.names}
        require(len(sizes) == 1, ShapeError, f"cameras differ in size ({sorted(sizes)}, rows and columns); set policy.picture_px.")
        self.shape = (len(self.names), 3, *next(iter(sizes)))
        self.width = 2 * config.picture_marks_n * len(self.names)
        self.eyes = nn.ModuleList(Eye(config.picture_marks_n) for _ in self.names)

    def gather(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Pictures (N, C, 3, h, w), uint8, reduced, of observations (N, H, W, 3). No weights."""
        return torch.stack([_reduced(observation[name], self.shrink[name]) for name in self.names], dim=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """(..., width) of pictures (..., C, 3, h, w), uint8; in training each look is moved and coloured anew."""
        looks = pictures.flatten(0, -5)
        if self.training:
            looks = shifted(looks, self.shift_px)
        bright = looks.float() / 127.5 - 1.0
        if self.training:
            bright = coloured(bright, self.colour)
        places = torch.cat([eye(bright[:, camera]) for camera, eye in enumerate(self.eyes)], dim=1)
        return places.unflatten(0, pictures.shape[:-4])


def _shrink(name: str, shape: tuple[int, ...], size_px: tuple[int, int] | None) -> int:
    """How many recorded pixels, along each side, become one."""
    height, width = shape[:2]
    wanted_width, wanted_height = size_px or (width, height)
    fits = wanted_width > 0 and width % wanted_width == 0 and wanted_height * (width // wanted_width) == height
    shares = [f"{width // n}x{height // n}" for n in (1, 2, 3, 4) if width % n == 0 and height % n == 0]
    says = f"picture_px is {wanted_width}x{wanted_height}; {name} was recorded as {width}x{height}, which becomes {', '.join(shares)}."
    require(fits, ShapeError, says)
    return width // wanted_width


def _reduced(pictures: Tensor, shrink: int) -> Tensor:
    """(N, 3, h, w), uint8, of (N, H, W, 3): means of squares of pixels."""
    upright = pictures.permute(0, 3, 1, 2)
    if shrink == 1:
        return upright
    return functional.avg_pool2d(upright.float(), shrink).round().to(torch.uint8)


def shifted(pictures: Tensor, most_px: int) -> Tensor:
    """Pictures (N, C, 3, h, w), each camera's moved by up to so many pixels, its edge repeated.

    Source: Yarats et al. 2021, "Image augmentation is all you need" (DrQ).
    """
    if most_px == 0:
        return pictures
    count, cameras, _, height, width = pictures.shape
    move = torch.randint(-most_px, most_px + 1, (2, count, cameras, 1), device=pictures.device)
    rows = (torch.arange(height, device=pictures.device) + move[0]).clamp(0, height - 1)
    columns = (torch.arange(width, device=pictures.device) + move[1]).clamp(0, width - 1)
    moved = pictures.gather(3, rows[:, :, None, :, None].expand_as(pictures))
    return moved.gather(4, columns[:, :, None, None, :].expand_as(pictures))


def coloured(pictures: Tensor, most: float) -> Tensor:
    """Pictures (N, C, 3, h, w) of numbers about 0, each brighter or darker, flatter or starker, and of other colours, by up to `most`."""
    if most == 0:
        return pictures
    count, cameras = pictures.shape[:2]
    gain, tint, light = (most * (2 * torch.rand(count, cameras, colours, 1, 1, device=pictures.device) - 1) for colours in (1, 3, 1))
    return pictures * (1 + gain) * (1 + tint) + light
