#!/usr/bin/env bash
# Debian's packages that pip cannot bring: libraries for rendering without a screen, and venv for Debian's own Python.
# Root on Debian: installs what is missing. Else: says what is missing.
# With the word `browser`: only Chromium, in which the tests look at the viewer's page; without it they are skipped.
set -eu
PATH="$PATH:/usr/sbin:/sbin" # ldconfig lies there, which an ordinary user's PATH lacks
if [ "$(uname -s)" != Linux ]; then exit 0; fi
is_debian_root() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if [ "${1:-}" = browser ]; then
  if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then exit 0; fi
  if is_debian_root && install chromium; then exit 0; fi
  echo "There is no Chromium: tests of the viewer's page are skipped. On Debian, as root: apt-get install chromium" >&2
  exit 0
fi

# Debian packs venv's installer of pip apart from Python. Where it stays missing, the Makefile says so.
python="$(command -v "${PYTHON:-python3.11}" || true)"
if [ -n "$python" ] && ! "$python" -c "import ensurepip" 2>/dev/null; then
  python="$(readlink -f "$python")"
  if is_debian_root && dpkg -S "$python" >/dev/null 2>&1; then install "$(basename "$python")-venv"; fi
fi

# Rendering without a screen wants OSMesa or EGL; looking at film wants the others (MediaPipe and OpenCV are linked to them).
libraries="libosmesa6 libegl1 libegl-mesa0 libgl1-mesa-dri libopengl0 libgles2 libgl1 libglib2.0-0"
has() { ldconfig -p 2>/dev/null | grep -q "$1"; }
if has libEGL.so.1 && has libGLESv2.so.2 && has libGL.so.1 && has libglib-2.0.so.0; then exit 0; fi
if is_debian_root; then
  install $libraries
else
  echo "Libraries for rendering and for film are missing. On Debian or Ubuntu, as root:" >&2
  echo "  apt-get install $libraries" >&2
  exit 1
fi
