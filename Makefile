# The only verbs. Each installs what it needs when it runs as root on Debian, and otherwise says
# exactly what is missing.
#
#   make demo    build, start with embedded defaults, load a synthetic province, print the address
#   make run     build and serve with ./sen.toml or the defaults
#   make test    everything: rules, storage on every backend, doors, journeys with foreign clients
#   make interop what works with foreign programs, with every sample file beside the project
#   make check   formatting, lints, types; no test is run
#   make build   the release binary, pages inside: target/release/sen
#   make bench   the load generator against fresh servers, beside the disk, nginx and Orthanc

PAGES := viewer-web/app
PAGES_SOURCES := $(shell find $(PAGES) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
SHELL := /bin/bash

.PHONY: demo run test interop check build bench
.DEFAULT_GOAL := build

demo: build
	./target/release/sen demo

run: build
	./target/release/sen serve

build: $(PAGES)/dist/index.html
	tools/require.sh build
	cargo build --release --locked

test: check
	tools/require.sh test
	cargo build --workspace --all-targets --locked
	tools/with-services.sh cargo nextest run --workspace --locked
	cd $(PAGES) && npm test
	tests/pages.sh

interop: $(PAGES)/dist/index.html
	tools/require.sh test
	SEN_INTEROP_WHOLE=1 tools/with-services.sh cargo nextest run --workspace --locked -E 'test(interop::)'

check: $(PAGES)/dist/index.html
	tools/require.sh build
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cd $(PAGES) && npm run lint

bench: build
	tools/require.sh bench
	tools/bench.sh

$(PAGES)/dist/index.html: $(PAGES)/node_modules/.package-lock.json $(PAGES_SOURCES)
	cd $(PAGES) && npm run build

$(PAGES)/node_modules/.package-lock.json: $(PAGES)/package-lock.json
	tools/require.sh build
	cd $(PAGES) && npm ci --no-audit --no-fund
