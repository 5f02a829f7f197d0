#!/usr/bin/env bash
# Measures fresh servers of its own on this machine, each beside its baseline of the same run: the
# disk's own rate for storing, nginx with the same bytes for the web, Orthanc; the last two where they
# are installed. A figure without its baseline says nothing. Prints the tables of docs/BENCHMARKS.md.
#
#   tools/bench.sh [FOLDER]     FOLDER lies on the disk to measure; a temporary one by default
#
# SEN_BENCH_STUDIES names the sizes of the archives that are queried, such as "10000 100000x50 1000000";
# a million takes ten minutes to fill and 4 GB of the disk.
set -euo pipefail
cd "$(dirname "$0")/.."

sen=$PWD/target/release/sen
folder=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/sen-bench.XXXXXX")
chmod 755 "$folder"
stop() {
  status=$?
  trap - EXIT
  # A server that is gone already, or ends badly, must not keep the folder from being removed.
  for process in ${server:-} ${nginx:-} ${orthanc:-}; do
    { kill "$process" && wait "$process"; } 2>/dev/null || true
  done
  [[ $status == 0 ]] || tail -n 20 "$folder"/*.log >&2 || true
  rm -rf "$folder"
  exit "$status"
}
trap stop EXIT INT TERM

# Its own, not the program's.
sizes=${SEN_BENCH_STUDIES:-10000}
unset SEN_BENCH_STUDIES

# Rows that are filled in have no bytes that could be verified.
export SEN_VERIFY_EVERY_DAYS=0 SEN_AUTH=off SEN_UNKNOWN_AE=accept SEN_HTTP_LISTEN=127.0.0.1:0 SEN_DIMSE_LISTEN=127.0.0.1:0
mkfifo "$folder/ready"

# start FOLDER: serves what lies there
start() {
  export SEN_DATA_DIR=$folder/$1
  "$sen" serve >"$folder/ready" 2>>"$folder/server.log" &
  server=$!
  read -r ready <"$folder/ready"
  http=http://$(sed -E 's/.*"http":"([^"]+)".*/\1/' <<<"$ready")
  dimse=$(sed -E 's/.*"dimse":"([^"]+)".*/\1/' <<<"$ready")
}
end() {
  kill "$server" && wait "$server" || true
  unset server
}

# A port that nobody listens on now.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# await COMMAND…: until it succeeds, half a minute at most
await() {
  for _ in $(seq 150); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done
  echo "waited in vain: $*" >&2
  return 1
}

# nginx as Debian sets it up: it sends files by sendfile and logs each answer, as the archive does.
start_nginx() {
  mkdir -p "$folder/www"
  local port
  port=$(free_port)
  files_url=http://127.0.0.1:$port
  cat >"$folder/nginx.conf" <<END
worker_processes auto;
pid $folder/nginx.pid;
error_log $folder/nginx.log;
daemon off;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  access_log $folder/access.txt;
  default_type application/octet-stream;
  server { listen 127.0.0.1:$port; root $folder/www; }
}
END
  [[ $(id -u) != 0 ]] || sed -i '1i user root;' "$folder/nginx.conf"
  nginx -c "$folder/nginx.conf" -e "$folder/nginx.log" &
  nginx=$!
  await curl -s -o "$folder/curl" "$files_url"
}

# Orthanc with its DICOMweb plugin, without Nagle's delays.
start_orthanc() {
  local port
  port=$(free_port) orthanc_dimse=127.0.0.1:$(free_port)
  mkdir -p "$folder/orthanc"
  cat >"$folder/orthanc.json" <<END
{ "Name": "BENCH", "StorageDirectory": "$folder/orthanc", "IndexDirectory": "$folder/orthanc",
  "HttpPort": $port, "DicomPort": ${orthanc_dimse##*:}, "DicomAet": "SEN", "DicomCheckCalledAet": false,
  "DicomAlwaysAllowStore": true, "RemoteAccessAllowed": false, "AuthenticationEnabled": false,
  "KeepAlive": true, "TcpNoDelay": true, "HttpThreadsCount": 50,
  "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"], "DicomWeb": { "Enable": true } }
END
  TCP_NODELAY=1 Orthanc "$folder/orthanc.json" >"$folder/orthanc.log" 2>&1 &
  orthanc=$!
  other=http://127.0.0.1:$port/dicom-web
  await curl -sf -o "$folder/curl" "$other/studies"
}

# The tables name what was measured, in their headings.
named() {
  sed -E '/^\| work /{s/archive/Sen/g; s/files/nginx/g; s/other/Orthanc/}'
}

echo "$(date +%F), $(nproc) cores, $(uname -sr), $(df --output=fstype "$folder" | tail -n 1), $("$sen" --version)"

echo; echo "## Storing"
"$sen" bench disk --dir "$folder"
start stored
"$sen" bench store --to "$dimse" --pid "$server" --images 3000 --associations 1,4,16
end
rm -rf "$folder/stored"

echo; echo "## Images"
"$sen" bench objects --dir "$folder/objects" >/dev/null
SEN_SETTLE_AFTER_SECONDS=1 start images
"$sen" bench store --to "$dimse" --folder "$folder/objects" >/dev/null
# Packs have heads that the files have not, so all of it has settled when they are larger.
objects_bytes=$(du -sb "$folder/objects" | cut -f 1)
settled() { (($(du -sb "$folder/images/objects" | cut -f 1) > objects_bytes)); }
await settled
end
for _ in 1 2 3 4 5; do
  start images
  "$sen" bench cold --url "$http/dicomweb" --dir "$folder/images"
  end
done
start images
command -v nginx >/dev/null && start_nginx
beside=()
if [[ -n ${nginx:-} ]]; then beside=(--files "$folder/www" --files-url "$files_url"); fi
compared=("${beside[@]}")
if command -v Orthanc >/dev/null; then
  start_orthanc
  "$sen" bench store --to "$orthanc_dimse" --folder "$folder/objects" >/dev/null
  compared+=(--other "$other")
fi
"$sen" bench web images --url "$http/dicomweb" --pid "$server" "${compared[@]}" | named
end
rm -rf "$folder/images" "$folder/objects" "$folder/www"/*
if [[ -n ${orthanc:-} ]]; then kill "$orthanc"; wait "$orthanc" || true; unset orthanc; rm -rf "$folder/orthanc"; fi

echo; echo "## Queries"
for size in $sizes; do
  studies=${size%x*} instances=5
  if [[ $size == *x* ]]; then instances=${size#*x}; fi
  echo; echo "### $studies studies of $instances instances"; echo
  SEN_DATA_DIR=$folder/filled "$sen" bench fill --studies "$studies" --instances "$instances"
  began_ms=$(date +%s%3N)
  start filled
  echo "ready after $(($(date +%s%3N) - began_ms)) ms"
  echo
  "$sen" bench web queries --url "$http/dicomweb" --pid "$server" "${beside[@]}" | named
  echo
  "$sen" bench find --to "$dimse" --pid "$server"
  end
  rm -rf "$folder/filled" "$folder/www"/*
done
