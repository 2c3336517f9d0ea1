"""What the doors share: Hydra in one place, settings as dataclasses, and one clear line for an error."""

from __future__ import annotations

import dataclasses
import functools
import glob
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from motion.errors import FileFormatError, UnderstudyError, UnknownNameError
from motion.store import write_text

CONF = Path(__file__).resolve().parent / "conf"
_OF_FILMS = ("camera", "poses", "calibration", "models_dir")
_OF_LOGS = ("log", "reading", "plant.name")
TEXT = ("input", "output", "motions", "checkpoint", "demonstrations", "recordings", "goals", "cards", "robot.name", *_OF_FILMS, *_OF_LOGS)
"""Settings that are text whatever they look like: paths, with commas, brackets and spaces in them."""
_MAY_BE_LISTS = ("demonstrations", "checkpoint")
JOB = "job.json"
"""What each job of a sweep leaves in its folder: the values that it was given, and how it ended."""
_SWEEP = {"--multirun", "-m"}
Settings = TypeVar("Settings")


def door(
    config_name: str,
    settings: Mapping[str, Any] | None = None,
    command: str = "",
    also: tuple[str, ...] = (),
    after_sweep: Callable[[Path], int] | None = None,
    chosen: Mapping[str, Callable[[Mapping[str, Any]], type]] | None = None,
    refused: Sequence[str] = (),
) -> Callable[[Callable[[dict[str, Any]], int]], Callable[[], None]]:
    """Turn `main(settings) -> exit status` into a command that takes Hydra's `key=value` words.

    The function gets plain Python values, never a DictConfig. An `UnderstudyError` or an `OSError` becomes one line and
    exit status 2, Ctrl-C exit status 130.

    Args:
        config_name: file of `conf/`.
        settings: key -> dataclass (or an instance of it) that holds its defaults; `--help` lists them.
        command: word that has to come first, for rooms that can do more than one thing.
        also: further keys whose parts are not all in `conf/`; whoever reads them refuses what does not exist.
        after_sweep: called with the folder of a sweep (`-m`) when all of its jobs are done; gives the exit status. Where it is given,
            each job writes into a folder of its own in `output=`, named by what was swept, and says there how it ended.
        chosen: key -> which dataclass holds its defaults, by the settings as the words choose them; for `--help`.
        refused: settings of these dataclasses that `main` refuses; `--help` leaves them out.
    """

    def decorate(main: Callable[[dict[str, Any]], int]) -> Callable[[], None]:
        status = 0
        swept: list[str] = []

        @functools.wraps(main)
        def with_config(config: DictConfig) -> None:
            nonlocal status
            logging.basicConfig(level=logging.WARNING, format="%(message)s")
            values: dict[str, Any] = OmegaConf.to_container(config, resolve=True, throw_on_missing=False)  # type: ignore[assignment]
            if HydraConfig.get().mode == RunMode.MULTIRUN and after_sweep:
                _do_job(main, values, swept)
            else:
                status = status_of(lambda: main(values))

        def run() -> None:
            nonlocal status
            if command:
                _take_command(command)
            sys.argv[1:] = _as_hydra_wants(sys.argv[1:], settings or {}, also)
            sweep = bool(_SWEEP & set(sys.argv[1:])) and after_sweep is not None
            if sweep:
                swept.extend(_swept(sys.argv[1:]))
            try:
                hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(with_config)()
            finally:  # Hydra leaves the program once it has printed its help
                if {"--help", "-h"} & set(sys.argv[1:]):
                    own = _as_chosen(config_name, sys.argv[1:], chosen) if chosen else {}
                    print(_defaults({**(settings or {}), **own}, refused))
            if sweep and after_sweep:
                status = status_of(lambda: after_sweep(path_of(_said(sys.argv[1:])["output"].value())))
            sys.exit(status)

        return run

    return decorate


def status_of(main: Callable[[], int], told: list[str] | None = None) -> int:
    """Exit status of a command; what went wrong is one line, which is also added to `told` where that is given."""
    try:
        return main()
    except UnderstudyError as error:
        line = str(error)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        line = f"{where}{error.strerror or error}."
    except KeyboardInterrupt:
        print("stopped.", file=sys.stderr)
        return 130
    print(f"error: {line}", file=sys.stderr)
    if told is not None:
        told.append(line)
    return 2


def _said(words: Sequence[str]) -> dict[str, Override]:
    """What was said of each key, in Hydra's grammar; other words are left out."""
    parser = OverridesParser.create()
    said = [parser.parse_override(word) for word in words if "=" in word and not word.startswith("-")]
    return {override.key_or_group: override for override in said}


def _swept(words: Sequence[str]) -> list[str]:
    """Keys with several values."""
    said = _said(words)
    if "output" not in said or said["output"].is_sweep_override():
        print("error: a sweep needs one output=, the folder that its runs lie in, e.g. output=runs/sweep.", file=sys.stderr)
        sys.exit(2)
    return [key for key, override in said.items() if override.is_sweep_override()]


