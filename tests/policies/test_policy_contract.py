"""What every policy has to keep, whoever wrote it. New policies are found by themselves."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from motion.demonstration import Demonstration
from motion.errors import CheckpointError, MotionError, UnknownNameError
from motion.provenance import Provenance
from policies import Batch, Checkpoint, Policy, PolicySpec, Windows, find_policy, known_policies, load_policy, make_config, make_windows
from policies import save_checkpoint as save

CHUNK = 4


@pytest.fixture(params=sorted(known_policies()))
def policy_class(request: pytest.FixtureRequest) -> type[Policy]:
    """Every policy in turn."""
    return known_policies()[request.param]


@pytest.fixture
def policy(policy_class: type[Policy], pendulum_demonstrations: list[Demonstration]) -> Policy:
    """A fresh one with statistics, in eval mode."""
    torch.manual_seed(0)
    spec = PolicySpec.of(pendulum_demonstrations, CHUNK)
    made = policy_class(spec, make_config(policy_class, {"chunk_n": CHUNK}))
    made.fit_statistics(make_windows(made, pendulum_demonstrations))
    return made.eval()


@pytest.fixture
def windows(policy: Policy, pendulum_demonstrations: list[Demonstration]) -> Windows:
    """All windows of two episodes."""
    return make_windows(policy, pendulum_demonstrations[:2])


def overfit(policy: Policy, batch: Batch, steps: int) -> None:
    """Train on one batch only."""
    policy.train()
    optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(policy.loss(batch))
        optimizer.step()
    policy.eval()


def looks(windows: Windows, count: int) -> torch.Tensor:
    """Inputs (count, T, F) of the first windows."""
    return windows.batch(torch.arange(count)).inputs


@torch.no_grad()
def unexplained(policy: Policy, batch: Batch) -> float:
    """Share of the spread of the recorded offsets that the prediction misses, 0..1."""
    error = policy.predict(batch.inputs) - batch.offset_rad
    return float(error.square().mean() / (batch.offset_rad - batch.offset_rad.mean(0)).square().mean())


def test_overfits_one_batch(policy: Policy, windows: Windows) -> None:
    """Even labels that follow no law: the recorded ones, shuffled."""
    chosen = torch.arange(0, 80, 5)
    shuffled, weight = windows.batch(chosen.flip(0)).offset_rad, torch.ones(len(chosen), CHUNK, 1)
    batch = replace(windows.batch(chosen), offset_rad=shuffled, weight=weight)
    assert unexplained(policy, batch) > 0.5
    overfit(policy, batch, steps=150)
    assert unexplained(policy, batch) < 0.01


def test_shapes(policy: Policy, windows: Windows) -> None:
    batch = windows.batch(torch.arange(7))
    assert policy.loss(batch).shape == ()
    assert policy.predict(batch.inputs).shape == (7, CHUNK, policy.spec.joints)
    assert torch.isfinite(policy.predict(batch.inputs)).all()


def test_eval_is_deterministic_and_leaves_the_input_alone(policy: Policy, windows: Windows) -> None:
    inputs = looks(windows, 7)
    first = policy.predict(inputs)
    assert torch.equal(first, policy.predict(inputs))
    assert torch.equal(inputs, looks(windows, 7))


def test_a_held_action_does_not_count(policy: Policy, windows: Windows) -> None:
    """Whatever stands after an episode's end, loss and gradient are the same."""
    steps = int(windows.starts[1])  # of the first episode
    batch = windows.batch(torch.arange(steps - CHUNK, steps))
    assert batch.weight.sum() == 4 + 3 + 2 + 1
    junk = replace(batch, offset_rad=torch.where(batch.weight > 0, batch.offset_rad, 1e3))
    found = []
    for given in (batch, junk):
        torch.manual_seed(0)
        policy.zero_grad()
        loss = policy.loss(given)
        torch.autograd.backward(loss)
        found.append([loss.detach(), *(part.grad.clone() for part in policy.parameters() if part.grad is not None)])
    assert len(found[0]) > 1
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_the_loss_is_divided_by_the_weight(policy: Policy, windows: Windows) -> None:
    """With one and the same window, some of its actions believed less, the loss is the weighted mean over its actions."""
    whole = windows.batch(torch.tensor([3]))
    fixed = whole.weight.new_tensor
    seen, wanted = policy.seen(whole.inputs), policy.offset_normaliser(whole.offset_rad.flatten(1)).view_as(whole.offset_rad)
    torch.manual_seed(0)
    per_step = policy.errors(seen, wanted, whole.weight)[0].detach().mean(-1)
    for weight in ([1.0, 1.0, 1.0, 1.0], [0.5, 1.0, 1.0, 1.0], [1.0, 0.25, 0.5, 1.0]):
        own = fixed(weight)
        torch.manual_seed(0)
        loss = policy.loss(replace(whole, weight=own[None, :, None]))
        assert loss.item() == pytest.approx(float((per_step * own).sum() / own.sum()), rel=1e-5)


