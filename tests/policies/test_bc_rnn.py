"""The mixture's likelihood by hand, what has no weight, one way or the other but not between, and what the memory is for."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, distributions, nn

from motion.demonstration import Demonstration
from motion.errors import ShapeError, UnknownNameError
from policies import PolicyActor, PolicySpec
from policies.bc_rnn import BcRnnConfig, GmmHead, RecurrentCloning

H, J = 4, 2
SMALL = BcRnnConfig(chunk_n=H, history_n=3, width=32, modes_n=3)


@pytest.fixture
def spec(pendulum_demonstrations: list[Demonstration]) -> PolicySpec:
    """Of the pendulums, four actions at once."""
    return PolicySpec.of(pendulum_demonstrations, H)


@pytest.fixture
def head(spec: PolicySpec) -> GmmHead:
    """A mixture whose modes differ."""
    torch.manual_seed(0)
    made = GmmHead(spec, SMALL)
    for part in made.parameters():
        nn.init.normal_(part, std=0.3)
    return made


def settings(**changes: object) -> BcRnnConfig:
    return BcRnnConfig(**{"chunk_n": H, "width": 32, **changes})  # type: ignore[arg-type]


def fitted(policy: RecurrentCloning, seen: Tensor, wanted: Tensor, steps: int) -> RecurrentCloning:
    """Trained on one batch."""
    optimizer, weight = torch.optim.Adam(policy.parameters(), lr=5e-3), torch.ones(len(seen), H, 1)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(policy.errors(seen, wanted, weight).mean())
        optimizer.step()
    return policy.eval()


def exact(head: GmmHead, state: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    """Negative log-likelihood (B,) of what is known of each chunk, by torch's own distributions."""
    each = distributions.Normal(head.mean(state).unflatten(1, head.shape), head.scale()).log_prob(wanted[:, None]) * known[:, None]
    return -torch.logsumexp(torch.log_softmax(head.share(state), 1) + each.sum((2, 3)), 1)


@pytest.mark.parametrize("lost", [0, 3])
def test_errors_sum_up_to_the_likelihood_of_the_mixture_and_so_does_the_gradient(head: GmmHead, lost: int) -> None:
    """With single joints unknown here and there, too."""
    state, wanted = torch.randn(5, 32), torch.randn(5, H, J)
    known = torch.ones(5, H, J)
    known[1, 2:], known[2, :, 0], known[3, 1, 1] = (1.0,) * 3 if not lost else (0.0,) * 3
    likelihood, errors = exact(head, state, wanted, known), head.errors(state, wanted, known)
    torch.testing.assert_close((errors * known).sum((1, 2)), likelihood)
    parts = list(head.parameters())
    ours, theirs = (torch.autograd.grad(total.sum(), parts) for total in (errors * known, likelihood))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("junk", [1e3, math.nan])
def test_what_has_no_weight_moves_nothing(head: GmmHead, junk: float) -> None:
    state, wanted, weight = torch.randn(3, 32), torch.randn(3, H, J), torch.ones(3, H, J)
    weight[0, 2:], weight[1, :, 1], weight[2] = 0, 0, 0
    found = []
    for given in (wanted, torch.where(weight > 0, wanted, junk)):
        head.zero_grad()
        torch.autograd.backward((head.errors(state, given, weight) * weight).sum())
        found.append([part.grad.clone() for part in head.parameters() if part.grad is not None])
    assert len(found[0]) == 5
    assert all(torch.equal(a, b) and torch.isfinite(a).all() for a, b in zip(*found, strict=True))


def test_finite_far_from_everything_and_bounded_where_all_is_known_by_heart(head: GmmHead) -> None:
    far = head.errors(100 * torch.randn(4, 32), torch.full((4, H, J), 1e6), torch.ones(4, H, 1))
    assert torch.isfinite(far).all()
    nn.init.constant_(head.spread, -1e4)
    nearest = head.errors(torch.zeros(1, 32), head.chunk(torch.zeros(1, 32)), torch.ones(1, H, 1))
    assert float(nearest.detach().mean()) >= math.log(SMALL.scale_floor) + 0.5 * math.log(2 * math.pi) - 1e-4


