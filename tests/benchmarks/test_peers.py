"""Two tools that share no code agree on the same task: the runners ask both for the same, in the right units and frames."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.bodies import body, tracking
from benchmarks.peers import Mink, Pink, follow, link_targets
from retarget.targets import build_targets
from tests.motion.bodies import still_person


def test_pink_and_mink_agree() -> None:
    pytest.importorskip("pink")
    pytest.importorskip("mink")
    item = build_targets(body(), still_person(8, elbow_rad=0.8, knee_rad=0.4))  # away from stops, which the two approach differently
    pink, mink = follow(Pink(body(), item), item), follow(Mink(body(), item), item)
    np.testing.assert_allclose(pink.motion.joint_position_rad, mink.motion.joint_position_rad, atol=2e-3)
    foot_mm, _ = tracking(body(), [(mink.motion, item)])
    assert foot_mm < 10


def test_links_are_asked_where_our_points_are() -> None:
    item = build_targets(body(), still_person(4, knee_rad=0.4))
    asked = {target.link: target for target in link_targets(body(), item)}
    for side in ("left", "right"):
        ankle = item.vector_names.index(f"{side}_ankle")
        np.testing.assert_array_equal(asked[f"{side}_ankle_roll_link"].position_m, item.vector_m[:, ankle])
        thigh = asked[f"{side}_knee_link"].position_m - asked[f"{side}_hip_roll_link"].position_m
        np.testing.assert_allclose(np.linalg.norm(thigh, axis=-1), body().length_m(f"{side}_hip", f"{side}_knee"), rtol=1e-9)
