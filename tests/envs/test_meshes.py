"""Meshes rewritten for MuJoCo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from envs.meshes import DRAWN_FACES, HULL_VERTICES, prepared_mesh
from motion.errors import RobotError

DAE = """<?xml version="1.0"?><COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><up_axis>{up}</up_axis></asset>
<library_geometries><geometry id="g"><mesh>
<source id="p"><float_array id="pa" count="12">0 0 0 1 0 0 0 3 0 0 0 2</float_array>
<technique_common><accessor source="#pa" count="4" stride="3"><param name="X" type="float"/><param name="Y" type="float"/>
<param name="Z" type="float"/></accessor></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>
<triangles count="4"><input semantic="VERTEX" source="#v" offset="0"/><p>0 2 1 0 1 3 0 3 2 1 2 3</p></triangles>
</mesh></geometry></library_geometries>
<library_visual_scenes><visual_scene id="s"><node id="n"><instance_geometry url="#g"/></node></visual_scene></library_visual_scenes>
<scene><instance_visual_scene url="#s"/></scene></COLLADA>"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_hull_is_small_convex_and_fits(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.1)
    ball.export(tmp_path / "ball.stl")
    hull = trimesh.load_mesh(prepared_mesh(tmp_path / "ball.stl", "collision", (1.0, 1.0, 2.0)))
    assert len(hull.vertices) <= HULL_VERTICES
    assert hull.is_convex
    np.testing.assert_allclose(hull.extents, [0.2, 0.2, 0.4], rtol=0.06)


def test_a_drawing_has_few_faces_and_no_holes_torn_into_it(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=0.1)
    ball.export(tmp_path / "ball.stl")
    drawn = trimesh.load_mesh(prepared_mesh(tmp_path / "ball.stl", "visual"))
    assert DRAWN_FACES / 4 < len(drawn.faces) <= DRAWN_FACES < len(ball.faces)
    assert drawn.area == pytest.approx(ball.area, rel=0.05)
    assert (np.einsum("ij,ij->i", drawn.face_normals, drawn.triangles_center) > 0).all(), "a face looks inward"
    np.testing.assert_allclose(np.linalg.norm(drawn.vertices, axis=1), 0.1, atol=0.005)


@pytest.mark.parametrize(("up", "extents"), [("Z_UP", [1, 3, 2]), ("Y_UP", [1, 2, 3])])
def test_collada_is_turned_to_z_up(tmp_path: Path, up: str, extents: list[float]) -> None:
    (tmp_path / "part.dae").write_text(DAE.format(up=up))
    mesh = trimesh.load_mesh(prepared_mesh(tmp_path / "part.dae", "visual"))
    np.testing.assert_allclose(mesh.extents, extents, atol=1e-6)
    assert mesh.vertices[:, 2].min() == pytest.approx(0)


def test_ascii_and_flat_meshes_become_solid_hulls(tmp_path: Path) -> None:
    flat = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]])
    (tmp_path / "flat.stl").write_text(flat.export(file_type="stl_ascii"))
    hull = trimesh.load_mesh(prepared_mesh(tmp_path / "flat.stl", "collision"))
    assert hull.volume == pytest.approx(1e-3, rel=1e-3)


def test_the_cache_is_used_until_the_file_changes(tmp_path: Path) -> None:
    trimesh.creation.box((1, 1, 1)).export(tmp_path / "a.stl")
    first = prepared_mesh(tmp_path / "a.stl", "collision")
    written = first.stat().st_mtime_ns
    assert prepared_mesh(tmp_path / "a.stl", "collision") == first
    assert first.stat().st_mtime_ns == written
    trimesh.creation.icosphere().export(tmp_path / "a.stl")
    assert prepared_mesh(tmp_path / "a.stl", "collision") != first


def test_two_files_of_one_name_stay_two(tmp_path: Path) -> None:
    for folder, side in (("left", 1.0), ("right", 2.0)):
        (tmp_path / folder).mkdir()
        trimesh.creation.box((side, 1, 1)).export(tmp_path / folder / "hand.stl")
    paths = [prepared_mesh(tmp_path / folder / "hand.stl", "collision") for folder in ("left", "right")]
    assert len({path.stem for path in paths}) == 2


def test_an_unreadable_format_says_what_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "part.blend").write_text("x")
    with pytest.raises(RobotError, match=r"\.stl, \.obj, \.dae"):
        prepared_mesh(tmp_path / "part.blend", "visual")
