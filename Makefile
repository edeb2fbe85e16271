# SPDX-License-Identifier: Apache-2.0
# A thin front door: every rule hands over to CMake presets or to a script in tools/.
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)
# Where `make run` keeps its state; empty: the default of tacitd.
STATE ?=

.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install what is missing, build, start tacitd in the foreground
	@tools/install-deps build
	@$(MAKE) --no-print-directory build
	@exec build/release/tacitd $(if $(STATE),--state $(STATE))

build: ## build/release/tacitd and build/release/tacit
	@mkdir -p build
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >build/release.log 2>&1 || \
		{ cat build/release.log; exit 1; }
	@cmake --build --preset release -j $(JOBS)

test: ## everything a change has to pass (unit, proofs, static, scenarios, some crashes)
	@tools/install-deps build test
	@tools/test --jobs $(JOBS) unit proof static client-size client-coverage scenario crash

test-unit: ## unit tests beside the code
	@tools/test --jobs $(JOBS) unit

test-proof: ## proofs by exhaustion
	@tools/test --jobs $(JOBS) proof

test-static: ## layers, sizes, symbols, statements, format, paths, fuzz targets, cppcheck
	@tools/test --jobs $(JOBS) static

client-size: ## what libtacit costs on a Cortex-M4, as JSON, against bench/client/bounds.txt
	@tools/install-deps test
	@bench/client-size

test-scenario: ## the whole broker, from outside
	@tools/test --jobs $(JOBS) scenario

test-clang: ## unit tests, built by clang
	@tools/test --jobs $(JOBS) clang

test-asan: ## unit tests and scenarios under address and undefined-behaviour sanitizers
	@tools/test --jobs $(JOBS) asan asan-scenario

test-tidy: ## clang-tidy over all of the product
	@tools/install-deps build test
	@tools/test --jobs $(JOBS) tidy

test-tsan: ## unit tests and a part of the scenarios under the thread sanitizer
	@tools/test --jobs $(JOBS) tsan tsan-scenario

test-fuzz fuzz: ## every fuzz target for SECONDS (5) each, and a table of them
	@tools/install-deps build test
	@FUZZ_SECONDS=$(or $(SECONDS),$(FUZZ_SECONDS),5) tools/test --jobs $(JOBS) fuzz

fuzz-record: ## fuzz for HOURS (1) of processor time, on record in docs/fuzzing.md
	@tools/install-deps build test
	@tools/fuzz-record --hours $(or $(HOURS),1) --jobs $(JOBS)

coverage: ## lines and branches of client and codec that unit tests run, against the bounds
	@tools/install-deps build test
	@tools/coverage --jobs $(JOBS)

oracle: ## filter algebra and decisions against brute force; the last line counts
	@tools/install-deps build test
	@mkdir -p build
	@{ cmake --preset proof && cmake --build --preset proof -j $(JOBS) \
		--target policy-filter_oracle-test; } >build/oracle.log 2>&1 || \
		{ cat build/oracle.log; exit 1; }
	@build/proof/unit/policy-filter_oracle-test

powercut: ## N (1000) power cuts under the store, judged by a model; the last line counts
	@tools/install-deps build test
	@mkdir -p build
	@{ cmake --preset proof && cmake --build --preset proof -j $(JOBS) --target powercut; } \
		>build/powercut.log 2>&1 || { cat build/powercut.log; exit 1; }
	@build/proof/unit/powercut $(or $(N),1000) $(SEED)

ratchet: ## the ratchet in every order of CONNECTS (8) connects; the last line counts
	@tools/install-deps build test
	@mkdir -p build
	@{ cmake --preset proof && cmake --build --preset proof -j $(JOBS) --target ratchet-model; } \
		>build/ratchet.log 2>&1 || { cat build/ratchet.log; exit 1; }
	@build/proof/unit/ratchet-model $(CONNECTS)

crash: ## kill -9 and a model of what is owed: N=1000 crashes; the last line counts
	@tools/install-deps build test
	@tests/crash/run --crashes $(or $(N),1000)

interop: ## strangers' clients from network registries (skips what is out of reach)
	@$(MAKE) --no-print-directory build
	@tests/interop/run-extra

bench: ## tacitd beside the relay floor and Debian's mosquitto
	@tools/install-deps build bench
	@$(MAKE) --no-print-directory build
	@bench/run all

format: ## clang-format on every C file
	@git ls-files '*.c' '*.h' | xargs clang-format -i

docs: ## the generated documents
	@tools/gen-docs

drop-in: ## libtacit as one folder of sources, FOLDER=build/tacit
	@tools/drop-in $(or $(FOLDER),build/tacit)

install: build ## PREFIX=/usr/local DESTDIR=
	@DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX) --strip

clean: ## remove what was built
	@rm -rf build

.PHONY: help run build test client-size test-unit test-proof test-static test-scenario test-clang test-asan \
	test-tidy test-tsan test-fuzz fuzz fuzz-record coverage oracle powercut ratchet crash interop bench format docs drop-in install clean
