"""Installation: the script for Debian's packages and the Makefile, with stand-ins for the programs that they call."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "system_libraries.sh"
LIBRARIES = ("libEGL.so.1", "libGLESv2.so.2", "libGL.so.1", "libglib-2.0.so.0")
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "PYTHON", "TORCH_INDEX")
pytestmark = pytest.mark.skipif(sys.platform != "linux" or shutil.which("make") is None, reason="needs Linux and make")


def program(folder: Path, name: str, body: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def run(words: list[str], cwd: Path, path: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name not in OF_MAKE} | {"PATH": path}
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def debian(tmp_path: Path, user: int = 0, libraries: str = " ".join(LIBRARIES), ensurepip: bool = True, owned: bool = True) -> Path:
    """A folder of stand-ins for a Debian; `apt-get` writes down what it is asked for."""
    programs = tmp_path / "bin"
    program(programs, "id", f"echo {user}")
    program(programs, "ldconfig", f"echo '{libraries}'")
    program(programs, "apt-get", f'echo "$@" >> {tmp_path}/apt')
    program(programs, "python3.11", "exit 0" if ensurepip else "exit 1")
    program(programs, "dpkg", "exit 0" if owned else "exit 1")
    return programs


def installed(tmp_path: Path) -> str:
    return (tmp_path / "apt").read_text() if (tmp_path / "apt").exists() else ""


def script(tmp_path: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    return run(["bash", str(SCRIPT)], tmp_path, f"{programs}:/usr/bin:/bin")


def test_nothing_is_installed_where_nothing_is_missing(tmp_path: Path) -> None:
    assert script(tmp_path, debian(tmp_path)).returncode == 0
    assert installed(tmp_path) == ""


def test_root_gets_the_libraries_for_rendering(tmp_path: Path) -> None:
    assert script(tmp_path, debian(tmp_path, libraries="libc.so.6")).returncode == 0
    assert "install -y -qq --no-install-recommends libosmesa6 libegl1" in installed(tmp_path)
    assert "venv" not in installed(tmp_path)


@pytest.mark.parametrize("missing", LIBRARIES)
def test_each_library_is_looked_for(tmp_path: Path, missing: str) -> None:
    programs = debian(tmp_path, libraries=" ".join(name for name in LIBRARIES if name != missing))
    assert script(tmp_path, programs).returncode == 0
    assert "libgles2 libgl1 libglib2.0-0" in installed(tmp_path)


def test_a_user_is_told_which_libraries_are_missing(tmp_path: Path) -> None:
    done = script(tmp_path, debian(tmp_path, user=1000, libraries="libc.so.6"))
    assert done.returncode == 1
    assert "apt-get install libosmesa6" in done.stderr
    assert installed(tmp_path) == ""


def test_ldconfig_is_found_where_an_ordinary_path_lacks_it(tmp_path: Path) -> None:
    programs = debian(tmp_path, user=1000)
    (programs / "ldconfig").unlink()
    for name in ("bash", "uname", "grep", "readlink", "basename"):
        (programs / name).symlink_to(str(shutil.which(name)))
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    there = all(name in known for name in LIBRARIES)
    assert run([str(programs / "bash"), str(SCRIPT)], tmp_path, str(programs)).returncode == (0 if there else 1)


@pytest.mark.parametrize(("user", "owned", "wanted"), [(0, True, True), (0, False, False), (1000, True, False)])
def test_venv_is_installed_for_debians_own_python(tmp_path: Path, user: int, owned: bool, wanted: bool) -> None:
    assert script(tmp_path, debian(tmp_path, user, ensurepip=False, owned=owned)).returncode == 0
    assert ("python3.11-venv" in installed(tmp_path)) is wanted


@pytest.mark.parametrize(("user", "there", "wanted"), [(0, False, "install -y -qq"), (0, True, ""), (1000, False, "")])
def test_a_browser_is_installed_for_tests_alone(tmp_path: Path, user: int, there: bool, wanted: str) -> None:
    programs = debian(tmp_path, user)
    for name in ("bash", "uname"):
        (programs / name).symlink_to(str(shutil.which(name)))
    if there:
        program(programs, "chromium", "exit 0")
    done = run([str(programs / "bash"), str(SCRIPT), "browser"], tmp_path, str(programs))
    assert done.returncode == 0
    assert ("chromium" in installed(tmp_path)) is bool(wanted)
    assert wanted in installed(tmp_path)
    assert ("are skipped" in done.stderr) is (user != 0 and not there)


def test_a_browser_that_cannot_be_had_stops_nobody(tmp_path: Path) -> None:
    programs = debian(tmp_path)
    program(programs, "apt-get", "exit 100")
    for name in ("bash", "uname"):
        (programs / name).symlink_to(str(shutil.which(name)))
    done = run([str(programs / "bash"), str(SCRIPT), "browser"], tmp_path, str(programs))
    assert done.returncode == 0
    assert "are skipped" in done.stderr


def project(tmp_path: Path, python: str) -> str:
    """A folder with the Makefile and a Python that does `python` when asked for a virtual environment."""
    shutil.copy(ROOT / "Makefile", tmp_path / "Makefile")
    program(tmp_path / "scripts", "system_libraries.sh", "exit 0")
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    return f"PYTHON={program(tmp_path, 'python', python)}"


HALF = "mkdir -p .venv/bin; cp /bin/true .venv/bin/python"


def make(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(["make", *words, ".venv/.installed"], tmp_path, os.environ["PATH"])


def test_a_failed_venv_leaves_nothing_behind(tmp_path: Path) -> None:
    done = make(tmp_path, project(tmp_path, f"{HALF}; exit 1"))
    assert done.returncode != 0
    assert "apt-get install python3.11-venv" in done.stdout
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("index", ["", "https://download.pytorch.org/whl/cpu"])
def test_only_torch_comes_from_the_index_that_is_named(tmp_path: Path, index: str) -> None:
    done = make(tmp_path, project(tmp_path, HALF), *([f"TORCH_INDEX={index}"] if index else []))
    assert done.returncode == 0, done.stderr
    torch, rest = (line.split() for line in done.stdout.splitlines() if "pip install" in line)
    assert torch[-1] == "torch"
    assert torch[-4:-1] == ["--no-deps", "--index-url", index] if index else "--index-url" not in torch
    assert "--index-url" not in rest
    assert (tmp_path / ".venv" / ".installed").exists()


def test_every_package_is_installed() -> None:
    """What is not listed is missing from every installation but the editable one."""
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    rooms = {name.split(".")[0] for name in listed}
    folders = {path.parent.relative_to(ROOT) for room in rooms for path in (ROOT / room).rglob("*.py")}
    assert {".".join(folder.parts) for folder in folders} <= listed
