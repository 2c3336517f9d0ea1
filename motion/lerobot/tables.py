"""Arrow tables: frames of an episode, rows of the episode table, tasks; and arrays out of them again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from motion.demonstration import Demonstration
from motion.errors import FileFormatError, require
from motion.lerobot.features import STRING, VIDEO, Feature, stored_track, tracks_of
from motion.lerobot.layout import COUNTERS, DONE, OUTCOMES, SUCCESS
from motion.lerobot.stats import NAMES
from motion.store import write_atomically

TASK_INDEX_COLUMN = "__index_level_0__"
"""Name that pandas gives an index without a name; LeRobot keeps the tasks' texts there."""
_PLACES = ("chunk_index", "file_index")


def frames_schema(features: Sequence[Feature]) -> pa.Schema:
    """Columns of a data file."""
    fields = [pa.field(feature.key, _column_type(feature)) for feature in features if feature.stored != VIDEO]
    fields += [pa.field(name, pa.type_for_alias(dtype)) for name, dtype in {**OUTCOMES, **COUNTERS}.items()]
    return pa.schema(fields)


def _column_type(feature: Feature) -> pa.DataType:
    if feature.stored == STRING:
        return pa.string()
    kind = pa.from_numpy_dtype(np.dtype(feature.stored))
    return kind if feature.width == 1 else pa.list_(kind, feature.width)


def frame_columns(demonstration: Demonstration, features: Sequence[Feature], episode: int, first: int, task: int) -> dict[str, np.ndarray]:
    """Every column of an episode's frames, (T,) or (T, W).

    Args:
        demonstration: the episode.
        features: of the data set.
        episode: its index.
        first: index of its first frame in the data set.
        task: index of its task.
    """
    tracks = tracks_of(demonstration)
    steps = len(demonstration.actions)
    columns = {f.key: stored_track(f, tracks[f.group, f.name]) for f in features if f.stored != VIDEO}
    frame, last = np.arange(steps), np.arange(steps) == steps - 1
    columns |= {DONE: last, SUCCESS: last & bool(demonstration.success)}
    counted = {"timestamp": frame * demonstration.period_s, "frame_index": frame, "index": first + frame}
    counted |= {"episode_index": np.full(steps, episode), "task_index": np.full(steps, task)}
    return columns | {name: counted[name].astype(dtype) for name, dtype in COUNTERS.items()}


def frames_table(columns: Mapping[str, np.ndarray], schema: pa.Schema) -> pa.Table:
    """The columns as Arrow wants them."""
    return pa.Table.from_arrays([_arrow(columns[field.name], field.type) for field in schema], schema=schema)


def _arrow(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1), kind.value_type), type=kind)
    return pa.array(values.reshape(-1), kind)


def episodes_schema(features: Sequence[Feature]) -> pa.Schema:
    """Columns of the episode table: LeRobot's, then ours, then the statistics. The same for every file of a data set."""
    whole, words = pa.int64(), pa.string()
    fields = {"episode_index": whole, "tasks": pa.list_(words), "length": whole}
    fields |= {f"data/{part}": whole for part in _PLACES} | {"dataset_from_index": whole, "dataset_to_index": whole}
    for feature in features:
        if feature.stored == VIDEO:
            fields |= {f"videos/{feature.key}/{part}": whole for part in _PLACES}
            fields |= {f"videos/{feature.key}/{part}": pa.float64() for part in ("from_timestamp", "to_timestamp")}
    fields |= dict.fromkeys(("name", "chore", "variant", "plant", "actor"), words) | {"seed": whole}
    fields |= {"success": pa.bool_(), "progress": pa.float64(), "violations": pa.list_(words)}
    fields |= dict.fromkeys(("safety", "scene", "facts", "provenance"), words)
    for key, depth in stats_depths(features).items():
        fields |= {f"stats/{key}/{name}": pa.list_(whole) if name == "count" else _nested(depth) for name in NAMES}
    return pa.schema([*fields.items(), *((f"meta/episodes/{part}", whole) for part in _PLACES)])


def stats_depths(features: Sequence[Feature]) -> dict[str, int]:
    """Columns with statistics, and how deep their lists are nested: three deep for pictures, one for the rest."""
    depths = {f.key: 3 if f.stored == VIDEO else 1 for f in features if f.stored != STRING}
    return depths | dict.fromkeys((*OUTCOMES, *COUNTERS), 1)


