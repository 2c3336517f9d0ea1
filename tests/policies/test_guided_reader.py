"""What a policy reads that is given a recording: nothing of where the scene stands, of names or of numbers of things."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from envs.household.shifts import difference
from motion.context import AHEAD, PHASES, with_context
from motion.demonstration import Demonstration
from motion.errors import ShapeError
from motion.transform import Transform, quaternion_product, so3_exp
from policies import Policy, PolicyActor, PolicySpec, find_policy, known_policies, make_config, make_windows
from policies.actor import PolicyPredictor
from policies.export import ReaderGraph, write_onnx
from policies.readers import make_reader
from policies.readers.guided import CHANNELS, GuidedReader, _turn_of_axis
from tests.motion.contexts import JOINTS, PERIOD_S, small_context, small_observation

STEPS = 36


def told(seed: int = 0) -> Demonstration:
    """An episode in which a robot does what nobody asked for, told of a recording."""
    seen = [small_observation(100 * seed + step, 1, 4.0 if step > 12 else 0.0) for step in range(STEPS)]
    tracks = {name: np.concatenate([one[name] for one in seen]) for name in seen[0]}
    actions = 0.1 * np.random.default_rng(seed).standard_normal((STEPS, 3))
    bare = Demonstration("small", "take", "full", "nominal", "x", seed, PERIOD_S, JOINTS, tracks, actions, {}, True, 1.0)
    return with_context(bare, small_context(seed))


def made(name: str, previous_action: bool = True, chunk_n: int = 4) -> Policy:
    """A fresh policy of that name, with statistics."""
    torch.manual_seed(0)
    policy_class = find_policy(name)
    policy = policy_class(
        PolicySpec.of([told()], chunk_n), make_config(policy_class, {"chunk_n": chunk_n, "previous_action": previous_action})
    )
    policy.fit_statistics(make_windows(policy, [told()]))
    return policy.eval()


def inputs(demonstration: Demonstration, previous_action: bool = True) -> torch.Tensor:
    reader = make_reader(PolicySpec.of([demonstration], 4), previous_action)
    assert isinstance(reader, GuidedReader)
    return reader.inputs({name: torch.from_numpy(np.array(value, float)) for name, value in demonstration.observations.items()})


def elsewhere(demonstration: Demonstration, move: Transform) -> Demonstration:
    """The same where counter, things and robot stand elsewhere: `move` is the new frame's pose of the old one."""
    back = np.kron(np.eye(2), move.rotation().T)
    seen = dict(demonstration.observations)
    for name in [name for name in seen if name.endswith("position_m")]:
        there = move.apply(seen[name])
        seen[name] = np.where(seen[name].any(-1, keepdims=True), there, 0.0) if "thing" in name or "seen" in name else there
    for name in [name for name in seen if name.endswith("wxyz")]:
        seen[name] = quaternion_product(np.broadcast_to(move.wxyz, seen[name].shape), seen[name])
    return replace(demonstration, observations={**seen, "reference_reach": seen["reference_reach"] @ back})


def test_a_scene_that_stands_elsewhere_is_read_alike() -> None:
    """Turned about the vertical, and moved: places and turns count only against the recording's and the hands'."""
    move = Transform(np.array([0.7, -0.4, 0.1]), so3_exp(np.array([0.0, 0.0, 1.1])))
    there = elsewhere(told(), move)
    assert np.abs(there.observations["reference_seen_position_m"] - told().observations["reference_seen_position_m"]).max() > 0.3
    torch.testing.assert_close(inputs(there), inputs(told()), atol=1e-9, rtol=0)


def test_a_thing_that_stands_elsewhere_is_read_otherwise() -> None:
    """A centimetre in the counter's x is what the recording's own reach makes of it."""
    demonstration = told()
    moved = {
        **demonstration.observations,
        "reference_seen_position_m": demonstration.observations["reference_thing_position_m"] + [0.01, 0, 0],
    }
    moved["reference_seen_wxyz"] = moved["reference_thing_wxyz"]
    column = tuple(CHANNELS).index("lead_rad")
    joints = inputs(replace(demonstration, observations=moved)).unflatten(1, (-1, 1))[:, column * 3 : (column + 1) * 3, 0]
    led = 10  # the right hand is being led to the plate
    np.testing.assert_allclose(joints[led], 0.01 * small_context().reach[led, 1, :, 0], atol=1e-12)


def test_a_thing_that_has_gone_tells_no_more_than_that() -> None:
    demonstration = told()
    gone = {**demonstration.observations, "reference_seen_position_m": np.full((STEPS, 2, 3), 1e4)}
    far = {**demonstration.observations, "reference_seen_position_m": np.full((STEPS, 2, 3), 1e2)}
    torch.testing.assert_close(*(inputs(replace(demonstration, observations=seen)) for seen in (gone, far)), atol=1e-2, rtol=0)
    assert torch.isfinite(inputs(replace(demonstration, observations=gone))).all()


def test_the_turn_of_a_thing_is_the_replays() -> None:
    """Up to what the sine makes of angles that a hand still corrects."""
    rng, place = np.random.default_rng(3), np.zeros(3)
    for angle in (1e-6, 0.05, 0.35):
        wanted, axis = so3_exp(rng.standard_normal(3)), rng.standard_normal(3)
        seen = -quaternion_product(so3_exp(angle * axis / np.linalg.norm(axis)), wanted)
        ours = _turn_of_axis(torch.from_numpy(wanted), torch.from_numpy(seen)).numpy()
        theirs = difference(Transform(place, wanted), Transform(place, seen))[3:]
        np.testing.assert_allclose(ours, theirs, atol=angle**3 / 20 + 1e-12)


