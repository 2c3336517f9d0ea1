"""The curves of the page as HTML: drawn once, with a cursor that is a few bytes per frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from motion.transform import Array
from retarget.measure.stance import runs_of
from retarget.view.traces import Trace

COLOURS = {"unsolved": "#222222", "broken": "#8e44ad", "reject": "#d62728", "unseen": "#9aa5b8", "review": "#f0a020"}
LANES = ("#1f77b4", "#e07b1a")
"""Colours of the curves of the first and the second motion."""
_COLUMNS_N = 500
_STRIP_PX, _LABEL_PX, _ROW_PX = 14, 16, 40
_MARGIN = "margin:0 14px 0 10px"


def plots(lanes: Sequence[Sequence[Trace]], states: Mapping[str, np.ndarray], frames: Sequence[np.ndarray]) -> str:
    """A strip that shows where something is wrong, and one row of curves per number.

    Args:
        lanes: the curves of each motion.
        states: what is wrong in each frame of the first motion, gravest kind last.
        frames: per motion, (C,) the frame that is shown at each tick of the page's clock.
    """
    names = list(dict.fromkeys(trace.name for lane in lanes for trace in lane))
    rows = [_row([_find(lane, name) for lane in lanes], frames) for name in names]
    return f'<div style="{_MARGIN}">{_strip(states, frames[0])}{"".join(rows)}</div>'


def height_px(lanes: Sequence[Sequence[Trace]]) -> int:
    """Height of what `plots` draws."""
    return _STRIP_PX + (_LABEL_PX + _ROW_PX) * len({trace.name for lane in lanes for trace in lane})


def cursor(share: float, height: int) -> str:
    """A line over the plots above at a share (0..1) of their width."""
    line = f"position:absolute;left:{100 * share:.2f}%;bottom:0;height:{height}px;width:2px;margin-left:-1px;background:#111111"
    return f'<div style="position:relative;height:0;{_MARGIN};pointer-events:none"><div style="{line}"></div></div>'


def _find(lane: Sequence[Trace], name: str) -> Trace | None:
    return next((trace for trace in lane if trace.name == name), None)


def _strip(states: Mapping[str, np.ndarray], frames: np.ndarray) -> str:
    """Every frame in the colour of the gravest thing that is wrong in it."""
    boxes = []
    for kind, marked in states.items():
        for run in runs_of(marked[frames]):
            x, width = 1000 * run.start / len(frames), max(1000 * (run.stop - run.start) / len(frames), 3)
            boxes.append(f'<rect x="{x:.1f}" y="0" width="{width:.1f}" height="10" fill="{COLOURS[kind]}"/>')
    return _svg(_STRIP_PX, 10, "#eeeeee", "".join(boxes))


def _row(traces: Sequence[Trace | None], frames: Sequence[np.ndarray]) -> str:
    known = [(trace, lane) for lane, trace in enumerate(traces) if trace is not None]
    first = known[0][0]
    peaks = [float(np.nanpercentile(trace.value, 99.8)) for trace, _ in known]
    top = 1.15 * max([*peaks, 1e-9, *([first.gate.review] if first.gate and first.gate.review < 4 * max(peaks) else [])])
    lines = []
    for bound, colour in ((first.gate.review, "review"), (first.gate.reject, "reject")) if first.gate else ():
        if bound < top:
            y = 100 * (1 - bound / top)
            dashes = 'stroke-dasharray="4 3" vector-effect="non-scaling-stroke"'
            lines.append(f'<line x1="0" x2="1000" y1="{y:.1f}" y2="{y:.1f}" stroke="{COLOURS[colour]}" {dashes}/>')
    lines += [_curve(trace.value[frames[lane]], top, LANES[lane]) for trace, lane in known]
    label = f"font:11px/{_LABEL_PX}px sans-serif;height:{_LABEL_PX}px;color:#555;display:flex;justify-content:space-between"
    words = f"<span>{escape(first.heading)}</span><span>0 .. {top:.3g}</span>"
    return f'<div style="{label}">{words}</div>' + _svg(_ROW_PX, 100, "#fafafa", "".join(lines))


def _svg(height_px: int, units: int, background: str, content: str) -> str:
    style = f"display:block;width:100%;height:{height_px}px;background:{background}"
    return f'<svg style="{style}" viewBox="0 0 1000 {units}" preserveAspectRatio="none">{content}</svg>'


def _curve(value: Array, top: float, colour: str) -> str:
    """A path through the highest value of each of some columns, broken where nothing is known."""
    edges = np.linspace(0, len(value), min(_COLUMNS_N, len(value)) + 1).astype(int)
    filled = np.where(np.isfinite(value), value, -np.inf)
    highest = np.maximum.reduceat(filled, edges[:-1])
    x = 1000 * (edges[:-1] + edges[1:]) / 2 / len(value)
    y = np.clip(100 * (1 - highest / top), 0, 100)
    words, pen_down = [], False
    for column in range(len(x)):
        if np.isfinite(highest[column]):
            words.append(f"{'L' if pen_down else 'M'}{x[column]:.1f} {y[column]:.1f}")
        pen_down = bool(np.isfinite(highest[column]))
    return f'<path d="{"".join(words)}" fill="none" stroke="{colour}" stroke-width="1.2" vector-effect="non-scaling-stroke"/>'
