"""Numbers from text: every spelling of a number, and words that are none."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import FileFormatError
from retarget.reading.numbers import parse_named_numbers, parse_numbers

_SPELT = "1 -2.5 +3e2 1e-5 .5 5. -0.0 1E3 7.62852e-016 12345678901234567890123 0.000000000000000000000000123 4.9e-324 0.1234567890123456789"


def test_every_spelling_of_a_number() -> None:
    found = parse_numbers(_SPELT.replace(" ", " \t\r\n").encode(), 100, "here")
    np.testing.assert_allclose(found, np.array(_SPELT.split(), float), rtol=1e-15)
    assert np.signbit(found[6])


def test_random_numbers_come_back() -> None:
    wanted = np.random.default_rng(0).normal(0, 100, 500) * 10.0 ** np.random.default_rng(1).integers(-8, 8, 500)
    np.testing.assert_allclose(parse_numbers(" ".join(map(repr, wanted.tolist())).encode(), 500, "here"), wanted, rtol=1e-15)


def test_what_is_not_finite_is_kept_for_the_reader_to_judge() -> None:
    np.testing.assert_array_equal(parse_numbers(b"1 nan -inf 2", 10, "here"), [1, np.nan, -np.inf, 2])


@pytest.mark.parametrize("word", [b"x", b"1.2.3", b"--1", b"1e", b"0,5", b"-", b"1_0x", b"\xff"])
def test_a_word_that_is_no_number_is_named(word: bytes) -> None:
    with pytest.raises(FileFormatError, match=r"here cannot be read: '.*' is no number"):
        parse_numbers(b"1 2 " + word + b" 3", 10, "here")


def test_no_more_than_asked_for() -> None:
    assert len(parse_numbers(b"1 2 3 x", 3, "here")) == 3
    assert len(parse_numbers(b"", 3, "here")) == 0


def test_names_between_numbers() -> None:
    numbers, words = parse_named_numbers(b"1\nroot 2 -3e1\nlfoot 4 ?\n2\nroot 5 6\nlfoot 7 8\n")
    np.testing.assert_array_equal(numbers, [1, 2, -30, 4, np.nan, 2, 5, 6, 7, 8])
    assert len(words) == 4
    assert words[0] == words[2] != words[1] == words[3]
