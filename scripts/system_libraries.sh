#!/usr/bin/env bash
# Libraries for rendering without a screen. Root on Debian: installs what is missing. Else: says what is missing.
set -eu
packages="libosmesa6 libegl1 libegl-mesa0 libgl1-mesa-dri libopengl0"
has() { ldconfig -p 2>/dev/null | grep -q "$1"; }
if has libOSMesa || has libEGL; then exit 0; fi
if [ "$(uname -s)" != Linux ]; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
  echo "Rendering without a screen needs a library that is missing. On Debian or Ubuntu, as root:" >&2
  echo "  apt-get install $packages" >&2
  exit 1
fi
