"""Pickles of other tools, read without running anything: plain containers and numeric arrays, and nothing else.

A pickle can name any function of any installed package and have it called. Here a name that is not on the short list
ends the reading. Joblib writes an array's bytes into the stream behind a small object; these are taken apart by hand.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from motion.errors import FileFormatError

_NUMPY = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): dict,
}


class _Forbidden(Exception):
    """A name that is not on the list."""


class _JoblibArray:
    """What joblib puts in place of an array: its shape, order and kind; the bytes follow in the stream."""

    shape: tuple[int, ...]
    order: str
    dtype: np.dtype[Any]
    numpy_array_alignment_bytes: int | None = None

    def read(self, stream: BinaryIO) -> np.ndarray:
        """The array behind this object."""
        if self.dtype.hasobject:
            raise _Forbidden("an array of Python objects")
        if self.numpy_array_alignment_bytes is not None:
            stream.read(int.from_bytes(stream.read(1), "little"))  # padding, its length first
        count = int(np.prod(self.shape, dtype=np.int64))
        data = stream.read(count * self.dtype.itemsize)
        flat = np.frombuffer(data, self.dtype, count)
        return flat.reshape(self.shape[::-1]).T if self.order == "F" else flat.reshape(self.shape)


class _Reader(pickle._Unpickler):
    """The standard library's own unpickler, written in Python, with the list of names and joblib's arrays."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, encoding="latin1")  # what Python 2 wrote; later files say for themselves
        self._stream = stream

    def find_class(self, module: str, name: str) -> Any:
        """The object of that name, if it is on the list."""
        if (module, name) in _NUMPY:
            return _NUMPY[module, name]
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return _JoblibArray
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name in ("_reconstruct", "scalar"):
            return getattr(np._core.multiarray, name)  # type: ignore[attr-defined]
        if module in ("numpy.core.numeric", "numpy._core.numeric") and name == "_frombuffer":
            return np._core.numeric._frombuffer  # type: ignore[attr-defined]
        if (module, name) == ("_codecs", "encode"):
            return _bytes
        raise _Forbidden(f"{module}.{name}")

    def load_build(self) -> None:
        """As everywhere, and then joblib's array for the object that stands in its place."""
        super().load_build()  # type: ignore[misc]
        stack: list[Any] = self.stack  # type: ignore[attr-defined]
        if isinstance(stack[-1], _JoblibArray):
            stack[-1] = _JoblibArray.read(stack[-1], self._stream)  # by the class: what the file put into the object is not called

    dispatch[pickle.BUILD[0]] = load_build


def _bytes(text: str, encoding: str) -> bytes:
    """What Python 2 and protocol 2 call to make bytes; other encodings than this one could run code."""
    if encoding != "latin1":
        raise _Forbidden(f"encoding {encoding}")
    return text.encode("latin1")


def read_pickle(path: Path) -> Any:
    """Read a pickle of plain containers and numeric arrays.

    Raises:
        FileFormatError: it holds anything else, or is no pickle.
    """
    try:
        with open(path, "rb") as stream:
            return _Reader(stream).load()
    except _Forbidden as error:
        raise FileFormatError(
            f"{path}: the pickle wants {error}, which could run code; only plain containers and numeric arrays are read. "
            "Save it as .npz with the tool that made it."
        ) from error
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError, TypeError, ValueError, MemoryError) as error:
        raise FileFormatError(f"{path}: cannot be read as a pickle ({type(error).__name__}: {error}).") from error