def _nested(depth: int) -> pa.DataType:
    return pa.float64() if depth == 0 else pa.list_(_nested(depth - 1))


def rows_table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows of the episode table."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)


def tasks_table(tasks: Sequence[str]) -> pa.Table:
    """The tasks by index, with the note by which pandas, and so LeRobot, finds the texts as the table's index."""
    columns = [_pandas_column("task_index", "task_index", "int64"), _pandas_column(None, TASK_INDEX_COLUMN, "unicode", "object")]
    note = {"index_columns": [TASK_INDEX_COLUMN], "column_indexes": [], "columns": columns, "pandas_version": "2.3.0"}
    schema = pa.schema([("task_index", pa.int64()), (TASK_INDEX_COLUMN, pa.string())], metadata={"pandas": json.dumps(note)})
    return pa.table([pa.array(range(len(tasks)), pa.int64()), pa.array(tasks, pa.string())], schema=schema)


def _pandas_column(name: str | None, field: str, kind: str, numpy_kind: str = "int64") -> dict[str, Any]:
    return {"name": name, "field_name": field, "pandas_type": kind, "numpy_type": numpy_kind, "metadata": None}


def read_tasks(path: Path) -> tuple[str, ...]:
    """Texts of the tasks, by index.

    Raises:
        FileFormatError: no such table.
    """
    table = read_table(path)
    texts = [
        name for name in table.column_names if pa.types.is_string(table.schema.field(name).type) or name in ("task", TASK_INDEX_COLUMN)
    ]
    good = "task_index" in table.column_names and bool(texts)
    require(good, FileFormatError, f"{path}: no table of tasks; it has the columns {', '.join(table.column_names)}.")
    order = dict(zip(table["task_index"].to_pylist(), table[texts[0]].to_pylist(), strict=True))
    require(set(order) == set(range(len(order))), FileFormatError, f"{path}: the task indices are {sorted(order)}; 0, 1, 2 .. were wanted.")
    return tuple(str(order[index]) for index in range(len(order)))


def write_parquet(path: Path, write: Callable[[pq.ParquetWriter], object], schema: pa.Schema) -> None:
    """Let `write` fill a Parquet file, whole or not at all."""
    words = [field.name for field in schema if not pa.types.is_floating(_innermost(field.type))]

    def fill(stream: Any) -> None:
        with pq.ParquetWriter(stream, schema, compression="snappy", use_dictionary=words) as writer:
            write(writer)

    write_atomically(path, fill)


def _innermost(kind: pa.DataType) -> pa.DataType:
    while pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
    return kind


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A Parquet table.

    Raises:
        FileFormatError: no such file, broken, or without the columns.
    """
    with open_parquet(path) as file:
        there = set(file.schema_arrow.names)
        missing = [name for name in columns or () if name not in there]
        require(not missing, FileFormatError, f"{path}: has no columns {', '.join(missing)}.")
        try:
            return file.read(columns=columns)
        except (OSError, pa.ArrowException) as error:
            raise FileFormatError(f"{path}: cannot be read ({type(error).__name__}: {error}).") from error


def open_parquet(path: Path) -> pq.ParquetFile:
    """An opened Parquet file.

    Raises:
        FileFormatError: no such file, or no Parquet.
    """
    require(path.is_file(), FileFormatError, f"{path}: no such file.")
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise FileFormatError(f"{path}: no Parquet file, or one cut off ({type(error).__name__}: {error}).") from error


def numbers(column: pa.ChunkedArray | pa.Array, width: int, where: str) -> np.ndarray:
    """(T, width) numbers of a column, however deep its lists are nested; (T,) words where it holds words.

    Floats that are empty are NaN: LeRobot's own tools turn one into the other.

    Raises:
        FileFormatError: rows of other widths, or empty places.
    """
    rows = len(column)
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    array = array.storage if isinstance(array, pa.ExtensionArray) else array
    holed = False
    while _is_list(array.type):
        holed, array = holed or bool(array.null_count), array.flatten()
    holed = holed or bool(array.null_count and not pa.types.is_floating(array.type))
    require(not holed, FileFormatError, f"{where}: has empty places.")
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return np.array(array.to_pylist(), dtype=np.str_)
    good = len(array) == rows * width
    require(good, FileFormatError, f"{where}: {rows} rows hold {len(array)} numbers; {width} in each were wanted.")
    return array.to_numpy(zero_copy_only=False).reshape(rows, width)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind))
