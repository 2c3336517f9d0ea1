"""What the doors share: Hydra in one place, settings as dataclasses, and one clear line for an error."""

from __future__ import annotations

import dataclasses
import functools
import glob
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import hydra
from omegaconf import DictConfig, OmegaConf

from motion.errors import FileFormatError, UnderstudyError, UnknownNameError

CONF = Path(__file__).resolve().parent / "conf"
Settings = TypeVar("Settings")


def door(
    config_name: str, settings: Mapping[str, Any] | None = None, command: str = ""
) -> Callable[[Callable[[dict[str, Any]], int]], Callable[[], None]]:
    """Turn `main(settings) -> exit status` into a command that takes Hydra's `key=value` words.

    The function gets plain Python values, never a DictConfig. An `UnderstudyError` becomes one line and exit status 2.

    Args:
        config_name: file of `conf/`.
        settings: key -> dataclass (or an instance of it) that holds its defaults; `--help` lists them.
        command: word that has to come first, for rooms that can do more than one thing.
    """

    def decorate(main: Callable[[dict[str, Any]], int]) -> Callable[[], None]:
        status = 0

        @functools.wraps(main)
        def with_config(config: DictConfig) -> None:
            nonlocal status
            logging.basicConfig(level=logging.WARNING, format="%(message)s")
            try:
                status = main(OmegaConf.to_container(config, resolve=True, throw_on_missing=False))  # type: ignore[arg-type]
            except UnderstudyError as error:
                print(f"error: {error}", file=sys.stderr)
                status = 2

        def run() -> None:
            if command:
                _take_command(command)
            sys.argv[1:] = [_as_hydra_wants(word) for word in sys.argv[1:]]
            try:
                hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(with_config)()
            finally:  # Hydra leaves the program once it has printed its help
                if {"--help", "-h"} & set(sys.argv[1:]):
                    print(_defaults(settings or {}))
            sys.exit(status)

        return run

    return decorate


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


def _as_hydra_wants(word: str) -> str:
    """Say two things as Hydra wants them said: a robot's folder, and a setting whose default lives in its class."""
    key, equals, value = word.partition("=")
    if not equals:
        return word
    if key == "robot" and ("/" in value or value.startswith(".")):
        return f"robot.name={value}"
    if "." in key and key[0].isalpha() and not key.startswith("hydra."):
        return f"++{word}"
    return word


def _defaults(settings: Mapping[str, Any]) -> str:
    """Keys and defaults of settings dataclasses, one line each; what has no default of its own is left out."""
    lines = []
    for key, kind in settings.items():
        fields = (f"{key}.{field.name}={getattr(kind, field.name)}" for field in dataclasses.fields(kind) if hasattr(kind, field.name))
        lines.append(f"{key}: {(kind.__doc__ or '').splitlines()[0]}\n  " + "\n  ".join(fields))
    return "Defaults:\n" + "\n".join(lines) if lines else ""


def needed(settings: Mapping[str, Any], key: str, example: str) -> Any:
    """A setting without which the command has nothing to do.

    Raises:
        UnderstudyError: it was not given.
    """
    value = settings.get(key)
    if value in (None, "???"):
        raise UnderstudyError(f"{key}= is missing, e.g. {key}={example}. All settings: --help.")
    return value


def files_of(pattern: str, suffix: str = ".npz") -> list[Path]:
    """Files meant by a path, a folder (its own files, not those of folders in it) or a glob, sorted.

    Raises:
        FileFormatError: nothing there.
    """
    path = Path(pattern)
    found = path.glob(f"*{suffix}") if path.is_dir() else map(Path, glob.glob(pattern, recursive=True))
    files = sorted(file for file in found if file.is_file())
    if not files:
        raise FileFormatError(f"{pattern}: no {suffix} file there. Give a file, a folder, or a quoted glob.")
    return files


def build(kind: type[Settings], values: Mapping[str, Any] | None, where: str) -> Settings:
    """A settings dataclass from plain values; what is not given keeps the class's default.

    Raises:
        UnknownNameError: a key that the class does not have.
    """
    known = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in values or {}:
        if key not in known:
            raise UnknownNameError("setting", key, known, where)
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in (values or {}).items()}
    return kind(**given)
