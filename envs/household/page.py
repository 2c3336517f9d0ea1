"""A demonstration of a chore with things on a page: scene and robot, a clock, stages and forces."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import mujoco
import numpy as np
import viser

from envs.household.build import COUNTER, thing_body
from envs.household.chore import Household
from envs.household.film import hand_forces_n, reached_words, scene_of
from envs.household.posed import Placement, PosedScene
from envs.household.viewpoints import CAMERAS, standing_view
from motion.demonstration import Demonstration
from motion.transform import Array, matrix_from_wxyz
from robots.kinematics import Kinematics
from robots.meshes import Rgba
from robots.page.player import Player
from robots.page.server import close_server
from robots.page.skin import Skin
from robots.page.stage import add_floor, aim
from robots.visuals import Triangles, cuboid, rod, round_ended_rod

_VIEWS = tuple(name for name in CAMERAS if name != "head")
_FARTHER = 1.3
"""Than these cameras: the panel takes its share of the window."""
_COLUMNS_N = 500
_ROW_PX, _LABEL_PX = 44, 16
_HANDS = (("left", "#1f77b4"), ("right", "#e07b1a"))
_DONE, _OPEN = "#14823c", "#999999"
_MARGIN = "margin:0 14px 6px 10px"


class Page:
    """One demonstration in a browser. Close it, or use it in a `with` block.

    Args:
        demonstration: of a chore with things.
        chore: that chore, for the demonstration's robot.
        server: from `robots.page.server.open_server`; browsers may be connected to it already.

    Attributes:
        player: the clock that it shows.

    Raises:
        ShapeError: the chore is not the demonstration's.
    """

    def __init__(self, demonstration: Demonstration, chore: Household, server: viser.ViserServer) -> None:
        self.demonstration, self.chore, self.server = demonstration, chore, server
        self._posed = PosedScene(chore)
        self._posed.set_scene(scene_of(chore, demonstration))
        self._force_n = hand_forces_n(demonstration)
        self.clock_s = demonstration.period_s * np.arange(1, len(demonstration.actions) + 1)
        scene = server.scene
        add_floor(scene, "/floor")
        self._skin = Skin(scene, "/robot", chore.robot, Kinematics(chore.robot))
        self._things = _Things(scene, self._posed)
        self._build()
        self._look_from(_VIEWS[0])
        self.player.draw(0)

    def _build(self) -> None:
        gui, shown = self.server.gui, self.demonstration
        ending = "success" if shown.success else "no success"
        harm = f", unsafe: {', '.join(shown.violations)}" if shown.violations else ""
        gui.add_markdown(self.chore.text(shown.variant))
        gui.add_markdown(f"**{shown.chore}** {shown.variant}, seed {shown.seed}, **{shown.robot}**, by {shown.actor}: {ending}{harm}")
        self.player = Player(self.server, self.clock_s, self._show, self._says)
        self._stages = gui.add_html(self._stage_list(0))
        for stage, step in self._first_reached():
            button = gui.add_button(f"{self.clock_s[step]:.2f} s: {stage.replace('_', ' ')}")
            button.on_click(lambda _, step=step: self.player.seek(step))  # type: ignore[misc]
        views = gui.add_dropdown("View", _VIEWS)
        views.on_update(lambda _: self._look_from(views.value))
        gui.add_html(force_plot(self._force_n))
        self._cursor = gui.add_html(_cursor(0.0))

    def _look_from(self, camera: str) -> None:
        eye_m, target_m = standing_view(self.chore.station, camera, self.chore.view_m)
        aim(self.server, target_m + _FARTHER * (eye_m - target_m), target_m)

    def _first_reached(self) -> list[tuple[str, int]]:
        """The stages that were reached, and the first step of each."""
        reached = np.asarray(self.demonstration.signals["stage_reached"]) > 0
        return [(stage.name, int(np.argmax(reached[:, k]))) for k, stage in enumerate(self.chore.stages) if reached[:, k].any()]

    def _stage_list(self, step: int) -> str:
        """All stages, those that are reached in green."""
        reached = np.asarray(self.demonstration.signals["stage_reached"])[step] > 0
        words = [
            f'<span style="color:{_DONE if done else _OPEN}">{"●" if done else "○"} {escape(stage.name.replace("_", " "))}</span>'
            for stage, done in zip(self.chore.stages, reached, strict=True)
        ]
        return f'<div style="font:12px/18px sans-serif;{_MARGIN}">{"<br>".join(words)}</div>'

    def _says(self, step: int) -> str:
        left, right = self._force_n[step]
        words = escape(reached_words(self.chore, self.demonstration, step))
        return f"{self.clock_s[step]:.2f} s of {self.clock_s[-1]:.2f} s, step {step}<br>{words}<br>left {left:.1f} N, right {right:.1f} N"

    def _show(self, step: int) -> None:
        placement = Placement.of_signals(self.demonstration.signals, step)
        self._posed.place(placement)
        self._things.show()
        if placement.is_finite():
            self._skin.pose(placement.joint_position_rad[None], placement.T_world_base[None])
        self._stages.content = self._stage_list(step)
        self._cursor.content = _cursor((step + 0.5) / len(self.clock_s))

    def close(self) -> None:
        """Stop serving."""
        close_server(self.server)

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Things:
    """Counter, things and beads: a node for each with a mesh per colour, put where the model has them."""

    def __init__(self, scene: viser.SceneApi, posed: PosedScene) -> None:
        self._posed, self._nodes = posed, dict[int, viser.FrameHandle]()
        beads = {thing_body(name) for name in posed.chore.listing.beads}
        self._beads = _Beads(scene, posed.model, [posed.model.body(name).id for name in posed.bodies if name in beads])
        for name in posed.bodies:
            if name not in beads:
                body = posed.model.body(name).id
                self._nodes[body] = scene.add_frame(f"/things/{body}", show_axes=False)
                _add_meshes(scene, f"/things/{body}", posed.model, [*_geoms(posed.model, body)])
        cabinet = [geom for geom in range(posed.model.ngeom) if posed.part_of[geom] == posed.parts.index(COUNTER)]
        loose = [geom for geom in cabinet if posed.model.geom_bodyid[geom] == 0]
        _add_meshes(scene, "/cabinet", posed.model, loose)

    def show(self) -> None:
        """Put them where they are now."""
        data = self._posed.data
        for body, node in self._nodes.items():
            node.position, node.wxyz = data.xpos[body], data.xquat[body]
        self._beads.show(data)


class _Beads:
    """Beads, one batch of balls per colour and size."""

    def __init__(self, scene: viser.SceneApi, model: mujoco.MjModel, bodies: Sequence[int]) -> None:
        kinds: dict[tuple[Rgba, float], list[int]] = {}
        for body in bodies:
            geom = int(model.body_geomadr[body])
            kinds.setdefault((_rgba(model, geom), float(model.geom_size[geom, 0])), []).append(body)
        self._batches = []
        for index, ((rgba, radius), members) in enumerate(kinds.items()):
            vertices, faces = round_ended_rod(radius, 0.0)
            handle = scene.add_batched_meshes_simple(
                f"/beads/{index}",
                vertices,
                faces,
                batched_wxyzs=np.tile([1.0, 0.0, 0.0, 0.0], (len(members), 1)),
                batched_positions=np.zeros((len(members), 3)),
                batched_colors=_colour(rgba),
                lod="off",
                cast_shadow=False,
                receive_shadow=False,
            )
            self._batches.append((handle, np.array(members)))

    def show(self, data: mujoco.MjData) -> None:
        """Put them where they are now."""
        for handle, members in self._batches:
            handle.batched_positions = data.xpos[members].astype(np.float32)


def _add_meshes(scene: viser.SceneApi, root: str, model: mujoco.MjModel, geoms: Sequence[int]) -> None:
    """Shapes of one body, one mesh per colour."""
    by_colour: dict[Rgba, list[Triangles]] = {}
    for geom in geoms:
        by_colour.setdefault(_rgba(model, geom), []).append(_in_body(model, geom))
    for index, (rgba, shapes) in enumerate(by_colour.items()):
        starts = np.cumsum([0, *(len(vertices) for vertices, _ in shapes)])
        scene.add_mesh_simple(
            f"{root}/{index}",
            np.concatenate([vertices for vertices, _ in shapes]),
            np.concatenate([faces + start for (_, faces), start in zip(shapes, starts, strict=False)]),
            color=_colour(rgba),
            opacity=rgba[3] if rgba[3] < 1 else None,
            flat_shading=True,
            side="double",
            cast_shadow=False,
            receive_shadow=False,
        )


def _in_body(model: mujoco.MjModel, geom: int) -> Triangles:
    """A shape's vertices (V, 3) in the frame of its body, and faces (F, 3)."""
    vertices, faces = _shape(int(model.geom_type[geom]), model.geom_size[geom])
    return vertices @ matrix_from_wxyz(model.geom_quat[geom]).T + model.geom_pos[geom], faces


