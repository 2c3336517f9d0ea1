"""A picture of a draft: the robot at ease from the front and from its right, coloured by segment, and each hand from the palm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from motion.landmarks import BONES, FINGERS, SIDES
from motion.store import write_atomically
from motion.transform import Array, Transform, matrix_from_wxyz
from robots.kinematics import Kinematics
from robots.onboard.anatomy import FoundSegment
from robots.onboard.draft import Draft
from robots.onboard.rest import body_axes
from robots.onboard.write import SURE
from robots.urdf import read_urdf
from robots.visuals import simplified, visual_shapes

FACES_N = 300
_LIGHT = np.array([0.35, 0.45, 0.82])
_RED, _GREY = (0.86, 0.12, 0.12), (0.72, 0.73, 0.76)
_COLOURS: Mapping[str, tuple[float, float, float]] = {
    "pelvis": (0.55, 0.49, 0.72),
    "chest": (0.44, 0.60, 0.80),
    "head": (0.93, 0.78, 0.45),
    "upper_arm": (0.35, 0.70, 0.60),
    "forearm": (0.62, 0.81, 0.45),
    "hand": (0.90, 0.70, 0.55),
    "thigh": (0.36, 0.55, 0.66),
    "shank": (0.55, 0.75, 0.85),
    "foot": (0.66, 0.58, 0.50),
    "thumb": (0.85, 0.50, 0.75),
    "index": (0.98, 0.72, 0.35),
    "middle": (0.50, 0.76, 0.40),
    "ring": (0.40, 0.66, 0.86),
    "pinky": (0.66, 0.55, 0.85),
}


@dataclass(frozen=True)
class _Scene:
    """Triangles (F, 3, 3) in the root's frame, the link of each, and where landmarks and links are."""

    triangles: Array
    link: np.ndarray
    marks: Mapping[str, Array]
    poses: Mapping[str, Transform]


def write_picture(draft: Draft, path: Path) -> None:
    """Draw a draft to a PNG."""
    figure = mapping_figure(draft)
    write_atomically(path, lambda stream: figure.savefig(stream, format="png", dpi=80))


def mapping_figure(draft: Draft) -> Figure:
    """The whole picture."""
    scene, alone = _scene(draft), draft.anatomy.kind == "hand"
    axes = body_axes(draft.anatomy)
    hands = [side for side in SIDES if f"{side}_hand" in draft.anatomy.segments]
    figure = Figure(figsize=(17, 10) if not alone else (15, 8), layout="constrained")
    grid = figure.add_gridspec(2, 3, width_ratios=(1.6, 0.8, 0.8))
    title = f"{draft.keys['description']}. Confidence 0 to 1; red: below {SURE:g}, please look."
    figure.suptitle(title, fontsize=14)
    if alone:
        side = hands[0]
        turn = _hand_axes(draft, scene, side)
        _draw_hand(figure.add_subplot(grid[:, :2]), draft, scene, side, turn, "from the palm")
        _draw_hand(figure.add_subplot(grid[:, 2]), draft, scene, side, _from_the_thumb(turn), "from the thumb's side")
        return figure
    _draw_body(figure.add_subplot(grid[:, 0]), draft, scene, np.stack([axes[:, 1], axes[:, 2], axes[:, 0]]), "front", named=True)
    _draw_body(figure.add_subplot(grid[:, 1]), draft, scene, np.stack([axes[:, 0], axes[:, 2], -axes[:, 1]]), "from its right", named=False)
    for row, side in enumerate(hands):
        _draw_hand(figure.add_subplot(grid[row, 2]), draft, scene, side, _hand_axes(draft, scene, side), "from the palm")
    return figure


def _scene(draft: Draft) -> _Scene:
    robot, kinematics = draft.robot, Kinematics(draft.robot)
    names = list(kinematics.frames)
    poses = kinematics.frame_poses(names, robot.rest_rad)[0]
    by_name = {name: poses[index] for index, name in enumerate(names)}
    soup, links = [np.zeros((0, 3, 3))], []
    for shape in simplified(visual_shapes(robot), FACES_N):
        if shape.link in by_name:
            soup.append(by_name[shape.link].apply(shape.vertices_m)[shape.faces])
            links += [shape.link] * len(shape.faces)
    marks = dict(zip(robot.landmarks, kinematics.landmark_positions(robot.rest_rad)[0], strict=True))
    return _Scene(np.concatenate(soup), np.array(links, dtype=object), marks, by_name)


