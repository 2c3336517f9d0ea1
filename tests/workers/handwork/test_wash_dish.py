"""How people wash up: the pad goes over every spot of the plate, at a depth of its own, and the plate ends in the rack."""

from __future__ import annotations

import numpy as np
import pytest

from envs.chores.wash_dish import IN_RACK_M, NEAR_M
from envs.household.dishes import DISC_M, FACE_M, GIVES_M, PAD_M, PAD_UP_M, in_slot, sites_of
from motion.transform import rotate
from tests.envs.household.running import made
from workers.handwork.poses import handed
from workers.handwork.registry import handwork
from workers.handwork.style import HandStyle
from workers.handwork.wash_dish import SQUEEZE_M


@pytest.mark.parametrize(("variant", "seed"), [("full", 1), ("full", 2), ("full@objects", 4), ("wipe@layouts", 5), ("rack", 6)])
def test_people_wipe_every_spot_and_rack_the_plate(variant: str, seed: int) -> None:
    scene = made("wash_dish").scene(variant, seed)
    handling = handwork(scene, HandStyle(), np.random.default_rng(seed))
    task = variant.partition("@")[0]
    assert [hold.thing for hold in handling.holds] == {"full": ["sponge", "plate"], "wipe": ["sponge"], "rack": ["plate"]}[task]
    assert {hold.side for hold in handling.holds} == {scene.side}
    plate, sign = scene.thing("plate"), handed(scene.side)
    sites = sites_of(plate)
    if task != "rack":
        scrubs = [label for label in handling.labels if label.verb == "scrub"]
        inside = (handling.time_s > scrubs[0].end_s) & (handling.time_s <= scrubs[-1].end_s)
        face = handling.things["sponge"][inside].apply(np.array([0.0, sign * FACE_M, PAD_UP_M]))
        deep = rotate(plate.pose.inverse().wxyz, face - plate.pose.apply(np.array([0.0, 0.0, DISC_M])))
        assert 0.5 * SQUEEZE_M < -deep[:, 2].max() < -deep[:, 2].min() < GIVES_M
        gaps = np.linalg.norm(sites[np.isfinite(sites[:, 0]), None, :2] - deep[None, :, :2], axis=-1).min(1)
        assert gaps.max() < PAD_M[2] + NEAR_M
    end = handling.things["plate"].position_m[-1]
    wanted = in_slot(scene.thing("rack").pose, plate.half_m[0], sign) if task != "wipe" else plate.pose
    assert np.abs(end - wanted.position_m).max() < 0.2 * IN_RACK_M