def _shape(kind: int, half_m: Array) -> Triangles:
    """A primitive of the kinds that things are made of (`envs.household.things.ShapeKind`)."""
    kinds = mujoco.mjtGeom
    if kind == kinds.mjGEOM_BOX:
        return cuboid(2 * half_m)
    if kind == kinds.mjGEOM_CYLINDER:
        return rod(half_m[0], 2 * half_m[1])
    if kind == kinds.mjGEOM_ELLIPSOID:
        vertices, faces = round_ended_rod(1.0, 0.0)
        return vertices * half_m, faces
    return round_ended_rod(half_m[0], 2 * half_m[1] if kind == kinds.mjGEOM_CAPSULE else 0.0)


def _geoms(model: mujoco.MjModel, body: int) -> range:
    first = int(model.body_geomadr[body])
    return range(first, first + int(model.body_geomnum[body]))


def _rgba(model: mujoco.MjModel, geom: int) -> Rgba:
    r, g, b, a = (float(value) for value in model.geom_rgba[geom])
    return (r, g, b, a)


def _colour(rgba: Rgba) -> tuple[int, int, int]:
    r, g, b = (round(255 * value) for value in rgba[:3])
    return (r, g, b)


def force_plot(force_n: Array) -> str:
    """Curves (HTML) of the forces (T, 2) on both hands: the highest value of each column."""
    top = max(1.0, 1.1 * float(np.nanmax(force_n, initial=0.0)))
    edges = np.linspace(0, len(force_n), min(_COLUMNS_N, len(force_n)) + 1).astype(int)[:-1]
    x = 1000 * (edges + 0.5) / len(force_n)
    curves = []
    for column, (_, colour) in enumerate(_HANDS):
        y = 100 * (1 - np.maximum.reduceat(np.nan_to_num(force_n[:, column]), edges) / top)
        points = " ".join(f"{across:.1f},{up:.1f}" for across, up in zip(x, y, strict=True))
        curves.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2" vector-effect="non-scaling-stroke"/>')
    names = ", ".join(f'<span style="color:{colour}">{side}</span>' for side, colour in _HANDS)
    label = f"font:11px/{_LABEL_PX}px sans-serif;height:{_LABEL_PX}px;color:#555;display:flex;justify-content:space-between"
    style = f"display:block;width:100%;height:{_ROW_PX}px;background:#fafafa"
    plot = f'<svg style="{style}" viewBox="0 0 1000 100" preserveAspectRatio="none">{"".join(curves)}</svg>'
    return (
        f'<div style="{_MARGIN}"><div style="{label}"><span>force on hands: {names}</span><span>0 .. {top:.3g} N</span></div>{plot}</div>'
    )


def _cursor(share: float) -> str:
    """A line over the plot above at a share (0..1) of its width."""
    line = f"position:absolute;left:{100 * share:.2f}%;bottom:0;height:{_ROW_PX}px;width:2px;margin-left:-1px;background:#111111"
    return f'<div style="position:relative;height:0;{_MARGIN};pointer-events:none"><div style="{line}"></div></div>'
