"""Contacts and their order."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gap.human.contacts import Contact, contact_gap, edit_distance, person_contacts, robot_contacts
from motion.demonstration import Demonstration
from tests.gap.human.made import HOLD, PERIOD_S, handling, poses


def train(*names: str) -> tuple[Contact, ...]:
    return tuple(Contact(*name.split(), start_s=float(k), end_s=k + 0.5) for k, name in enumerate(names))


def test_edit_distance_by_hand() -> None:
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance([], ["a", "b"]) == edit_distance(["a", "b"], []) == 2
    assert edit_distance(["a", "b"], ["b", "a"]) == 2
    assert edit_distance(["a", "b"], ["a", "b"]) == 0


def test_the_same_order_is_no_gap() -> None:
    found = contact_gap(train("right cup", "left bowl", "right spoon"), train("right cup", "left bowl", "right spoon"))
    assert (found.edits, found.order, found.missing, found.additional) == (0, 1.0, (), ())


def test_another_order_what_is_missing_and_what_is_too_much() -> None:
    reversed_train = contact_gap(train("right cup", "left bowl", "right spoon"), train("right spoon", "left bowl", "right cup"))
    assert (reversed_train.order, reversed_train.edits) == (-1.0, 2)
    found = contact_gap(train("right cup", "left bowl"), train("right cup", "right pot", "right cup"))
    assert (found.missing, found.additional) == (("left bowl",), ("right pot",))
    assert found.edits == 2
    assert math.isnan(found.order), "one thing has no order"


def test_a_persons_holds_are_counted_from_the_first_frame() -> None:
    assert person_contacts(handling(poses(np.zeros((500, 3))))) == (Contact("right", "cup", HOLD.start_s, HOLD.end_s),)


def test_a_robots_holds_are_bridged_and_have_to_last() -> None:
    touch = np.zeros((100, 2, 2))
    touch[10:40, 1, 0] = touch[45:60, 1, 0] = 1.0  # a break of 0.1 s is none
    touch[70:75, 1, 0] = 1.0  # 0.1 s is no hold
    touch[20:35, 0, 1] = 1.0
    touch[43:60, 0, 1] = 1.0  # a break of 0.16 s is one
    attempt = Demonstration(
        "g1", "pour_cup", "full", "nominal", "bc", 0, PERIOD_S, ("a",), {}, np.zeros((100, 1)), {"touch": touch}, True, 1.0
    )
    found = robot_contacts(attempt, ("cup", "bowl"))
    assert [one.name for one in found] == ["right cup", "left bowl", "left bowl"]
    assert [at for one in found for at in (one.start_s, one.end_s)] == pytest.approx([0.2, 1.2, 0.4, 0.7, 0.86, 1.2])
