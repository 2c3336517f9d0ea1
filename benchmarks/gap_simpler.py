"""The five tables that SIMPLER published, by our formulas: figures only."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.table import Row
from gap.paired import mmrv, pearson

APART = 1e-6


@dataclass(frozen=True)
class Published:
    """Success in simulation (visual matching) and on the real robot of RT-2-X, RT-1 converged, RT-1 15 %, RT-1-X, RT-1 begin and Octo base.

    Attributes:
        sim, real: per mille.
        pearson, mmrv: by the paper's formulas.
    """

    sim: tuple[int, ...]
    real: tuple[int, ...]
    pearson: float
    mmrv: float


TABLES = {
    "pick_coke_can": Published((787, 857, 710, 567, 27, 170), (907, 853, 920, 760, 133, 293), 0.975434, 0.031333),
    "move_near": Published((779, 442, 354, 317, 50, 42), (733, 633, 583, 450, 17, 350), 0.856097, 0.111000),
    "open_drawer": Published((157, 601, 463, 296, 0, 9), (333, 815, 704, 519, 0, 148), 0.983167, 0.000000),
    "close_drawer": Published((343, 861, 667, 891, 278, 444), (630, 926, 889, 741, 0, 519), 0.771233, 0.123333),
    "place_apple": Published((37, 65, 130, 213, 0, 0), (74, 185, 185, 407, 0, 0), 0.969172, 0.000000),
}
"""Source: X. Li et al., "Evaluating real-world robot manipulation policies in simulation" (CoRL 2024), and its repository."""


def simpler() -> list[Row]:
    """How far our Pearson correlation and MMRV are from the published."""
    rows = []
    for name, table in TABLES.items():
        sim, real = ([rate / 1000 for rate in rates] for rates in (table.sim, table.real))
        found = pearson(sim, real).value, mmrv(sim, real)
        apart = max(abs(found[0] - table.pearson), abs(found[1] - table.mmrv))
        note = f"Pearson {found[0]:.6f}, MMRV {found[1]:.6f}"
        rows.append(Row(f"simpler, {name}: largest error", apart, APART, at_least=False, note=note))
    return rows
