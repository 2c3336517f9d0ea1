"""Pictures: kept small, read by the networks of all policies, varied in training only, and the same in every export."""

from __future__ import annotations

import warnings
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motion.demonstration import Demonstration
from motion.errors import MotionError, ShapeError, UnknownNameError
from motion.lerobot import Dataset, video, write_dataset
from motion.provenance import Provenance
from policies import Checkpoint, Policy, PolicyActor, PolicySpec, TrainConfig, fit, known_policies, load_policy, make_config, make_windows
from policies import save_checkpoint as save
from policies.actor import PolicyPredictor
from policies.data import list_entries
from policies.deploy import ChunkActor, ExportedPolicy, Handover, Player
from policies.export import export_policy
from policies.pictures import Eye, coloured, shifted
from tests.policies.spots import JOINTS, SIZE_PX, pointing, spot

CHUNK = 2
SMALL = {"chunk_n": CHUNK, "width": 32, "things": False, "pictures": ("head",), "picture_marks_n": 4, "picture_shift_px": 0}


@pytest.fixture(scope="module")
def pointed() -> list[Demonstration]:
    """Two episodes."""
    return [pointing(60, 0), pointing(60, 1)]


def fresh(name: str, demonstrations: list[Demonstration], **settings: object) -> Policy:
    """A policy that sees, with statistics, in eval mode."""
    torch.manual_seed(0)
    policy_class = known_policies()[name]
    known = policy_class.Config.__dataclass_fields__
    config = make_config(policy_class, {key: value for key, value in {**SMALL, **settings}.items() if key in known})
    policy = policy_class(PolicySpec.of(demonstrations, config.chunk_n, config.reads), config)
    policy.fit_statistics(make_windows(policy, demonstrations))
    return policy.eval()


def looked(demonstration: Demonstration, count: int) -> dict[str, np.ndarray]:
    """The first observations (count, ...)."""
    return {name: np.asarray(track)[:count] for name, track in demonstration.observations.items()}


def test_an_eye_tells_places_that_move_with_what_is_seen() -> None:
    """Of any weights: what is moved by a quarter of the picture is told a quarter further on."""
    torch.manual_seed(0)
    eye = Eye(1)
    with torch.no_grad():
        eye.sharpness.fill_(4.0)
        left, right = (eye(torch.from_numpy(spot(np.array([x, 0.0]))).permute(2, 0, 1)[None].float() / 127.5 - 1)[0] for x in (-0.4, 0.1))
    assert abs(float(right[0] - left[0])) == pytest.approx(2.0 * 0.5, abs=0.25)
    assert abs(float(right[1] - left[1])) < 0.15


@pytest.mark.parametrize("name", sorted(known_policies()))
def test_every_policy_learns_what_only_pictures_tell(name: str, pointed: list[Demonstration]) -> None:
    policy = fresh(name, pointed, history_n=2 if name == "bc_rnn" else 1)
    batch = make_windows(policy, pointed).batch(torch.arange(0, 32))
    assert batch.pictures is not None
    assert tuple(batch.pictures.shape) == (32, policy.config.history_n, 1, 3, 24, 32)

    def unexplained() -> float:
        with torch.no_grad():
            error = policy.eval().predict(policy.looks(batch))[:, 0] - batch.offset_rad[:, 0]
        return float(error.square().mean() / batch.offset_rad[:, 0].var())

    before = unexplained()
    optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
    policy.train()
    for _ in range(40):
        optimizer.zero_grad()
        torch.autograd.backward(policy.loss(batch))
        optimizer.step()
    gradients = [weights.grad for weights in policy.eyes.parameters()] if policy.eyes is not None else []
    assert gradients, "the policy has no eyes"
    assert any(gradient is not None and bool(gradient.abs().max() > 0) for gradient in gradients)
    assert unexplained() < 0.5 * before