def _do_job(main: Callable[[dict[str, Any]], int], values: dict[str, Any], swept: Sequence[str]) -> None:
    """One job of a sweep, in its own folder; how it ended lies beside what it wrote. Who is asked to stop ends the sweep, too."""
    hydra_config = HydraConfig.get()
    chosen = _said(hydra_config.overrides.task)
    keys = [*swept, *(key for key in hydra_config.sweeper.get("params") or {} if key not in swept)]
    told: dict[str, Any] = {key: chosen[key].value() for key in keys if key in chosen}
    folder = path_of(values["output"]) / ",".join(f"{key}={_as_name(value)}" for key, value in told.items())
    print(f"== {folder}", flush=True)
    errors: list[str] = []
    status = status_of(lambda: main({**values, "output": str(folder)}), errors)
    write_text(folder / JOB, json.dumps({"swept": told, "status": status, "error": " ".join(errors)}, indent=1, default=str))
    if status >= 128:
        sys.exit(status)


def _as_name(value: Any) -> str:
    """A value as part of a folder's name."""
    return re.sub(r"[^\w.+-]+", "_", str(value)).strip("_")


def _take_command(command: str) -> None:
    """Take the command's word off the line; without it, say what can be done and leave."""
    words = sys.argv[1:]
    if command in words:
        sys.argv.remove(command)
    elif not {"--help", "-h"} & set(words):
        print(
            f"error: the command is missing or unknown; say `{command}`, then key=value. All settings: {command} --help.", file=sys.stderr
        )
        sys.exit(2)


def _as_hydra_wants(words: Sequence[str], settings: Mapping[str, Any], also: Sequence[str] = ()) -> list[str]:
    """Say as Hydra wants it said: a robot's folder, a plant's file, text as text, and a setting that is not in `conf/`.

    Only keys of `settings` and `also` may be new; all others stay as they are, so that Hydra reports a wrong one.
    In a sweep (`--multirun`) a comma parts values, so text is left alone.
    """
    sweep = bool(_SWEEP & set(words))
    said = []
    for word in words:
        key, equals, value = word.partition("=")
        if key == "robot" and ("/" in value or value.startswith((".", "~"))):
            key, value = "robot.name", os.path.expanduser(value)
        if key == "plant" and value.endswith((".yaml", ".yml")):
            key = "plant.name"
        if equals and not sweep and (key in TEXT or _is_text(key, settings)):
            value = _quoted(value, may_be_list=key in _MAY_BE_LISTS)
        first, dot, _ = key.partition(".")
        new = "++" if equals and dot and first in (*settings, *also) else ""
        said.append(f"{new}{key}{equals}{value}")
    return said


def _is_text(key: str, settings: Mapping[str, Any]) -> bool:
    """Whether the key is a setting that a dataclass declares to be text."""
    first, _, name = key.partition(".")
    if first not in settings:
        return False
    kind = settings[first] if isinstance(settings[first], type) else type(settings[first])
    return _fits("", get_type_hints(kind).get(name, int))