def test_without_previous_actions_no_number_depends_on_their_arms() -> None:
    demonstration = told()
    other = {**demonstration.observations, "previous_action_rad": demonstration.observations["previous_action_rad"] + [0.3, 0.3, 0.0]}
    torch.testing.assert_close(inputs(replace(demonstration, observations=other), False), inputs(demonstration, False))
    assert not torch.equal(inputs(replace(demonstration, observations=other)), inputs(demonstration))


def test_what_a_hand_at_work_has_added_stays_added() -> None:
    """The arm that is led and the fingers that grip; before that, all is the plan's."""
    seen = {name: torch.from_numpy(np.array(value, float)) for name, value in told().observations.items()}
    anchor = make_reader(PolicySpec.of([told()], 4), True).anchor_rad(seen)
    added = (seen["previous_action_rad"] - seen["reference_before_rad"])[:, None]
    plan = seen["reference_plan_rad"][:, :4]
    torch.testing.assert_close(anchor[:8], plan[:8])
    torch.testing.assert_close(anchor[9:12, :, :2], (plan + added)[9:12, :, :2])  # led
    torch.testing.assert_close(anchor[14:25], (plan + added)[14:25])  # it grips, too
    torch.testing.assert_close(make_reader(PolicySpec.of([told()], 4), False).anchor_rad(seen), plan)


def test_fingers_that_let_go_do_not_close_first() -> None:
    """They gripped at 0.4 of the way where the plan is closed farther: they stay there until the plan has opened that far."""
    seen = {name: torch.from_numpy(np.array(value[14:15], float)) for name, value in told().observations.items()}
    seen["reference_phase"] = torch.zeros_like(seen["reference_phase"])
    seen["reference_phase"][0, 1, PHASES.index("released")] = 1.0
    way = seen["reference_grip_rad"][0, 1]
    share = torch.tensor([0.9, 0.7, 0.3, 0.1], dtype=torch.float64)
    seen["reference_plan_rad"] = (share[:, None] * way)[None]
    seen["reference_before_rad"], seen["previous_action_rad"] = (0.9 * way)[None], (0.4 * way)[None]
    reader = make_reader(PolicySpec.of([told()], 4), True)
    wanted = (torch.tensor([0.4, 0.4, 0.3, 0.1], dtype=torch.float64)[:, None] * way)[None]
    torch.testing.assert_close(reader.anchor_rad(seen)[..., 2], wanted[..., 2])


@pytest.mark.parametrize("name", sorted(known_policies()))
def test_a_policy_that_answers_zero_replays_the_plan_bit_for_bit(name: str) -> None:
    policy = made(name)
    with torch.no_grad():
        policy.offset_normaliser.mean.zero_()
        policy.offset_normaliser.scale.zero_()
    seen = {key: np.array(value, float) for key, value in told().observations.items()}
    seen["previous_action_rad"] = seen["reference_before_rad"]  # who has replayed it so far
    actor = PolicyActor(policy, execute_n=4)
    actor.reset(STEPS)
    np.testing.assert_array_equal(actor.act(seen)[:, :4], seen["reference_plan_rad"][:, :4])


def test_a_linear_law_between_what_is_read_and_done_is_found_at_once() -> None:
    """An actor that adds twice the way to the thing to the plan; `bc` begins with the best linear law of each joint."""
    demonstration = told()
    reader = make_reader(PolicySpec.of([demonstration], 4), True)
    column = reader.spec.joints * tuple(CHANNELS).index("lead_rad")
    lead = inputs(demonstration)[:, column : column + 3].numpy()
    anchor = reader.anchor_rad({name: torch.from_numpy(np.array(value, float)) for name, value in demonstration.observations.items()})
    lawful = replace(demonstration, actions=anchor[:, 0].numpy() + 2.0 * lead)
    policy_class = find_policy("bc")
    policy = policy_class(PolicySpec.of([lawful], 1), make_config(policy_class, {"chunk_n": 1, "previous_action": True}))
    policy.fit_statistics(make_windows(policy, [lawful]))
    actor = PolicyActor(policy.eval())
    actor.reset(STEPS)
    done = actor.act({key: np.array(value, float) for key, value in lawful.observations.items()})[:, 0]
    assert np.abs(lead).max() > 0.01
    np.testing.assert_allclose(done, lawful.actions, atol=1e-3)


@pytest.mark.usefixtures("quick_export")
def test_the_exported_reader_reads_the_same(tmp_path: Path) -> None:
    policy = made("bc")
    seen = {name: np.array(told().observations[name], float) for name in policy.spec.shapes}
    blank = [torch.zeros(1, *shape, dtype=torch.float64) for shape in policy.spec.shapes.values()]
    write_onnx(ReaderGraph(policy), blank, tmp_path / "reader.onnx", list(seen), ["look", "anchor"])
    session = onnxruntime.InferenceSession(tmp_path / "reader.onnx", providers=["CPUExecutionProvider"])
    needed = {found.name for found in session.get_inputs()}
    rows = [session.run(["look", "anchor"], {name: seen[name][row : row + 1] for name in needed}) for row in range(8, 20)]
    looks, anchors = (np.concatenate(part) for part in zip(*rows, strict=True))
    wanted_looks, wanted_anchors = PolicyPredictor(policy).read(seen)
    np.testing.assert_allclose(looks, wanted_looks[8:20], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(anchors, wanted_anchors[8:20])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=f"tells {AHEAD} periods; chunk_n=9 are needed"):
        make_reader(PolicySpec.of([told()], 9), True)
    driven = replace(told(), joint_names=(*JOINTS, "forward", "left", "turn"), actions=np.zeros((STEPS, 6)))
    with pytest.raises(ShapeError, match="a context is for a base that stays where it is"):
        make_reader(PolicySpec.of([driven], 4), True)