def test_a_policy_points_at_spots_that_it_has_not_seen(tmp_path: Path) -> None:
    """Trained by the one loop, on a data set with videos; the same weights blindfolded do not know where to point."""
    write_dataset([pointing(120, seed) for seed in range(3)], tmp_path / "set")
    settings = {**SMALL, "chunk_n": 1, "picture_shift_px": 1, "input_noise": 0.3}
    training = TrainConfig(
        settings=settings, steps=250, batch_n=32, learning_rate=5e-3, warmup_steps=10, validation_fraction=0, ema_decay=0.9
    )
    policy = load_policy(fit(tmp_path / "set", training, tmp_path / "run").best)
    unseen = pointing(60, 99)

    def rmse_rad(shown: dict[str, np.ndarray]) -> float:
        return float(np.sqrt(np.mean((PolicyActor(policy).act(shown)[:, 0] - unseen.actions) ** 2)))

    shown = looked(unseen, 60)
    assert rmse_rad(shown) < 0.15
    assert rmse_rad({**shown, "image_head": np.full_like(shown["image_head"], 60)}) > 0.35


def test_what_is_seen_does_not_depend_on_who_else_looks(pointed: list[Demonstration]) -> None:
    predictor, shown = PolicyPredictor(fresh("bc", pointed)), looked(pointed[0], 7)
    whole = predictor.read({name: shown[name] for name in predictor.spec.shapes})[0]
    for row in (0, 6):
        alone = predictor.read({name: shown[name][row : row + 1] for name in predictor.spec.shapes})[0]
        assert np.array_equal(alone[0], whole[row])


def test_training_and_acting_see_the_same(pointed: list[Demonstration]) -> None:
    """A window's look is what an actor's is; in eval mode nothing is moved or coloured."""
    policy = fresh("bc", pointed, history_n=2, picture_shift_px=4, picture_px=(16, 12))
    batch = make_windows(policy, pointed).batch(torch.tensor([0, 5]))
    read = PolicyPredictor(policy).read(
        {
            name: looked(pointed[0], 6)[name].astype(float) if name != "image_head" else looked(pointed[0], 6)[name]
            for name in policy.spec.shapes
        }
    )[0]
    with torch.no_grad():
        looks = policy.looks(batch).numpy()
    np.testing.assert_allclose(looks[0], read[[0, 0]], atol=1e-5)
    np.testing.assert_allclose(looks[1], read[[4, 5]], atol=1e-5)


def test_saved_equals_loaded(pointed: list[Demonstration], tmp_path: Path) -> None:
    policy, shown = fresh("act", pointed), looked(pointed[0], 5)
    save(tmp_path / "saved", Checkpoint(policy, {}, Provenance("a test")))
    loaded = load_policy(tmp_path / "saved", JOINTS)
    assert loaded.config.pictures == ("head",)
    assert np.array_equal(PolicyActor(loaded).act(shown), PolicyActor(policy).act(shown))


@pytest.mark.usefixtures("quick_export")
def test_exports_see_the_same(pointed: list[Demonstration], tmp_path: Path) -> None:
    """Both formats: the eyes are part of the reader's graph."""
    policy, shown = fresh("bc", pointed, picture_px=(16, 12), history_n=2), looked(pointed[0], 4)
    wanted = PolicyActor(policy).act(shown)
    exported = ExportedPolicy(export_policy(policy, Provenance("a test"), tmp_path / "onnx"))
    np.testing.assert_allclose(ChunkActor(exported, Handover()).act(shown), wanted, atol=1e-5)
    with closing(Player(exported)) as player:
        np.testing.assert_allclose(player.step({name: track[0] for name, track in shown.items()}), wanted[0, 0], atol=1e-5)
    folder = export_policy(policy, Provenance("a test"), tmp_path / "torchscript", "torchscript")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.", DeprecationWarning)
        reader = torch.jit.load(str(folder / "reader.pt"))
    seen = {key: torch.from_numpy(np.array(shown[key][:1])) for key in policy.spec.shapes}
    torch.testing.assert_close(reader(*seen.values())[0], policy.read(seen), atol=1e-5, rtol=1e-5)


def test_videos_that_nobody_looks_at_are_not_read(pointed: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))  # windows that another test cut are not found again
    write_dataset([pointed[0], replace(pointed[1], seed=1)], tmp_path / "set")
    decoded: list[Path] = []
    real = video.decode
    monkeypatch.setattr(video, "decode", lambda path, *rest: decoded.append(path) or real(path, *rest))
    config = {"settings": {"chunk_n": CHUNK, "width": 8}, "steps": 2, "batch_n": 8}
    fit(tmp_path / "set", TrainConfig(**config), tmp_path / "blind")
    assert not decoded
    entry = list_entries(tmp_path / "set")[0]
    assert "image_head" not in entry.read(()).observations
    fit(tmp_path / "set", TrainConfig(**{**config, "settings": SMALL}), tmp_path / "seeing")
    assert len(decoded) == 2
    assert "image_head" in entry.read().observations
    assert Dataset(tmp_path / "set").episode(0, ("image_head",)).observations["image_head"].shape == (60, 24, 32, 3)


