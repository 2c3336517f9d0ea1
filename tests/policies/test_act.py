"""Attention by another hand, the latent and what it costs, no chance in use, and what each place and look is for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, distributions, nn

from motion.demonstration import Demonstration
from motion.errors import ShapeError
from policies import PolicyActor, PolicySpec
from policies.act import ActConfig, ActionChunkingTransformer, Attention, Latent

H, J = 4, 2


@pytest.fixture
def spec(pendulum_demonstrations: list[Demonstration]) -> PolicySpec:
    """Of the pendulums, four actions at once."""
    return PolicySpec.of(pendulum_demonstrations, H)


def settings(**changes: object) -> ActConfig:
    return ActConfig(**{"chunk_n": H, "width": 32, "tokens_n": 2, **changes})  # type: ignore[arg-type]


def made(spec: PolicySpec, **changes: object) -> ActionChunkingTransformer:
    torch.manual_seed(0)
    return ActionChunkingTransformer(spec, settings(**changes))


def two_ways(policy: ActionChunkingTransformer) -> tuple[Tensor, Tensor]:
    """The same look 32 times; half of the chunks go to one side, half to the other."""
    return torch.zeros(32, 1, policy.reader.width), torch.tensor([1.0, -1.0]).repeat(16)[:, None, None].expand(-1, H, J)


def fitted(policy: ActionChunkingTransformer, seen: Tensor, wanted: Tensor, steps: int) -> float:
    """Train on one batch; the mean error of the last 10 steps."""
    optimizer, losses = torch.optim.Adam(policy.parameters(), lr=5e-3), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = policy.errors(seen, wanted, torch.ones(len(seen), H, 1)).mean()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    return sum(losses[-10:]) / 10


def test_attention_by_hand() -> None:
    """Head by head: softmax of the scaled products, then the mean of what is told by it."""
    torch.manual_seed(0)
    attention, asking, told = Attention(32, 4), torch.randn(3, 5, 32), torch.randn(3, 7, 32)
    with torch.no_grad():
        (key, value), query = attention.tell(told).chunk(2, -1), attention.ask(asking)
        found = []
        for head in range(4):
            own = slice(8 * head, 8 * head + 8)
            share = torch.softmax(torch.einsum("bli,bmi->blm", query[..., own], key[..., own]) / 8**0.5, -1)
            found.append(torch.einsum("blm,bmi->bli", share, value[..., own]))
        torch.testing.assert_close(attention(asking, told), attention.mix(torch.cat(found, -1)), rtol=1e-4, atol=1e-5)
        assert torch.equal(attention(asking), attention(asking, asking))


def test_what_the_latent_tells_is_its_divergence_from_nothing(spec: PolicySpec) -> None:
    torch.manual_seed(0)
    latent, mean, log_variance = Latent(spec, settings(latent_n=3)), torch.tensor([0.5, -1.0, 0.0]), torch.tensor([0.0, -2.0, 1.0])
    nn.init.zeros_(latent.told.weight)
    with torch.no_grad():
        latent.told.bias.copy_(torch.cat([mean, log_variance]))
    token, nats = latent(torch.randn(2, 6, 32), torch.randn(2, H, J))
    there, nothing = distributions.Normal(mean, (0.5 * log_variance).exp()), distributions.Normal(torch.zeros(3), torch.ones(3))
    torch.testing.assert_close(nats, distributions.kl_divergence(there, nothing).sum().expand(2))
    assert token.shape == (2, 1, 32)
    assert not torch.equal(token[0], token[1])  # two draws


def test_the_latent_tells_two_ways_apart(spec: PolicySpec) -> None:
    """Without it the best is to miss both; with it each is reproduced, unless telling costs too much."""
    error = {}
    for name, changes in {"none": {}, "cheap": {"latent_n": 4, "kl_weight": 0.01}, "dear": {"latent_n": 4, "kl_weight": 100.0}}.items():
        policy = made(spec, dropout=0.0, width=16, encoder_n=0, decoder_n=1, **changes)
        error[name] = fitted(policy, *two_ways(policy), steps=80)
    assert error["cheap"] < 0.3 * error["none"]
    assert error["dear"] > 0.8 * error["none"]


@pytest.mark.parametrize("latent_n", [0, 4])
def test_nothing_is_left_to_chance_in_use(spec: PolicySpec, latent_n: int) -> None:
    """No draw at all in eval mode, neither for actions nor for the held-out loss; in training there are some."""
    policy = made(spec, dropout=0.3, latent_n=latent_n).eval()
    seen, wanted, weight = torch.randn(5, 1, policy.reader.width), torch.randn(5, H, J), torch.ones(5, H, 1)
    before = torch.get_rng_state()
    assert torch.equal(policy.errors(seen, wanted, weight), policy.errors(seen, wanted, weight))
    assert torch.equal(policy.chunk(seen), policy.chunk(seen))
    assert torch.equal(torch.get_rng_state(), before)
    policy.train()
    assert not torch.equal(policy.errors(seen, wanted, weight), policy.errors(seen, wanted, weight))


def test_what_was_recorded_without_weight_tells_nothing(spec: PolicySpec) -> None:
    """The latent's encoder looks at whole chunks; loss and gradient do not move with what may not be learnt from."""
    policy = made(spec, latent_n=4)
    seen, wanted, weight = torch.randn(3, 1, policy.reader.width), torch.randn(3, H, J), torch.ones(3, H, J)
    weight[0, 2:], weight[1, 1:, 1] = 0, 0
    found = []
    for given in (wanted, torch.where(weight > 0, wanted, 1e3)):
        torch.manual_seed(0)
        policy.zero_grad()
        loss = (policy.errors(seen, given, weight) * weight).sum()
        torch.autograd.backward(loss)
        found.append([loss.detach(), *(part.grad.clone() for part in policy.parameters() if part.grad is not None)])
    assert len(found[0]) > 20
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_the_order_of_looks_and_the_place_in_the_chunk_matter(spec: PolicySpec) -> None:
    policy = made(spec, history_n=3).eval()
    seen = torch.randn(1, 3, policy.reader.width)
    with torch.no_grad():
        chunk, turned = policy.chunk(seen), policy.chunk(seen.flip(1))
    assert float((chunk - turned).abs().max()) > 1e-4
    assert float((chunk[:, 0] - chunk[:, 1]).abs().max()) > 1e-3


@pytest.mark.parametrize("latent_n", [0, 4])
def test_an_episode_does_not_depend_on_its_neighbours(
    spec: PolicySpec, pendulum_demonstrations: list[Demonstration], latent_n: int
) -> None:
    """Bit for bit."""
    actor = PolicyActor(made(spec, latent_n=latent_n))
    tracks = {key: track[:20] for key, track in pendulum_demonstrations[0].observations.items()}
    together = torch.from_numpy(actor.act(tracks))
    for chosen in ([4], [19, 2, 17, 0]):
        alone = actor.act({key: track[chosen] for key, track in tracks.items()})
        assert torch.equal(torch.from_numpy(alone), together[chosen])


def test_without_a_latent_there_is_none(spec: PolicySpec) -> None:
    assert not [name for name, _ in made(spec).named_parameters() if name.startswith("latent")]


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ShapeError, match="width 32 cannot be shared by 5 heads"):
        settings(heads_n=5)
    with pytest.raises(ShapeError, match="at least 1 of each"):
        settings(tokens_n=0)
    with pytest.raises(ShapeError, match="kl_weight is -1"):
        settings(kl_weight=-1.0)