def _quoted(value: str, may_be_list: bool = False) -> str:
    """Text in quotes, for Hydra's grammar; what is quoted, null, an interpolation or a list stays as it is."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    listed = may_be_list and value.startswith("[") and value.endswith("]")
    if quoted or listed or value in ("", "null", "???") or value.startswith("${"):
        return value
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), value)
    return f"'{escaped}'"


def _as_chosen(config_name: str, words: Sequence[str], chosen: Mapping[str, Callable[[Mapping[str, Any]], type]]) -> dict[str, type]:
    """Key -> dataclass, by the settings as the words choose them; nothing where they cannot be put together, as Hydra has said by then."""
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            composed = OmegaConf.to_container(compose(config_name, [word for word in words if "=" in word and not word.startswith("-")]))
        assert isinstance(composed, dict)
        return {key: kind_of({str(name): value for name, value in composed.items()}) for key, kind_of in chosen.items()}
    except (HydraException, UnderstudyError):
        return {}


def _defaults(settings: Mapping[str, Any], refused: Sequence[str] = ()) -> str:
    """Keys and defaults of settings dataclasses, one line each, as they are typed; what has no default of its own is left out."""
    lines = []
    for key, kind in settings.items():
        names = [field.name for field in dataclasses.fields(kind) if hasattr(kind, field.name) and f"{key}.{field.name}" not in refused]
        fields = (f"{key}.{name}={_shown(getattr(kind, name))}" for name in names)
        lines.append(f"{key}: {(kind.__doc__ or '').splitlines()[0]}\n  " + "\n  ".join(fields))
    return "Defaults:\n" + "\n".join(lines) if lines else ""


def needed(settings: Mapping[str, Any], key: str, example: str) -> Any:
    """A setting without which the command has nothing to do.

    Raises:
        UnderstudyError: it was not given.
    """
    value = settings.get(key)
    if value in (None, "", "???"):
        raise UnderstudyError(f"{key}= is missing, e.g. {key}={example}. All settings: --help.")
    return value


def path_of(value: object) -> Path:
    """A path as it was typed: 2024 is a name, too, and `~` the home folder."""
    return Path(os.path.expanduser(str(value)))


def plant_of(told: Any) -> Any:
    """A plant as `envs.plants.find_plant` takes it: the name of one, a file of one, or its settings."""
    named = told["name"] if isinstance(told, Mapping) and set(told) == {"name"} else told
    return os.path.expanduser(named) if isinstance(named, str) else named


def output_of(settings: Mapping[str, Any], example: str, is_file: bool = False) -> Path:
    """Where the command writes to, `output=`: a folder, or a file.

    Raises:
        UnderstudyError: it was not given, or cannot be written there.
    """
    path = path_of(needed(settings, "output", example))
    if is_file and path.is_dir():
        raise UnderstudyError(f"output={path}: that is a folder; a file is needed.")
    folder = path.parent if is_file else path
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise UnderstudyError(f"output={path}: {nearest} is a file; a folder is needed there.")
    if not os.access(nearest, os.W_OK):
        raise UnderstudyError(f"output={path}: {nearest} may not be written to.")
    return path


def files_of(pattern: object, suffix: str = ".npz") -> list[Path]:
    """Files meant by a path, a folder (its own files, not those of folders in it) or a glob, sorted.

    Raises:
        FileFormatError: nothing there.
    """
    path = path_of(pattern)
    if path.is_dir():
        found = list(path.glob(f"*{suffix}"))
    else:
        found = [path] if path.is_file() else [Path(name) for name in glob.glob(str(path), recursive=True)]
    files = sorted(file for file in found if file.is_file())
    if not files:
        raise FileFormatError(f"{pattern}: no {suffix} file there. Give a file, a folder, or a quoted glob.")
    return files


def listed(value: Any) -> list[Any]:
    """A list, of one thing where only one was given."""
    return list(value) if isinstance(value, list | tuple) else [value]


def plain(settings: Mapping[str, Any], key: str, kind: Any, least: float | None = None, where: str = "") -> Any:
    """A setting of `conf/`, of the kind that it has to be.

    Raises:
        UnderstudyError: of another kind, or below `least`.
    """
    value = settings[key]
    if _fits(value, kind) and (least is None or value is None or value >= least):
        return value
    at_least = "" if least is None else f", at least {least:g}"
    raise UnderstudyError(f"{where + '.' if where else ''}{key}={_shown(value)}: {_wanted(kind)} is wanted{at_least}.")


def build(kind: type[Settings], values: Mapping[str, Any] | None, where: str) -> Settings:
    """A settings dataclass from plain values; what is not given keeps the class's default.

    Raises:
        UnknownNameError: a key that the class does not have.
        UnderstudyError: a value of another kind than the class declares.
    """
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in (values or {}).items()}
    check(kind, given, where)
    return kind(**given)


def check(kind: type, values: Mapping[str, Any], where: str) -> None:
    """Refuse keys that a settings dataclass does not have, and values of another kind than it declares.

    Raises:
        UnknownNameError: such a key.
        UnderstudyError: such a value.
    """
    known = [field.name for field in dataclasses.fields(kind)]
    hints = get_type_hints(kind)
    for key in values:
        if key not in known:
            raise UnknownNameError("setting", key, known, where)
        plain(values, key, hints[key], where=where)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a plain value is of an annotated kind; kinds that are not plain are left to the class itself."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is Mapping:
        return isinstance(value, Mapping)
    if origin is Sequence:
        return isinstance(value, list | tuple) and all(_fits(part, parts[0]) for part in value)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False
        kinds = parts[:1] * len(value) if parts[1:] == (...,) else parts
        return len(kinds) == len(value) and all(map(_fits, value, kinds))
    if hint in (int, float):
        return isinstance(value, int | hint) and not isinstance(value, bool)
    return isinstance(value, hint) if hint in (bool, str, NoneType) else True


def _wanted(hint: Any) -> str:
    """An annotated kind, in words."""
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text", NoneType: "null"}
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(_wanted, parts))
    if origin is Literal:
        return " or ".join(map(str, parts))
    if origin is Mapping:
        return "{name: value, ...}"
    if origin is Sequence:
        return f"a list of {_wanted(parts[0])}"
    if origin is tuple:
        return f"a list [{', '.join('...' if part is ... else _wanted(part) for part in parts)}]"
    return words.get(hint, str(hint))


def _shown(value: Any) -> str:
    """A value as it would be typed."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_shown, value))}]"
    return {True: "true", False: "false", None: "null"}[value] if value is None or isinstance(value, bool) else str(value)