def test_windows_keep_pictures_as_bytes_in_the_cache(pointed: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path))
    whole, half = (fresh("bc", pointed, **settings) for settings in ({}, {"picture_px": (16, 12)}))
    for policy, bytes_n in ((whole, 120 * 3 * 24 * 32), (half, 120 * 3 * 12 * 16)):
        windows = make_windows(policy, pointed, "the same demonstrations")
        assert windows.pictures is not None
        assert windows.pictures.dtype == torch.uint8
        assert bytes_n in {path.stat().st_size for path in tmp_path.rglob("pictures.bin")}
    assert len(list(tmp_path.rglob("pictures.bin"))) == 2


def test_a_shift_moves_pictures_and_repeats_their_edge() -> None:
    torch.manual_seed(0)
    picture = torch.arange(6 * 8, dtype=torch.uint8).view(1, 1, 1, 6, 8).expand(50, 2, 3, 6, 8)
    moved = shifted(picture, 2)
    places = set()
    for sample in moved.flatten(0, 1):
        row, column = divmod(int(sample[0, 3, 4]), 8)
        wanted = picture[0, 0, 0][(torch.arange(6) + row - 3).clamp(0, 5)][:, (torch.arange(8) + column - 4).clamp(0, 7)]
        assert torch.equal(sample, wanted.expand(3, 6, 8))
        places.add((row - 3, column - 4))
    assert {row for row, _ in places} == {column for _, column in places} == {-2, -1, 0, 1, 2}
    assert torch.equal(shifted(picture, 0), picture)


def test_colours_vary_within_bounds_and_only_in_training(pointed: list[Demonstration]) -> None:
    torch.manual_seed(0)
    grey = torch.full((200, 1, 3, 2, 2), 0.5)
    seen = coloured(grey, 0.1)
    assert float((seen - grey).abs().max()) <= 0.5 * (1.1 * 1.1 - 1) + 0.1 + 1e-6
    assert float(seen.std()) > 0.03
    assert torch.equal(coloured(grey, 0.0), grey)
    policy = fresh("bc", pointed, picture_shift_px=4)
    batch = make_windows(policy, pointed).batch(torch.arange(4))
    assert torch.equal(policy.looks(batch), policy.looks(batch))
    policy.train()
    assert not torch.equal(policy.looks(batch), policy.looks(batch))


def test_what_cannot_be_seen_is_refused(pointed: list[Demonstration]) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown observation 'image_hat'.*Did you mean 'image_head'"):
        fresh("bc", pointed, pictures=("hat",))
    with pytest.raises(ShapeError, match=r"picture_px is 20x15; image_head was recorded as 32x24, which becomes 32x24, 16x12"):
        fresh("bc", pointed, picture_px=(20, 15))
    with pytest.raises(ShapeError, match="names a camera twice"):
        fresh("bc", pointed, pictures=("head", "head"))
    actor, shown = PolicyActor(fresh("bc", pointed)), looked(pointed[0], 3)
    with pytest.raises(ShapeError, match=r"holds float64; pictures are uint8"):
        actor.act({**shown, "image_head": shown["image_head"] / 255})
    with pytest.raises(ShapeError, match=r"'image_head' in what policy 'bc' was given is \(3, 12, 32, 3\)"):
        actor.act({**shown, "image_head": shown["image_head"][:, ::2]})
    low = replace(pointed[1], observations={**pointed[1].observations, "image_head": pointed[1].observations["image_head"][:, ::2]})
    with pytest.raises(MotionError, match="differs from the first in observations"):
        fresh("bc", [pointed[0], low])


def test_the_actor_says_what_it_looks_at(pointed: list[Demonstration]) -> None:
    width, height = SIZE_PX
    assert PolicyActor(fresh("bc", pointed)).pictures == {"image_head": (height, width, 3)}
    assert PolicyActor(fresh("bc", pointed, pictures=())).pictures == {}