def _segment_of(draft: Draft) -> dict[str, str]:
    """Link -> the segment that it belongs to: its own, else that of the nearest link it hangs from."""
    text = read_urdf(draft.robot.urdf)
    parent = {joint.child: joint.parent for joint in (*text.joints, *text.fixed)}
    own: dict[str, str] = {}
    for name, found in draft.anatomy.segments.items():
        own.setdefault(found.link, name)
    for name, mark in draft.anatomy.landmarks.items():
        side, finger, *_ = (*name.split("_"), "", "")
        if finger in FINGERS:
            own.setdefault(mark.frame, f"{side}_{finger}_proximal")
    out = {}
    for link in text.links:
        above: str | None = link
        while above is not None and above not in own:
            above = parent.get(above)
        out[link] = own[above] if above is not None else ""
    return out


def _colour(draft: Draft, segment: str) -> tuple[float, float, float]:
    part = segment.partition("_")[2]
    found = draft.anatomy.segments.get(segment)
    if found is None:  # a gripper's jaw has landmarks alone
        jaw = segment.removesuffix("_proximal")
        sure = min((mark.confidence for name, mark in draft.anatomy.landmarks.items() if name.startswith(f"{jaw}_")), default=np.inf)
    else:
        sure = found.confidence
    if not segment or sure < SURE:
        return _RED if segment else _GREY
    return _COLOURS.get(segment) or _COLOURS.get(part.split("_")[0]) or _COLOURS.get(part, _GREY)


def _draw_soup(axes: Axes, draft: Draft, scene: _Scene, view: Array, keep: np.ndarray) -> None:
    """Triangles, the farthest first, shaded, in the colour of their segment.

    Args:
        view: (3, 3) rows: what points right, up, and towards the eye.
    """
    seen = scene.triangles[keep] @ view.T
    if not len(seen):
        return
    normal = np.cross(seen[:, 1] - seen[:, 0], seen[:, 2] - seen[:, 0])
    length = np.linalg.norm(normal, axis=1)
    normal = normal / np.maximum(length, 1e-15)[:, None] * np.where(normal[:, 2:] < 0, -1, 1)
    shade = 0.45 + 0.55 * np.clip(normal @ _LIGHT, 0, 1)
    segment = _segment_of(draft)
    base = np.array([_colour(draft, segment[link]) for link in scene.link[keep]])
    order = np.argsort(seen[:, :, 2].mean(1))
    colour = np.clip(base * shade[:, None], 0, 1)[order]
    axes.add_collection(PolyCollection(list(seen[order, :, :2]), facecolors=colour, edgecolors=colour, linewidths=0.2))


def _draw_marks(axes: Axes, draft: Draft, scene: _Scene, view: Array, names: Sequence[str], size: float) -> None:
    known = {name: view @ scene.marks[name] for name in names}
    for a, b in BONES:
        if a in known and b in known:
            axes.plot([known[a][0], known[b][0]], [known[a][1], known[b][1]], "-", color="black", linewidth=0.8, alpha=0.55)
    for name, place in known.items():
        found = draft.anatomy.landmarks.get(name)
        doubtful = found is not None and found.confidence < SURE
        axes.plot(
            place[0], place[1], "o", color=_RED if doubtful else "black", markersize=size, markeredgecolor="white", markeredgewidth=0.6
        )


def _draw_body(axes: Axes, draft: Draft, scene: _Scene, view: Array, title: str, named: bool) -> None:
    body = [name for name in scene.marks if not any(f"_{finger}_" in name for finger in FINGERS)]
    _draw_soup(axes, draft, scene, view, np.ones(len(scene.link), bool))
    _draw_marks(axes, draft, scene, view, body, 5)
    for side, sole in draft.robot.soles.items():
        corners = scene.poses[sole.frame].apply(sole.corners_m[[0, 1, 3, 2, 0]]) @ view.T
        axes.plot(corners[:, 0], corners[:, 1], "-", color=_RED if _sole_doubtful(draft, side) else "black", linewidth=1.5)
    _finish(axes, title)
    if named:
        _name_segments(axes, draft, scene, view)


def _sole_doubtful(draft: Draft, side: str) -> bool:
    return any(part.name == f"{side}_sole" and part.confidence < SURE for part in draft.parts)


def _finish(axes: Axes, title: str, pad: float = 6) -> None:
    axes.set_title(title, fontsize=12, pad=pad)
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.set_axis_off()


