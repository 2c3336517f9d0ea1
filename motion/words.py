"""Words as numbers that a policy can be told: hashed, not learnt, so that no weights are needed and the same words are always the same."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

import numpy as np

from motion.transform import Array

TEXT, TEXT_N = "text", 256
"""Name of the observation, and how many numbers tell it."""
_LENGTHS = (3, 4, 5)
_UNTOLD = frozenset(
    "a an and are as at be by for from has have in into is it its of on onto so that the then there this to what which with".split()
)
"""Words that every sentence has."""
_WORD = 3.0
"""A whole word counts as much as so many of its pieces."""


def text_features(text: str) -> Array:
    """(256,) numbers of a sentence, of length 1; zeros of one that says nothing. Case, punctuation and the order of words do not matter.

    Every word, and every piece of 3 to 5 letters of it with its ends marked, is added with a sign at a place, both by its hash. So
    sentences that share words, or forms of them, are near each other; words of the same meaning are not. Source: Weinberger et al.
    2009, "Feature hashing for large scale multitask learning"; pieces as in Bojanowski et al. 2017, "Enriching word vectors with
    subword information".
    """
    out = np.zeros(TEXT_N)
    for word in re.findall(r"\w+", text.lower()):
        for piece, weight in _pieces(word) if word not in _UNTOLD else ():
            hashed = zlib.crc32(piece.encode())
            out[hashed % TEXT_N] += weight if hashed >> 31 else -weight
    length = float(np.linalg.norm(out))
    return out / length if length else out


def _pieces(word: str) -> Iterator[tuple[str, float]]:
    marked = f"<{word}>"
    yield marked, _WORD
    for length in _LENGTHS:
        for begin in range(len(marked) - length + 1):
            if length < len(marked):  # the whole word was told already
                yield marked[begin : begin + length], 1.0
