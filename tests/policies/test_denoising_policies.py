"""What `diffusion` and `flow` promise beyond every policy's contract: modes are picked, not averaged; noise is fixed when acting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from motion.demonstration import Demonstration
from motion.errors import ShapeError, UnknownNameError
from policies import Batch, PolicySpec, find_policy, make_config, make_windows
from policies.denoisers import DENOISERS
from policies.denoising import DenoisingPolicy

CHUNK = 4
Make = Callable[..., DenoisingPolicy]
Shown = Callable[[int, int], tuple[Tensor, Tensor]]


@pytest.fixture(params=["diffusion", "flow"])
def make(request: pytest.FixtureRequest, pendulum_demonstrations: list[Demonstration]) -> Make:
    """Makes one of either with small settings, in eval mode."""

    def build(seed: int = 0, **settings: object) -> DenoisingPolicy:
        torch.manual_seed(seed)
        policy_class = find_policy(request.param)
        config = make_config(policy_class, {"chunk_n": CHUNK, "width": 32, "depth": 1, **settings})
        policy = policy_class(PolicySpec.of(pendulum_demonstrations, CHUNK), config)
        policy.fit_statistics(make_windows(policy, pendulum_demonstrations[:2]))
        assert isinstance(policy, DenoisingPolicy)
        return policy.eval()

    return build


@pytest.fixture
def batch(make: Make, pendulum_demonstrations: list[Demonstration]) -> Batch:
    """Twelve windows."""
    return make_windows(make(), pendulum_demonstrations[:1]).batch(torch.arange(0, 36, 3))


def two_ways(rows: int, inputs_n: int) -> tuple[Tensor, Tensor]:
    """Looks (B, 1, F), and chunks (B, H, 2) that go left or right, each half the time, as far as the look says."""
    seen = torch.randn(rows, 1, inputs_n)
    side = torch.randint(2, (rows, 1, 1)) * 2.0 - 1.0
    return seen, side * how_far(seen).expand(-1, CHUNK, -1)


def how_far(seen: Tensor) -> Tensor:
    return 1 + 0.5 * torch.tanh(seen[..., :2])


@torch.no_grad()
def from_another_start(policy: DenoisingPolicy, seen: Tensor) -> Tensor:
    policy.start.normal_()
    return policy.chunk(seen)


def train(policy: DenoisingPolicy, steps: int, shown: Shown = two_ways) -> None:
    policy.train()
    optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
    for _ in range(steps):
        seen, wanted = shown(64, policy.reader.width)
        optimizer.zero_grad()
        torch.autograd.backward(policy.errors(seen, wanted, torch.ones(64, CHUNK, 1)).mean())
        optimizer.step()
    policy.eval()


def test_picks_one_of_two_ways_and_not_the_middle(make: Make) -> None:
    """From any start the whole chunk goes one way, as far as the look says; over many starts, each way about half the time.

    Whoever learns the mean, as `bc` does, stays at 0 and is off by 1 on average.
    """
    policy = make(width=64, depth=2)
    train(policy, 300)
    seen, _ = two_ways(64, policy.reader.width)
    chunks = torch.stack([from_another_start(policy, seen) for _ in range(20)])
    sign = chunks.sign()
    assert float((sign == sign[:, :, :1, :1]).all(-1).all(-1).float().mean()) > 0.95
    assert float((chunks.abs() - how_far(seen)).abs().mean()) < 0.3
    assert 0.2 < float((sign[:, :, 0, 0] > 0).float().mean()) < 0.8


def test_from_the_middle_too_a_chunk_goes_one_way(make: Make) -> None:
    """Nothing says which way from there: the network falls to a side, if not always as far as it should."""
    policy = make(width=64, depth=2)
    train(policy, 300)
    seen, _ = two_ways(256, policy.reader.width)
    with torch.no_grad():
        chunks = policy.chunk(seen)
    sign = chunks.sign()
    assert float((sign == sign[:, :1, :1]).all(-1).all(-1).float().mean()) > 0.9
    assert float((chunks.abs() / how_far(seen)).mean()) > 0.6


def test_where_people_scatter_about_one_way_the_chunk_lies_in_the_middle(make: Make) -> None:
    """A draw of noise would be off to one side, chunk after chunk: a robot that drives would leave its way."""
    policy = make(width=64, depth=2)

    def scattered(rows: int, inputs_n: int) -> tuple[Tensor, Tensor]:
        seen = torch.randn(rows, 1, inputs_n)
        return seen, how_far(seen).expand(-1, CHUNK, -1) + torch.randn(rows, 1, 2)

    train(policy, 300, scattered)
    seen, _ = scattered(64, policy.reader.width)
    with torch.no_grad():
        middle = (policy.chunk(seen) - how_far(seen)).mean((0, 1)).abs().max()
    aside = torch.stack([(from_another_start(policy, seen) - how_far(seen)).mean((0, 1)).abs().max() for _ in range(9)]).median()
    assert float(middle) < 0.35 < float(aside)


@pytest.mark.parametrize("network", sorted(DENOISERS))
@pytest.mark.parametrize("start", ["zeros", "noise"])
def test_every_network_learns_by_every_step(make: Make, batch: Batch, network: str, start: str) -> None:
    policy = make(network=network, start=start)
    before = policy.loss(batch).item()
    policy.train()
    optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
    for _ in range(20):
        optimizer.zero_grad()
        torch.autograd.backward(policy.loss(batch))
        optimizer.step()
    policy.eval()
    assert policy.loss(batch).item() < 0.8 * before
    assert policy.predict(batch.inputs).shape == batch.offset_rad.shape


def test_a_chunk_looks_once_and_cleans_as_often_as_it_is_told(make: Make, batch: Batch) -> None:
    policy, calls = make(sample_steps=7), {"look": 0, "denoiser": 0}

    def count(name: str) -> Callable[..., None]:
        def one_more(*_: object) -> None:
            calls[name] += 1

        return one_more

    for name in calls:
        getattr(policy, name).register_forward_hook(count(name))
    policy.predict(batch.inputs)
    assert calls == {"look": 1, "denoiser": 7}


def test_the_start_is_the_same_for_all_time_and_lies_in_the_checkpoint(make: Make) -> None:
    one, other, zeros = make(seed=1, start="noise"), make(seed=2, start="noise"), make()
    assert torch.equal(one.state_dict()["start"], other.start)
    assert 0.5 < float(one.start.std()) < 1.5
    assert not zeros.start.any()


def test_the_loss_is_measured_with_fixed_noise_and_trained_with_fresh(make: Make, batch: Batch) -> None:
    """Else the best weights would be those that were lucky; and measuring leaves the order of training as it was."""
    policy = make()
    torch.nn.init.normal_(policy.denoiser.leave[-1].weight)
    random = torch.get_rng_state()
    assert policy.loss(batch).item() == policy.loss(batch).item()
    assert torch.equal(torch.get_rng_state(), random)
    policy.train()
    first, second = policy.loss(batch).item(), policy.loss(batch).item()
    torch.set_rng_state(random)
    assert first != second
    assert policy.loss(batch).item() == first


def test_what_is_not_believed_is_no_input_either(make: Make, batch: Batch) -> None:
    """A gap in the middle, and one joint alone: whatever stands there, the loss is the same."""
    policy, weight = make(), torch.ones(len(batch), CHUNK, 2)
    weight[0, 1], weight[1, :, 0], weight[2, 2:, 1] = 0, 0, 0
    torch.nn.init.normal_(policy.denoiser.leave[-1].weight)
    known = replace(batch, weight=weight)
    junk = replace(known, offset_rad=torch.where(weight > 0, batch.offset_rad, 1e3))
    assert policy.loss(junk).item() == policy.loss(known).item()


def test_the_truth_leads_to_the_same_chunk_in_whatever_words_it_is_told(make: Make) -> None:
    """Where the network knows the one right chunk, the sampler arrives there, whether the network names chunk, noise or velocity."""
    other = {"diffusion": "noise", "flow": "velocity"}[make().name]
    for prediction in ("sample", other):
        policy = make(prediction=prediction)
        truth, noise = torch.full((1, CHUNK, 2), 0.8), policy.start[None]
        start, _, _ = policy.corrupted(truth, noise, torch.tensor([0.999 if policy.name == "diffusion" else 0.0]))
        answer = {"sample": truth, "noise": noise, "velocity": truth - noise}[prediction]
        found = policy.solved(start, lambda number, noisy, answer=answer: answer)
        torch.testing.assert_close(found, truth, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "unets"}, "unknown network 'unets'. Did you mean 'unet'"),
        ({"start": "ones"}, "unknown start 'ones'"),
        ({"prediction": "samples"}, "unknown prediction 'samples'. Did you mean 'sample'"),
        ({"sample_steps": 0}, "sample_steps is 0"),
        ({"depth": 0}, "depth is 0"),
        ({"look_depth": -1}, "look_depth is -1"),
    ],
)
def test_settings_that_cannot_be_are_refused(make: Make, settings: dict[str, object], message: str) -> None:
    with pytest.raises((ShapeError, UnknownNameError), match=message):
        make(**settings)


@pytest.mark.parametrize(("solver", "asked_n"), [("euler", 5), ("midpoint", 10)])
def test_a_flow_by_either_solver(pendulum_demonstrations: list[Demonstration], solver: str, asked_n: int) -> None:
    """The times told are those at which the solver asks."""
    flow = find_policy("flow")
    policy = flow(PolicySpec.of(pendulum_demonstrations, CHUNK), make_config(flow, {"chunk_n": CHUNK, "solver": solver}))
    assert isinstance(policy, DenoisingPolicy)
    torch.testing.assert_close(policy.asked, torch.arange(asked_n) / asked_n)
    assert policy.chunk(torch.zeros(2, 1, policy.reader.width)).shape == (2, CHUNK, 2)


def test_names_of_a_flow_are_checked() -> None:
    for settings, message in (({"solver": "eulers"}, "Did you mean 'euler'"), ({"times": "late"}, "unknown distribution of times 'late'")):
        with pytest.raises(UnknownNameError, match=message):
            make_config(find_policy("flow"), settings)
