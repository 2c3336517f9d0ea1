"""What robots look like: shapes per link, in place, whatever state the description is in."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest
import trimesh

from envs.urdf_spec import urdf_to_spec
from motion.errors import RobotError
from robots import catalogue, load_robot
from robots.kinematics import Kinematics
from robots.meshes import read_mesh
from robots.visuals import GREY, VisualShape, simplified, urdf_visuals, visual_shapes

ARM = """<robot name="arm">
<material name="red"><color rgba="1 0 0 1"/></material>
<link name="base">{base}</link>
<link name="hand">
  <visual><origin xyz="0 0 1" rpy="0 1.5707963267948966 0"/><geometry><cylinder radius="0.1" length="2"/></geometry>
    <material name="red"/></visual>
</link>
<joint name="turn" type="revolute"><parent link="base"/><child link="hand"/><origin xyz="0 0.4 0.3"/><axis xyz="0 0 1"/>
  <limit lower="-1" upper="1" effort="1" velocity="1"/></joint>
</robot>"""
MESH = '<visual><geometry><mesh filename="{name}" scale="1 {y} 1"/></geometry></visual>'


def arm(folder: Path, base: str = "") -> Path:
    path = folder / "arm.urdf"
    path.write_text(ARM.format(base=base))
    return path


def solid(shape: VisualShape) -> trimesh.Trimesh:
    return trimesh.Trimesh(shape.vertices_m, shape.faces)


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_shapes_are_where_mujoco_puts_them(name: str) -> None:
    robot = load_robot(name)
    model = urdf_to_spec(robot, "visual").compile()
    data = mujoco.MjData(model)
    for joint, rule in robot.mimic.items():
        data.joint(joint).qpos[0] = rule.offset
    mujoco.mj_kinematics(model, data)
    shapes = visual_shapes(robot)
    links = sorted({shape.link for shape in shapes})
    poses = Kinematics(robot).frame_poses(links, np.zeros((1, len(robot.joint_names))))[0]
    for index, link in enumerate(links):
        ours = np.concatenate([poses[index].apply(shape.vertices_m) for shape in shapes if shape.link == link])
        theirs = np.concatenate([_corners(model, data, geom) for geom in range(model.ngeom) if _link(model, geom) == link])
        np.testing.assert_allclose(ours.min(0), theirs.min(0), atol=0.02, err_msg=link)
        np.testing.assert_allclose(ours.max(0), theirs.max(0), atol=0.02, err_msg=link)


def _link(model: mujoco.MjModel, geom: int) -> str:
    return str(model.body(int(model.geom_bodyid[geom])).name)


def _corners(model: mujoco.MjModel, data: mujoco.MjData, geom: int) -> np.ndarray:
    """What a geom covers: a mesh's vertices in the world, or the corners of the box around another shape."""
    mesh = int(model.geom_dataid[geom])
    if mesh >= 0:
        first = int(model.mesh_vertadr[mesh])
        local = model.mesh_vert[first : first + int(model.mesh_vertnum[mesh])]
    else:
        size = model.geom_aabb[geom, 3:]
        local = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * size
    return local @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]


def test_primitives_are_closed_and_turned_and_painted(tmp_path: Path) -> None:
    box = '<visual><geometry><box size="1 2 3"/></geometry></visual><visual><geometry><sphere radius="0.5"/></geometry></visual>'
    cube, ball, rod = urdf_visuals(arm(tmp_path, box)).shapes
    assert solid(cube).volume == pytest.approx(6)
    assert solid(ball).volume == pytest.approx(np.pi / 6, rel=0.05)
    assert solid(rod).volume == pytest.approx(np.pi * 0.01 * 2, rel=0.05)
    np.testing.assert_allclose(solid(rod).bounds, [[-1, -0.1, 0.9], [1, 0.1, 1.1]], atol=1e-9)
    assert (cube.rgba, rod.rgba, rod.link) == (GREY, (1.0, 0.0, 0.0, 1.0), "hand")
    assert all(solid(shape).is_winding_consistent for shape in (cube, ball, rod))


def test_meshes_are_scaled_and_mirrored_ones_keep_their_outside(tmp_path: Path) -> None:
    trimesh.creation.box((0.1, 0.2, 0.3)).export(tmp_path / "box.stl")
    shape = urdf_visuals(arm(tmp_path, MESH.format(name="box.stl", y=-2))).shapes[0]
    assert solid(shape).volume == pytest.approx(2 * 0.1 * 0.2 * 0.3)


def test_collada_units_and_axes_are_applied(tmp_path: Path) -> None:
    text = trimesh.exchange.dae.export_collada(trimesh.creation.box((20, 40, 60))).decode()
    (tmp_path / "box.dae").write_text(text.replace("<up_axis>", '<unit name="millimeter" meter="0.001"/><up_axis>'))
    (part,) = read_mesh(tmp_path / "box.dae")
    assert "Y_UP" in text
    np.testing.assert_allclose(np.ptp(part.vertices_m, axis=0), [0.02, 0.06, 0.04])


@pytest.mark.parametrize("content", [None, b"", b"solid nothing", bytes(84)])
def test_what_cannot_be_read_is_said_and_stood_in_for(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "lost.stl").write_bytes(content)
    found = urdf_visuals(arm(tmp_path, MESH.format(name="lost.stl", y=1)))
    assert len(found.missing) == 1
    assert "lost.stl" in found.missing[0]
    stand_in = found.shapes[0]
    assert (stand_in.link, stand_in.stands_in) == ("base", True)
    assert solid(stand_in).bounds[1, 2] == pytest.approx(0.3, abs=0.03), "the rod does not reach the joint"


def test_no_urdf_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RobotError, match=r"none\.urdf"):
        urdf_visuals(tmp_path / "none.urdf")


def test_simplified_shapes_have_few_faces_and_the_same_size() -> None:
    shapes = visual_shapes(load_robot("g1"))
    fewer = simplified(shapes, 1500)
    assert max(len(shape.faces) for shape in fewer) <= 1500
    for before, after in zip(shapes, fewer, strict=True):
        np.testing.assert_allclose(np.ptp(after.vertices_m, axis=0), np.ptp(before.vertices_m, axis=0), rtol=0.08, atol=0.01)
