"""Words as numbers: the same everywhere, near each other where words are shared."""

from __future__ import annotations

import numpy as np
import pytest

from motion.words import TEXT_N, text_features


def alike(one: str, other: str) -> float:
    """Cosine of two sentences."""
    return float(text_features(one) @ text_features(other))


def test_a_sentence_is_of_length_one_and_always_the_same() -> None:
    """The hashes are fixed: "x", as "<x>" alone, is one number at crc32("<x>") modulo 256, above 0 as the hash's first bit is 1."""
    features = text_features("Stir the pot.")
    assert features.shape == (TEXT_N,)
    assert np.linalg.norm(features) == pytest.approx(1.0)
    place = 0xF4B72BB3  # crc32(b"<x>"): no hash of Python's own, which differs from run to run
    assert np.flatnonzero(text_features("x")).tolist() == [place % TEXT_N]
    assert text_features("x")[place % TEXT_N] == 1.0


def test_case_punctuation_order_and_small_words_do_not_matter() -> None:
    np.testing.assert_allclose(text_features("Open the DOOR, slowly!"), text_features("slowly open that door"), atol=1e-12)


def test_shared_words_and_shared_stems_bring_sentences_near() -> None:
    said = "Open the microwave's door and close it again."
    assert alike(said, "Open the microwave's door, then close it.") > 0.75
    assert alike("stirring", "stirred") > 0.3 > abs(alike("stirring", "pour"))
    assert abs(alike(said, "Fold a towel once, edge to edge.")) < 0.3


def test_what_says_nothing_is_zero() -> None:
    assert not text_features("").any()
    assert not text_features(" And then, so. ").any()
