#!/usr/bin/env bash
# Measures a fresh server of its own on this machine: the disk's own rate first, then what the server
# makes of it. A figure without its baseline of the same run says nothing.
#
#   tools/bench.sh [FOLDER]     FOLDER lies on the disk to measure; a temporary one by default
set -euo pipefail
cd "$(dirname "$0")/.."

sen=$PWD/target/release/sen
folder=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/sen-bench.XXXXXX")
stop() {
  status=$?
  trap - EXIT
  # A server that is gone already, or ends badly, must not keep the folder from being removed.
  [[ -z ${server:-} ]] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  [[ $status == 0 ]] || tail -n 20 "$folder/server.log" >&2 || true
  rm -rf "$folder"
  exit "$status"
}
trap stop EXIT INT TERM

export SEN_DATA_DIR=$folder/data SEN_AUTH=off SEN_UNKNOWN_AE=accept
export SEN_HTTP_LISTEN=127.0.0.1:0 SEN_DIMSE_LISTEN=127.0.0.1:0
mkfifo "$folder/ready"

start() {
  "$sen" serve >"$folder/ready" 2>>"$folder/server.log" &
  server=$!
  read -r ready <"$folder/ready"
  http=$(sed -E 's/.*"http":"([^"]+)".*/\1/' <<<"$ready")
  dimse=$(sed -E 's/.*"dimse":"([^"]+)".*/\1/' <<<"$ready")
}

echo "$(nproc) cores, $(uname -sr), $(df --output=fstype "$folder" | tail -n 1), $("$sen" --version)"
"$sen" bench disk --dir "$folder"
start
"$sen" bench store --to "$dimse" --pid "$server" --images 3000 --associations 1,4,16
"$sen" bench frames --url "http://$http/dicomweb" --pid "$server"
kill "$server" && wait "$server" || true
export SEN_DATA_DIR=$folder/filled
"$sen" bench fill --studies 10000
start
"$sen" bench qido --url "http://$http/dicomweb" --pid "$server"
"$sen" bench find --to "$dimse" --pid "$server"
