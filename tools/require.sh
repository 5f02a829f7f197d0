#!/usr/bin/env bash
# Makes sure that what a verb of the Makefile needs is on this machine.
#
#   tools/require.sh build    what `make build`, `run`, `demo` and `check` need
#   tools/require.sh bench    the servers that `make bench` measures beside, too
#   tools/require.sh test     the foreign clients and services that `make test` runs against, too
#
# As root on Debian it installs what is missing; anywhere else it says exactly what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

build_commands=(cc:gcc c++:g++ cmake:cmake make:make pkg-config:pkg-config)
orthanc_commands=(Orthanc:orthanc /usr/share/orthanc/plugins/libOrthancDicomWeb.so:orthanc-dicomweb)
test_commands=(
  storescu:dcmtk findscu:dcmtk "${orthanc_commands[@]}" chromium:chromium
  /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf:fonts-noto-core
  pg_config-server:postgresql python3:python3 tar:tar curl:curl openssl:openssl unzip:unzip
)
bench_commands=(nginx:nginx curl:curl "${orthanc_commands[@]}")

is_there() {
  case "$1" in
    pg_config-server) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null ;;
    /*) [[ -e $1 ]] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

packages=()
want() {
  local pair
  for pair in "$@"; do
    is_there "${pair%:*}" || packages+=("${pair##*:}")
  done
}

set_of_tools=${1:-build}
want "${build_commands[@]}"
if [[ $set_of_tools == test ]]; then want "${test_commands[@]}"; fi
if [[ $set_of_tools == bench ]]; then want "${bench_commands[@]}"; fi

if ((${#packages[@]})); then
  mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "installing: ${packages[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  else
    echo "These are missing. On Debian: sudo apt-get install ${packages[*]}" >&2
    exit 1
  fi
fi

if ! command -v cargo >/dev/null; then
  echo "Rust is missing: install it with rustup (https://rustup.rs); rust-toolchain.toml names the version." >&2
  exit 1
fi
if ! command -v npm >/dev/null; then
  echo "Node.js 20 or later with npm is missing: the pages are built with it." >&2
  exit 1
fi
if [[ $set_of_tools == test ]] && ! cargo nextest --version >/dev/null 2>&1; then
  echo "installing cargo-nextest (some minutes, once)"
  cargo install --locked --quiet cargo-nextest
fi
if [[ $set_of_tools == test ]]; then
  # The Python clients live beside the build, so that nothing of the machine's own Python changes.
  venv=target/python
  if [[ ! -x $venv/bin/python ]] || ! cmp -s tests/python/requirements.txt "$venv/requirements.txt"; then
    python3 -m venv "$venv" || { echo "python3-venv is missing: sudo apt-get install python3-venv" >&2; exit 1; }
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/python/requirements.txt
    cp tests/python/requirements.txt "$venv/requirements.txt"
  fi
fi
