"""From a simulated demonstration to a row, and rows to Parquet and back."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from gap import EpisodeResult, ScoreError, episode_results, episodes_provenance, read_episodes, write_episodes
from gap.catalogue import METRICS, metric
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, UnknownNameError
from motion.provenance import Provenance
from robots import Robot

Simulate = Callable[..., Demonstration]


def change(demonstration: Demonstration, **signals: np.ndarray | None) -> Demonstration:
    """With signals replaced, or left out where None."""
    kept = {**demonstration.signals, **signals}
    return replace(demonstration, signals={name: track for name, track in kept.items() if track is not None})


def same(a: EpisodeResult, b: EpisodeResult) -> bool:
    return repr(a) == repr(b)  # NaN equals NaN here


def test_row_of_a_demonstration(simulate: Simulate, g1: Robot) -> None:
    demonstration = simulate("replay", steps=100)
    (row,) = episode_results([demonstration], g1)
    error = demonstration.signals["joint_position_rad"] - demonstration.signals["reference_position_rad"]
    assert (row.robot, row.variant, row.plant, row.actor, row.seed) == ("g1", "clip_0", "nominal", "replay", 0)
    assert row.duration_s == pytest.approx(2.0)
    assert row.stable
    assert row.joint_rmse_rad == pytest.approx(np.sqrt(np.mean(error**2)))
    assert row.energy_j == pytest.approx(
        np.abs(demonstration.signals["actuator_torque_nm"] * demonstration.signals["joint_velocity_radps"]).sum() * 0.02
    )
    assert row.gantry_peak_n == demonstration.signals["gantry_force_n"].max()
    assert row.safety == demonstration.safety
    assert all(math.isfinite(row.numbers()[name]) for name in METRICS)
    assert row.lag_corrected_rmse_rad < row.joint_rmse_rad


def test_a_delay_of_the_plant_shows_as_that_lag(simulate: Simulate, g1: Robot) -> None:
    nominal, slow = episode_results([simulate("replay", plant) for plant in ("nominal", "slow_link")], g1)
    assert slow.lag_s - nominal.lag_s == pytest.approx(3 * 0.02, abs=1e-3)  # three control periods


def test_a_base_that_is_off_moves_the_global_error_only(simulate: Simulate, g1: Robot) -> None:
    exact = simulate("expert", steps=40)
    reference = exact.signals["reference_base_position_m"]
    moved = change(exact, joint_position_rad=exact.signals["reference_position_rad"], base_position_m=np.add(reference, [0.03, 0, 0.04]))
    (row,) = episode_results([moved], g1)
    assert row.mpjpe_global_mm == pytest.approx(50.0)
    assert row.mpjpe_root_mm == pytest.approx(0.0, abs=1e-9)
    assert row.joint_rmse_rad == 0.0


def test_joints_are_matched_by_name(simulate: Simulate, g1: Robot) -> None:
    plain = simulate(steps=40)
    turned = {n: t[:, ::-1] for n, t in plain.signals.items() if np.ndim(t) == 2 and t.shape[1] == len(g1.joint_names)}
    mirrored = replace(change(plain, **turned), joint_names=plain.joint_names[::-1])
    first, second = episode_results([plain, mirrored], g1)
    assert second.mpjpe_root_mm == pytest.approx(first.mpjpe_root_mm)


def test_an_unstable_episode_is_a_failure_without_metrics(simulate: Simulate, g1: Robot) -> None:
    good = replace(simulate(steps=40), success=True)
    broken = good.signals["joint_position_rad"].copy()
    broken[20:, 3] = np.nan
    (row,) = episode_results([change(good, joint_position_rad=broken)], g1)
    assert not row.stable
    assert not row.success
    assert row.progress == 0.0
    assert all(math.isnan(row.numbers()[name]) for name in METRICS if name != "progress")


def test_a_chore_without_reference_or_gantry_still_has_a_row(simulate: Simulate, g1: Robot) -> None:
    bare = change(simulate(steps=40), reference_position_rad=None, gantry_force_n=None)
    (row,) = episode_results([bare], g1)
    assert math.isnan(row.mpjpe_root_mm)
    assert math.isnan(row.gantry_mean_n)
    assert row.energy_j > 0


def test_what_cannot_be_scored_is_refused(simulate: Simulate, g1: Robot) -> None:
    demonstration = simulate(steps=40)
    with pytest.raises(UnknownNameError, match=r"unknown signal 'actuator_torque_nm'.*Known: .*gantry_force_n"):
        episode_results([change(demonstration, actuator_torque_nm=None)], g1)
    with pytest.raises(ScoreError, match="'talos' cannot be scored as 'g1'"):
        episode_results([replace(demonstration, robot="talos")], g1)
    with pytest.raises(UnknownNameError, match="unknown joint 'tail'"):
        episode_results([replace(demonstration, joint_names=("tail", *demonstration.joint_names[1:]))], g1)


def test_rows_come_back_from_parquet(simulate: Simulate, g1: Robot, tmp_path: Path) -> None:
    demonstrations = [simulate(actor, steps=60) for actor in ("bc", "hold")]
    rows = episode_results(demonstrations, g1)
    rows[1] = replace(rows[1], safety={})
    write_episodes(tmp_path / "a" / "episodes.parquet", rows, episodes_provenance(demonstrations))
    again, provenance = read_episodes(tmp_path / "a" / "episodes.parquet")
    assert len(again) == 2
    assert all(same(a, b) for a, b in zip(rows, again, strict=True))
    assert provenance.parents == demonstrations[0].provenance.parents
    assert (provenance.licence, provenance.consent) == ("CC BY-NC 4.0", "actor 3")


def test_parquet_names_units_and_is_flat(row: Callable[..., EpisodeResult], tmp_path: Path) -> None:
    path = tmp_path / "episodes.parquet"
    write_episodes(path, [row(energy_j=1.0, safety={"falls": 2.0})], Provenance("test"))
    schema = pq.read_schema(path)
    assert schema.field("energy_j").metadata == {b"unit": b"J"}
    assert schema.field("mpjpe_root_mm").metadata == {b"unit": b"mm"}
    assert json.loads(schema.metadata[b"understudy"])["kind"] == "episodes"
    assert pq.read_table(path).to_pylist()[0]["safety.falls"] == 2.0
    assert list(tmp_path.iterdir()) == [path]  # no temporary file stays behind


def test_other_files_are_no_episode_tables(tmp_path: Path, row: Callable[..., EpisodeResult]) -> None:
    (tmp_path / "x.parquet").write_bytes(b"nothing of the kind")
    for name in ("x.parquet", "missing.parquet"):
        with pytest.raises(FileFormatError, match=name):
            read_episodes(tmp_path / name)
    write_episodes(tmp_path / "e.parquet", [row()], Provenance("test"))
    pq.write_table(pq.read_table(tmp_path / "e.parquet").replace_schema_metadata({}), tmp_path / "bare.parquet")
    with pytest.raises(FileFormatError, match=r"bare\.parquet"):
        read_episodes(tmp_path / "bare.parquet")
    with pytest.raises(ScoreError, match="no episodes"):
        write_episodes(tmp_path / "none.parquet", [], Provenance("test"))


def test_every_metric_is_a_field_and_safety_numbers_are_read_by_name() -> None:
    assert set(METRICS) <= set(EpisodeResult.__dataclass_fields__)
    assert metric("safety.peak_force_n").heading == "Peak force (N)"
    assert metric("safety.falls").heading == "Falls"
