"""Marker sets: names on files -> anatomical points, from which `joint_centres.py` finds the joints.

An anatomical point is a landmark of the vocabulary, where the file already holds joint centres, or a point on the skin
of `SKIN`. Upper and lower case, and the signs between words, do not count ("R.Knee.Lat", "r_knee_lat").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from motion.landmarks import FINGERS, LANDMARKS, SIDES

_SIDED_SKIN = (
    *("asis", "psis", "thigh", "knee_lateral", "knee_medial", "shank", "ankle_lateral", "ankle_medial", "toe_medial", "toe_lateral"),
    *("acromion", "elbow_lateral", "elbow_medial", "wrist_thumb", "wrist_pinky", "hand_back", "head_front", "head_back"),
)
SKIN: tuple[str, ...] = ("sacrum", "c7", "t10", "jugular", "xiphoid", *(f"{side}_{name}" for side in SIDES for name in _SIDED_SKIN))
"""Points on the skin over bones: upper and lower ends of the breastbone (jugular, xiphoid), of the spine (c7, t10), and
on both sides the pelvis's front and back spines (asis, psis), the outer and inner sides of knees, ankles and elbows."""
POINTS: frozenset[str] = frozenset((*SKIN, *LANDMARKS))


def _both(table: Mapping[str, str]) -> dict[str, str]:
    """Spell a table out for both sides: `*` in a marker's name is L or R."""
    sided = {name.replace("*", side[0]): f"{side}_{point}" for side in SIDES for name, point in table.items() if "*" in name}
    return sided | {name: point for name, point in table.items() if "*" not in name}


_CENTRES = {"*hjc": "hip", "*kjc": "knee", "*ajc": "ankle", "*sjc": "shoulder", "*ejc": "elbow", "*wjc": "wrist"}

SETS: dict[str, dict[str, str]] = {
    "plug_in_gait": _both(
        {
            **{
                "*asi": "asis",
                "*psi": "psis",
                "sacr": "sacrum",
                "*thi": "thigh",
                "*kne": "knee_lateral",
                "*knm": "knee_medial",
                "*knem": "knee_medial",
            },
            **{
                "*kneemed": "knee_medial",
                "*kned": "knee_medial",
                "*tib": "shank",
                "*ank": "ankle_lateral",
                "*anm": "ankle_medial",
                "*ankm": "ankle_medial",
            },
            **{"*ankmed": "ankle_medial", "*med": "ankle_medial", "*hee": "heel", "*toe": "toe", "c7": "c7", "t10": "t10"},
            **{"clav": "jugular", "strn": "xiphoid", "*sho": "acromion", "*elb": "elbow_lateral", "*elm": "elbow_medial"},
            **{"*wra": "wrist_thumb", "*wrb": "wrist_pinky", "*fin": "middle_mcp", "*fhd": "head_front", "*bhd": "head_back"},
            **{"*fep": "hip", "*feo": "knee", "*tio": "ankle"},  # what the Plug-in Gait model adds to a file
            **_CENTRES,
        }
    ),
    "rajagopal": _both(
        {
            **{"*asi": "asis", "*psi": "psis", "*lfc": "knee_lateral", "*mfc": "knee_medial", "*lmal": "ankle_lateral"},
            **{"*mmal": "ankle_medial", "*cal": "heel", "*toe": "toe", "*mt5": "toe_lateral", "*acr": "acromion", "c7": "c7"},
            **{"clav": "jugular", "*lel": "elbow_lateral", "*mel": "elbow_medial", "*faradius": "wrist_thumb", "*faulna": "wrist_pinky"},
            **_CENTRES,
        }
    ),
    "helen_hayes": _both(
        {
            **{"*asis": "asis", "*psis": "psis", "vsacral": "sacrum", "sacral": "sacrum", "*thigh": "thigh", "*thighupper": "thigh"},
            **{"*knee": "knee_lateral", "*kneelat": "knee_lateral", "*kneelateral": "knee_lateral", "*kneemed": "knee_medial"},
            **{"*kneemedial": "knee_medial", "*shank": "shank", "*shankupper": "shank", "*ankle": "ankle_lateral"},
            **{"*anklelat": "ankle_lateral", "*anklelateral": "ankle_lateral", "*anklemed": "ankle_medial", "*anklemedial": "ankle_medial"},
            **{"*heel": "heel", "*toe": "toe", "*toetip": "toe", "*acromium": "acromion", "*acromion": "acromion", "*shoulder": "acromion"},
            **{"*elbow": "elbow_lateral", "*elbowlat": "elbow_lateral", "*elbowlateral": "elbow_lateral", "*elbowmed": "elbow_medial"},
            **{"*elbowmedial": "elbow_medial", "*wrist": "wrist", "*wristlat": "wrist_thumb", "*wristmed": "wrist_pinky"},
            **{"sternum": "jugular", "c7": "c7", "t10": "t10", "tophead": "head_top"},
        }
    ),
    "ior": _both(
        {
            **{"*ias": "asis", "*ips": "psis", "*fle": "knee_lateral", "*fme": "knee_medial", "*fal": "ankle_lateral"},
            **{"*tam": "ankle_medial", "*fcc": "heel", "*fm1": "toe_medial", "*fm2": "toe", "*fm5": "toe_lateral", "*caj": "acromion"},
            **{"*ac": "acromion", "*hle": "elbow_lateral", "*hme": "elbow_medial", "*rsp": "wrist_thumb", "*usp": "wrist_pinky"},
            **{"*hm3": "middle_mcp", "sjn": "jugular", "sxs": "xiphoid", "cv7": "c7", "tv8": "t10", "tv10": "t10"},
        }
    ),
    "opencap": _both(
        {
            **{"*asisstudy": "asis", "*psisstudy": "psis", "*kneestudy": "knee_lateral", "*mkneestudy": "knee_medial"},
            **{"*anklestudy": "ankle_lateral", "*manklestudy": "ankle_medial", "*toestudy": "toe", "*5metastudy": "toe_lateral"},
            **{"*calcstudy": "heel", "*shoulderstudy": "acromion", "*lelbowstudy": "elbow_lateral", "*melbowstudy": "elbow_medial"},
            **{"*lwriststudy": "wrist_thumb", "*mwriststudy": "wrist_pinky", "c7study": "c7", "*hjcstudy": "hip"},
        }
    ),
    "joint_centres": _both(
        {
            **{"*hip": "hip", "*knee": "knee", "*ankle": "ankle", "*heel": "heel", "*bigtoe": "toe", "*shoulder": "shoulder"},
            **{"*elbow": "elbow", "*wrist": "wrist"},
            **{"hip": "pelvis", "midhip": "pelvis", "chip": "pelvis", "pelvis": "pelvis", "neck": "neck", "head": "head_top"},
        }
    ),
}
"""Set -> marker -> anatomical point. Sources: Vicon Plug-in Gait reference guide; OpenSim's Rajagopal 2016 and gait2392
marker sets; Kadaba 1990 (Helen Hayes); Leardini 2007 (IOR), with ISB names; OpenCap's and Pose2Sim's own exports."""