def test_save_and_load_give_equal_outputs(policy: Policy, windows: Windows, tmp_path: Path) -> None:
    overfit(policy, windows.batch(torch.arange(16)), steps=3)
    wanted = policy.predict(looks(windows, 9))
    save(tmp_path / "saved", Checkpoint(policy, {}, Provenance("a test")))
    loaded = load_policy(tmp_path / "saved", policy.spec.joint_names)
    assert torch.equal(loaded.predict(looks(windows, 9)), wanted)
    assert (loaded.spec, loaded.config, loaded.training) == (policy.spec, policy.config, False)


def test_refuses_the_wrong_joints(policy: Policy, tmp_path: Path) -> None:
    save(tmp_path / "saved", Checkpoint(policy, {}, Provenance("a test")))
    with pytest.raises(CheckpointError, match="missing joints: elbow; extra joints: wrist, knee"):
        load_policy(tmp_path / "saved", ["shoulder", "wrist", "knee"])
    with pytest.raises(CheckpointError, match="another order: number 0 is 'elbow', the policy's is 'shoulder'"):
        load_policy(tmp_path / "saved", ["elbow", "shoulder"])


def test_refuses_another_control_period(policy: Policy, tmp_path: Path) -> None:
    save(tmp_path / "saved", Checkpoint(policy, {}, Provenance("a test")))
    assert load_policy(tmp_path / "saved", period_s=0.02).name == policy.name
    with pytest.raises(CheckpointError, match=r"control period of 0.01 s; the policy was trained at 0.02 s"):
        load_policy(tmp_path / "saved", period_s=0.01)


def test_a_copy_is_independent(policy: Policy, windows: Windows) -> None:
    """The averaged weights are a deep copy; training one must not move the other."""
    other = copy.deepcopy(policy)
    before = other.predict(looks(windows, 5))
    overfit(policy, windows.batch(torch.arange(16)), steps=2)
    assert torch.equal(other.predict(looks(windows, 5)), before)
    assert not torch.equal(policy.predict(looks(windows, 5)), before)


def test_an_observation_that_was_not_recorded_is_named(pendulum_demonstrations: list[Demonstration]) -> None:
    name = "joint_position_rad"
    demonstration = pendulum_demonstrations[0]
    without = replace(demonstration, observations={k: v for k, v in demonstration.observations.items() if k != name})
    with pytest.raises(UnknownNameError, match=f"unknown observation {name!r} in demonstration"):
        PolicySpec.of([without], CHUNK)


def test_an_unknown_setting_lists_what_exists(policy_class: type[Policy]) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'chunk_n'"):
        make_config(policy_class, {"chunk": 3})


def test_an_unknown_policy_lists_what_exists() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'bc'"):
        find_policy("bcc")


def test_demonstrations_of_two_kinds_are_not_mixed(pendulum_demonstrations: list[Demonstration]) -> None:
    first, second = pendulum_demonstrations[:2]
    with pytest.raises(MotionError, match=r"differs from the first in period_s: 0.01 against 0.02"):
        PolicySpec.of([first, replace(second, period_s=0.01)], CHUNK)
    with pytest.raises(MotionError, match="no demonstrations"):
        PolicySpec.of([], CHUNK)


def test_the_specification_survives_json(policy: Policy) -> None:
    assert PolicySpec.from_json(policy.spec.to_json()) == policy.spec


def test_a_plugin_from_outside_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that names its policy in the entry points is one more policy."""
    (tmp_path / "their_policy.py").write_text(
        "from policies.bc import BehaviourCloning\n\n\nclass Theirs(BehaviourCloning):\n    name = 'theirs'\n"
    )
    described = tmp_path / "their_policy-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: their-policy\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(
        "[understudy.plugins]\npolicy.theirs = their_policy:Theirs\nchore.x = nothing_like_this:X\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_policy("theirs").__module__ == "their_policy"
    assert "bc" in known_policies()
