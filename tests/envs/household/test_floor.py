"""What stands on the floor does so before every robot."""

from __future__ import annotations

import pytest

from envs.household.floor import grounded
from envs.household.things import Joint, Shape, Thing
from motion.errors import ShapeError


def rack(**own: object) -> Thing:
    """A board at the counter's height, on a leg that begins 2 cm under it."""
    leg = Shape("cylinder", (0.02, 0.04), (0.1, 0.2, -0.06), to_floor=True)
    board = Shape("box", (0.2, 0.3, 0.01), (0.0, 0.0, -0.01))
    return Thing("rack", (board, leg), **{"joint": None, **own})  # type: ignore[arg-type]


def test_legs_end_on_the_floor() -> None:
    """The counter is 0.8 m high; a board 0.1 m above it has its legs' tops at 0.88 m over the floor."""
    board, leg = grounded([rack(position_m=(1.0, 2.0, 0.1))], 0.8)[0].shapes
    assert board == rack().shapes[0]
    assert leg.half_m == pytest.approx((0.02, 0.44))
    assert leg.position_m == pytest.approx((0.1, 0.2, 0.44 - 0.9))


def test_things_on_the_floor_count_from_there() -> None:
    stool = Thing("stool", (Shape("box", (0.1, 0.1, 0.2), (0, 0, 0.2)),), joint=None, position_m=(1.0, 0.0, 0.05), on_floor=True)
    assert grounded([stool], 0.8)[0].position_m == pytest.approx((1.0, 0.0, -0.75))
    assert grounded([stool], 1.06)[0].position_m == pytest.approx((1.0, 0.0, -1.01))


def test_what_stands_on_the_counter_stays() -> None:
    cup = Thing("cup", (Shape("sphere", (0.03,)),), position_m=(0.1, 0.2, 0.0))
    assert grounded([cup], 0.8) == (cup,)


@pytest.mark.parametrize(
    "wrong",
    [
        rack(joint=Joint()),
        rack(parent="counter top"),
        rack(wxyz=(0.7071068, 0.7071068, 0.0, 0.0)),
        rack(position_m=(0.0, 0.0, -0.9)),
        Thing("rack", (Shape("capsule", (0.02, 0.1), to_floor=True),), joint=None),
    ],
)
def test_legs_that_could_not_stand_are_refused(wrong: Thing) -> None:
    with pytest.raises(ShapeError, match="rack"):
        grounded([wrong], 0.8)
