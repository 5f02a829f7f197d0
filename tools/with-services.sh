#!/usr/bin/env bash
# Runs a command beside a private PostgreSQL and a stand-in for S3, both in a temporary folder and
# on free ports of the loopback, and takes them away afterwards.
#
#   tools/with-services.sh cargo nextest run
#
# The command finds them in SEN_TEST_POSTGRES_URL (a superuser's URL; each test makes its own
# database), SEN_TEST_S3_ENDPOINT with AWS_* (each test makes its own bucket), and the Python with
# the foreign clients in SEN_TEST_PYTHON. Databases with the schema in place, which tests copy, lie in
# SEN_TEST_TEMPLATES or have their name on the server: the first tests of a run make them. SEN_TEST_ALL says that all
# is there: a test that misses something then fails, which otherwise says SKIPPED and passes. Only where nobody may
# mount a disk, as for users other than root, SEN_TEST_NO_MOUNT says that the journeys of a full disk are not run.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
chmod 755 "$folder"
python=$PWD/target/python/bin/python
[[ -x $python ]] || { echo "$python is missing: run tools/require.sh test" >&2; exit 1; }
pg_bin=$(dirname "$(command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)")
free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# PostgreSQL refuses to run as root; Debian's package brings a user for it.
as_postgres() { if [[ $(id -u) == 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }

stop() {
  status=$?
  trap - EXIT
  as_postgres "$pg_bin/pg_ctl" -D "$folder/pg" -m immediate stop >/dev/null 2>&1 || true
  [[ -z ${s3_pid:-} ]] || kill "$s3_pid" 2>/dev/null || true
  rm -rf "$folder"
  exit "$status"
}
trap stop EXIT INT TERM

mkdir "$folder/pg" "$folder/run" "$folder/templates"
[[ $(id -u) == 0 ]] && chown postgres "$folder/pg" "$folder/run"
pg_port=$(free_port)
as_postgres "$pg_bin/initdb" -D "$folder/pg" -U sen --auth=trust --encoding=UTF8 --locale=C.UTF-8 >/dev/null
as_postgres "$pg_bin/pg_ctl" -D "$folder/pg" -w -l "$folder/run/log" \
  -o "-h 127.0.0.1 -p $pg_port -k $folder/run -c max_connections=300" start >/dev/null
export SEN_TEST_POSTGRES_URL=postgres://sen@127.0.0.1:$pg_port/postgres

s3_port=$(free_port)
"$python" -m moto.server -H 127.0.0.1 -p "$s3_port" >"$folder/run/s3.log" 2>&1 &
s3_pid=$!
for _ in $(seq 200); do
  curl -s -o /dev/null "http://127.0.0.1:$s3_port/" && break
  kill -0 "$s3_pid" 2>/dev/null || { cat "$folder/run/s3.log" >&2; exit 1; }
  sleep 0.1
done
curl -s -o /dev/null "http://127.0.0.1:$s3_port/" || { echo "the stand-in for S3 does not answer" >&2; exit 1; }
export SEN_TEST_S3_ENDPOINT=http://127.0.0.1:$s3_port
export AWS_ACCESS_KEY_ID=sen AWS_SECRET_ACCESS_KEY=sen AWS_REGION=us-east-1
export SEN_TEST_PYTHON=$python SEN_TEST_TEMPLATES=$folder/templates SEN_TEST_ALL=1
[[ $(id -u) == 0 ]] || export SEN_TEST_NO_MOUNT=1

"$@"