def _name_segments(axes: Axes, draft: Draft, scene: _Scene, view: Array) -> None:
    """Names beside the robot, its left on the right of the picture, joined by thin lines to where the segments are."""
    places = {name: view @ _middle(scene, name, found.link) for name, found in _body_segments(draft)}
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    centre, wide = (low + high) / 2, max(high - low, 0.45 * (top - bottom))
    for on_right in (False, True):
        ends = [name for name, place in places.items() if _is_on(name, place[0] - centre, on_right)]
        ends.sort(key=lambda name: -places[name][1])
        x = centre + (0.62 if on_right else -0.62) * wide
        heights = _spread([places[name][1] for name in ends], 0.045 * (top - bottom))
        for name, y in zip(ends, heights, strict=True):
            confidence = draft.anatomy.segments[name].confidence
            axes.annotate(
                f"{name} {confidence:.2f}",
                (places[name][0], places[name][1]),
                (x, y),
                ha="left" if on_right else "right",
                va="center",
                fontsize=11,
                color=_RED if confidence < SURE else "black",
                arrowprops={"arrowstyle": "-", "color": "0.35", "linewidth": 0.7},
                annotation_clip=False,
            )
    axes.set_xlim(centre - 1.05 * wide, centre + 1.05 * wide)


def _body_segments(draft: Draft) -> list[tuple[str, FoundSegment]]:
    return [(name, found) for name, found in draft.anatomy.segments.items() if not any(f"_{finger}_" in name for finger in FINGERS)]


def _is_on(name: str, beside: float, right: bool) -> bool:
    if name.startswith("left_"):
        return right
    if name.startswith("right_"):
        return not right
    return right == (name != "chest")


_ENDS: Mapping[str, tuple[str, ...]] = {
    "upper_arm": ("shoulder", "elbow"),
    "forearm": ("elbow", "wrist"),
    "hand": ("wrist", "middle_mcp"),
    "thigh": ("hip", "knee"),
    "shank": ("knee", "ankle"),
    "foot": ("heel", "toe"),
}


def _middle(scene: _Scene, segment: str, link: str) -> Array:
    """(3,) where a segment is: the middle of its landmarks, else its link."""
    side, _, part = segment.partition("_")
    names = [f"{side}_{end}" for end in _ENDS.get(part, ())] or [segment]
    known = [scene.marks[name] for name in names if name in scene.marks]
    return np.mean(known, axis=0) if known else scene.poses[link].position_m


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """Heights, falling, moved apart until neighbours are at least `gap` from each other."""
    out: list[float] = []
    for height in heights:
        out.append(min(height, out[-1] - gap) if out else height)
    return [height + float(np.mean(heights) - np.mean(out)) for height in out]


def _hand_axes(draft: Draft, scene: _Scene, side: str) -> Array:
    """(3, 3) rows of a view onto the palm, fingers up: what points right, up, and out of the palm."""
    found = draft.anatomy.segments[f"{side}_hand"]
    _, y, z = (scene.poses[found.link].rotation() @ matrix_from_wxyz(np.array(found.wxyz))).T
    palm = -y if side == "left" else y
    return np.stack([np.cross(-z, palm), -z, palm])


def _from_the_thumb(view: Array) -> Array:
    right, up, eye = view
    return np.stack([-eye, up, right])


def _draw_hand(axes: Axes, draft: Draft, scene: _Scene, side: str, view: Array, title: str) -> None:
    names = [name for name in scene.marks if name == f"{side}_wrist" or any(name.startswith(f"{side}_{finger}_") for finger in FINGERS)]
    link = draft.anatomy.segments[f"{side}_hand"].link
    inside = _hand_links(draft, link)
    keep = np.array([name in inside for name in scene.link], bool)
    _draw_soup(axes, draft, scene, view, keep)
    _draw_marks(axes, draft, scene, view, names, 6)
    _finish(axes, f"{side} hand {title}", pad=26)
    _frame_around(axes, view, [scene.marks[name] for name in names])
    for finger in FINGERS:
        ends = [name for name in names if name.startswith(f"{side}_{finger}_")]
        if not ends:
            continue
        x, y, _ = view @ scene.marks[ends[-1]]
        least = min(draft.anatomy.landmarks[name].confidence for name in ends if name in draft.anatomy.landmarks)
        words = finger if ends[-1].endswith("_tip") else f"{finger} knuckle"
        colour = _RED if least < SURE else "black"
        label = axes.annotate(f"{words} {least:.2f}", (x, y), (2, 8), textcoords="offset points", fontsize=10, color=colour)
        label.set(ha="left", va="bottom", rotation=55, rotation_mode="anchor")


def _hand_links(draft: Draft, link: str) -> set[str]:
    text = read_urdf(draft.robot.urdf)
    found = [link]
    for name in found:
        found.extend(joint.child for joint in (*text.joints, *text.fixed) if joint.parent == name)
    return set(found)


def _frame_around(axes: Axes, view: Array, places: Sequence[Array]) -> None:
    """Show the landmarks of a hand, with a margin for its thickness and the names."""
    seen = np.array(places) @ view[:2].T
    low, high = seen.min(0), seen.max(0)
    margin = 0.35 * max(float((high - low).max()), 0.12)
    axes.set_xlim(low[0] - margin, high[0] + margin)
    axes.set_ylim(low[1] - margin, high[1] + margin)