_FINGER_WORDS = {"thumb": "thumb", "index": "index", "middle": "middle", "ring": "ring", "pinky": "little"}
_MIDDLE = {finger: "ip" if finger == "thumb" else "pip" for finger in FINGERS}


def hand_set(side: str) -> dict[str, str]:
    """Markers of one hand that name no side: tips, middles of fingers, back of the hand, left and right of the wrist, palm down."""
    across = ("wrist_pinky", "wrist_thumb") if side == "left" else ("wrist_thumb", "wrist_pinky")
    table = dict(zip(("handleft", "handright"), across, strict=True)) | {"handtop": "hand_back"}
    for finger, word in _FINGER_WORDS.items():
        table |= {f"{word}tip": f"{finger}_tip", f"{word}middle": f"{finger}_{_MIDDLE[finger]}"}
    table |= {f"{side}{part}": point for part, point in (("elbow", "elbow"), ("shoulder", "shoulder"))}
    return {marker: f"{side}_{point}" for marker, point in table.items()}


def plain(name: str) -> str:
    """A marker's name without the subject before a colon, and without what does not count."""
    return re.sub(r"[^a-z0-9]", "", name.rpartition(":")[2].lower())


def subject(name: str) -> str:
    """What stands before the colon; empty where there is none."""
    return name.rpartition(":")[0]


def recognised(names: Sequence[str], side: str | None) -> tuple[str, dict[str, str]]:
    """The set that knows most of the markers, and of those marker -> anatomical point.

    Args:
        names: of the markers.
        side: of a hand whose markers name no side; None finds it from elbow and shoulder.
    """
    sides = [side] if side else [side for side in SIDES if any(plain(name).startswith(side) for name in names)] or ["right"]
    tables = SETS | {f"{side} hand": hand_set(side) for side in sides}
    known = {name: {marker: table[plain(marker)] for marker in names if plain(marker) in table} for name, table in tables.items()}
    best = max(known, key=lambda name: len(known[name]))
    return best, known[best]