def test_finite_far_off_in_half_precision(head: GmmHead) -> None:
    """An action 25 scales of the data off is 500 of the narrowest scale: its square is more than fp16 can hold."""
    nn.init.constant_(head.spread, -1e4)
    state, wanted, weight = torch.randn(4, 32), torch.zeros(4, H, J), torch.ones(4, H, 1)
    wanted[0, 1, 1] = 25.0
    full = head.errors(state, wanted, weight)
    with torch.autocast("cpu", torch.float16):
        half = head.errors(state, wanted, weight)
    assert half.dtype == torch.float32
    assert float(full.detach().max()) > 1e5
    torch.testing.assert_close(half, full, rtol=0.05, atol=1.0)


def test_two_ways_are_not_averaged(spec: PolicySpec) -> None:
    """The same look, then all to one side or all to the other: the mixture goes one way, a single chunk goes between."""
    torch.manual_seed(1)
    looks = torch.zeros(32, 3, RecurrentCloning(spec, SMALL).reader.width)
    wanted = torch.tensor([1.0, -1.0]).repeat(16)[:, None, None].expand(-1, H, J)
    chunks = {}
    for name in ("gmm", "deterministic"):
        policy = fitted(RecurrentCloning(spec, settings(history_n=3, head=name)), looks, wanted, 100)
        chunks[name] = policy.chunk(looks[:1]).detach()
    assert float(chunks["deterministic"].abs().max()) < 0.1
    side = chunks["gmm"].mean().sign()
    torch.testing.assert_close(chunks["gmm"], side.expand(1, H, J), rtol=0, atol=0.15)


def test_what_was_seen_some_looks_ago_is_remembered(spec: PolicySpec) -> None:
    """Only the oldest of five looks says what to do; the newest four are the same in all."""
    torch.manual_seed(2)
    policy = RecurrentCloning(spec, settings(history_n=5, head="deterministic"))
    looks = torch.zeros(16, 5, policy.reader.width)
    told = torch.randn(16)
    looks[:, 0, 0] = told
    wanted = told[:, None, None].expand(-1, H, J)
    error = fitted(policy, looks, wanted, 150).chunk(looks) - wanted
    assert float(error.detach().square().mean()) < 0.02 * float(wanted.square().mean())


@pytest.mark.parametrize("name", ["gmm", "deterministic"])
def test_an_episode_does_not_depend_on_its_neighbours(spec: PolicySpec, pendulum_demonstrations: list[Demonstration], name: str) -> None:
    """Bit for bit, through the actor and its memory of looks."""
    torch.manual_seed(0)
    policy = RecurrentCloning(spec, settings(history_n=3, head=name))
    for part in policy.head.parameters():
        nn.init.normal_(part, std=0.3)
    tracks = {key: track[:40] for key, track in pendulum_demonstrations[0].observations.items()}

    def acts(chosen: list[int]) -> Tensor:
        actor = PolicyActor(policy)
        actor.reset(len(chosen))
        for late in (0, 1):
            told = actor.act({key: track[[number + late for number in chosen]] for key, track in tracks.items()})
        return torch.from_numpy(told)

    together = acts(list(range(20)))
    for chosen in ([4], [19, 2, 17, 0]):
        assert torch.equal(acts(chosen), together[chosen])


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'gmm'"):
        settings(head="gm")
    with pytest.raises(ShapeError, match="scale_floor is 0"):
        settings(scale_floor=0.0)
    with pytest.raises(ShapeError, match="make no network"):
        settings(modes_n=0)
    with pytest.raises(ShapeError, match="dropout is 1"):
        settings(dropout=1.0)
