"""Long tables in JSON: the same numbers as the standard library's, and left alone where they are no even tables."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from retarget.reading.json_numbers import loads

TABLE = np.random.default_rng(0).normal(size=(300, 20, 3)) * 10.0 ** np.arange(-4, 16).reshape(20, 1)


@pytest.mark.parametrize("indent", [None, 1])
def test_tables_are_the_same_numbers(indent: int | None) -> None:
    flat = TABLE.reshape(300, 60)
    text = json.dumps(
        {"rate_hz": 30, "a": TABLE.tolist(), "in": {"b": flat.tolist()}, "few": [[1, 2], [3, 4]], "names": ["x"]}, indent=indent
    )
    data = loads(text)
    np.testing.assert_allclose(data["a"], TABLE, rtol=1e-15)
    np.testing.assert_allclose(data["in"]["b"], flat, rtol=1e-15)
    assert (data["rate_hz"], data["few"], data["names"]) == (30, [[1, 2], [3, 4]], ["x"])


def test_null_is_nan() -> None:
    rows: list[Any] = TABLE.tolist()
    rows[7][3] = [None, float("nan"), 2]
    data = loads(json.dumps({"a": rows}))
    np.testing.assert_array_equal(data["a"][7, 3], [np.nan, np.nan, 2])


def test_uneven_lists_stay_lists() -> None:
    for change in (
        lambda rows: rows[5][3].pop(),
        lambda rows: rows[5].pop(),
        lambda rows: rows.insert(9, 4.0),
        lambda rows: rows[5].append([]),
    ):
        rows: list[Any] = TABLE.tolist()
        change(rows)
        assert loads(json.dumps({"a": rows})) == {"a": rows}


def test_broken_text_is_broken() -> None:
    text = json.dumps({"a": TABLE.tolist()})
    for broken in (
        text[:-30],
        text[:-1],
        text.replace("]]]", "]]", 1),
        text[:5000] + "q" + text[5000:],
        text[:5000] + "\x00" + text[5000:],
    ):
        with pytest.raises(json.JSONDecodeError):
            loads(broken)
