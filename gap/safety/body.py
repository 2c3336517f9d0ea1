"""How much force and pressure a person's body bears, region by region, from a file with the source of every figure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from motion.errors import FileFormatError, UnknownNameError, require

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "safety"
CURRENT = "v1"
LINKS = ("hand", "arm", "trunk")
"""Classes of the robot's links, both sides taken together."""
_REGION = ("force_n", "transient_force", "transient_pressure", "pressure_npcm2", "source", "verified")
_PATCH = ("area_cm2", "what", "source", "verified")


@dataclass(frozen=True)
class BodyRegion:
    """What one region of a body bears.

    Attributes:
        name: of the region.
        force_n: that lasts.
        pressure_npcm2: place on it -> pressure that lasts, N/cm2.
        transient_force, transient_pressure: multiples of these in the first half second of a contact; None: such contact is not
            foreseen, and what lasts is taken.
        source: of the figures.
        verified: whether somebody held them against it.
    """

    name: str
    force_n: float
    pressure_npcm2: Mapping[str, float]
    transient_force: float | None
    transient_pressure: float | None
    source: str
    verified: bool

    @property
    def least_pressure_npcm2(self) -> float:
        """Of its most sensitive place."""
        return min(self.pressure_npcm2.values())


@dataclass(frozen=True)
class Patch:
    """The smallest patch by which links of the robot are taken to touch: an assumption, as no signal tells it.

    Attributes:
        link: one of `LINKS`.
        area_cm2: of it.
        what: what it is the area of.
        source, verified: as of `BodyRegion`.
    """

    link: str
    area_cm2: float
    what: str
    source: str
    verified: bool


@dataclass(frozen=True)
class BodyLimits:
    """One version of the file.

    Attributes:
        version: its name.
        sha256: digest of its numbers and words; comments do not count.
        standard: what they are taken from.
        regions: of the body.
        patches: class of links -> patch.
    """

    version: str
    sha256: str
    standard: str
    regions: tuple[BodyRegion, ...]
    patches: Mapping[str, Patch]

    @property
    def unverified(self) -> tuple[str, ...]:
        """Names of the regions and patches that nobody held against their source."""
        named = ((region.name, region.verified) for region in self.regions)
        return (*(name for name, checked in named if not checked), *(f"patch: {p.link}" for p in self.patches.values() if not p.verified))

    def beyond_force(self, force_n: float, transient: bool = False) -> tuple[str, ...]:
        """Regions that bear less than a force, for as long as it lasts or, where `transient`, for half a second."""
        return tuple(r.name for r in self.regions if force_n > r.force_n * (_factor(r.transient_force) if transient else 1.0))

    def beyond_pressure(self, pressure_npcm2: float, transient: bool = False) -> tuple[str, ...]:
        """Regions whose most sensitive place bears less than a pressure."""
        factors = ((r, _factor(r.transient_pressure) if transient else 1.0) for r in self.regions)
        return tuple(r.name for r, factor in factors if pressure_npcm2 > r.least_pressure_npcm2 * factor)


def _factor(multiplier: float | None) -> float:
    return 1.0 if multiplier is None else multiplier


@lru_cache(maxsize=8)
def load_body_limits(version: str = CURRENT, folder: Path = FOLDER) -> BodyLimits:
    """A version of `conf/safety/`.

    Raises:
        UnknownNameError: no such version.
        FileFormatError: a part is missing, has a name that nobody knows, or is of the wrong kind.
    """
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if version not in known:
        raise UnknownNameError("body limits", version, known, str(folder))
    path = folder / f"{version}.yaml"
    try:
        data = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: cannot be read as YAML ({str(error).splitlines()[0]}).") from error
    top = _parts(data, ("version", "standard", "regions", "patches"), str(path))
    require(top["version"] == version, FileFormatError, f"{path}: calls itself version {top['version']!r}.")
    regions = _table(top["regions"], f"{path}: regions")
    require(bool(regions), FileFormatError, f"{path}: it names no region of the body.")
    patches = _parts(top["patches"], LINKS, f"{path}: patches")
    return BodyLimits(
        version=version,
        sha256=hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest(),
        standard=_text(top["standard"], f"{path}: standard"),
        regions=tuple(_region(name, entry, f"{path}: {name}") for name, entry in regions.items()),
        patches={link: _patch(link, entry, f"{path}: patch {link}") for link, entry in patches.items()},
    )


def _region(name: str, data: Any, where: str) -> BodyRegion:
    parts = _parts(data, _REGION, where)
    places = _table(parts["pressure_npcm2"], f"{where}, pressure_npcm2")
    require(bool(places), FileFormatError, f"{where}: pressure_npcm2 names no place.")
    return BodyRegion(
        name=name,
        force_n=_number(parts["force_n"], f"{where}, force_n"),
        pressure_npcm2={place: _number(value, f"{where}, {place}") for place, value in places.items()},
        transient_force=_multiple(parts["transient_force"], f"{where}, transient_force"),
        transient_pressure=_multiple(parts["transient_pressure"], f"{where}, transient_pressure"),
        source=_text(parts["source"], f"{where}, source"),
        verified=_flag(parts["verified"], f"{where}, verified"),
    )


def _patch(link: str, data: Any, where: str) -> Patch:
    parts = _parts(data, _PATCH, where)
    area = _number(parts["area_cm2"], f"{where}, area_cm2")
    what, source = (_text(parts[key], f"{where}, {key}") for key in ("what", "source"))
    return Patch(link, area, what, source, _flag(parts["verified"], f"{where}, verified"))


def _parts(data: Any, wanted: Iterable[str], where: str) -> Mapping[str, Any]:
    """A table with exactly these keys."""
    table, names = _table(data, where), set(wanted)
    fits = set(table) == names
    require(fits, FileFormatError, f"{where}: the keys are {sorted(table)}; {sorted(names)} were wanted.")
    return table


def _table(data: Any, where: str) -> Mapping[str, Any]:
    good = isinstance(data, Mapping) and all(isinstance(key, str) for key in data)
    require(good, FileFormatError, f"{where}: a table of names and values was wanted; got {data!r}.")
    table: Mapping[str, Any] = data
    return table


def _number(value: Any, where: str) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
    require(good, FileFormatError, f"{where}: {value!r} is no number above 0.")
    return float(value)


def _multiple(value: Any, where: str) -> float | None:
    return None if value is None else _number(value, where)


def _text(value: Any, where: str) -> str:
    require(isinstance(value, str) and bool(value.strip()), FileFormatError, f"{where}: {value!r} is no text.")
    return str(value)


def _flag(value: Any, where: str) -> bool:
    require(isinstance(value, bool), FileFormatError, f"{where}: {value!r} is neither true nor false.")
    return bool(value)
