# SPDX-License-Identifier: Apache-2.0
# The way in for people; Meson and npm do the work.
#
#   make              builds the programs and the page into build/
#   sudo make demo    all of it from nothing: packages, build, image, and a server on 127.0.0.1:8080
#   sudo make test    everything that is tested; the last line is "N passed, N failed"
#
#   make image | install | bench | conformance | fuzz | analyse | test-long | check-format | deps | clean
#
# Variables: LISTEN=HOST:PORT and IMAGE=FILE.tar or a folder, ROOT=, STATE= and NETWORK=none (demo), DESTDIR= and PREFIX= (install), BUILD= (folder), N= (bench),
# QUICK=1 (conformance: ours alone)

BUILD ?= build
PREFIX ?= /usr/local
LISTEN ?= 127.0.0.1:8080
IMAGE ?= $(BUILD)/default-image.tar
SHELL := /bin/bash
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
# Node.js of the distribution before others that a person may have.
npm := cd web && WEB_OUT=$(abspath $(BUILD))/web PATH=/usr/bin:$$PATH npm

# The lines at the head of this file.
help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

.PHONY: help all programs page image deps demo test test-long bench conformance fuzz analyse check-format format install clean

all: programs page

$(BUILD)/build.ninja:
	meson setup $(BUILD) --prefix $(PREFIX)

programs: $(BUILD)/build.ninja
	ninja -C $(BUILD) $(if $(VERBOSE),-v,--quiet)

page: $(BUILD)/web/index.html

web/node_modules/.package-lock.json: web/package-lock.json
	$(npm) ci --no-audit --no-fund --no-progress --loglevel=error
	touch $@

$(BUILD)/web/index.html: web/node_modules/.package-lock.json web/index.html web/vite.config.ts web/tsconfig.json \
		$(shell find web/src web/public -type f 2>/dev/null)
	$(npm) run --silent build
	touch $@

image: $(BUILD)/default-image.tar

$(BUILD)/default-image.tar:
	packaging/make-image $@

deps:
	packaging/install-packages build run

# A recipe's own `make`, so that packages are there before anything looks for them.
demo:
	@packaging/install-packages build run
	@$(MAKE) programs page $(if $(filter $(BUILD)/default-image.tar,$(IMAGE)),image)
	@exec packaging/demo $(BUILD) $(LISTEN) $(IMAGE) $(ROOT) $(STATE)

test:
	@packaging/install-packages build run test
	@tests/run --build $(BUILD)

test-long:
	@packaging/install-packages build run test
	@tests/run --build $(BUILD) --long

bench: programs page image
	@packaging/install-packages build run test bench
	newer=$$(bench/build-rival crun) && set -- --runtime crun-$${newer##*-}=$$newer && \
		bench/start $(if $(N),--count $(N)) "$$@" && bench/timeline $(if $(N),--count $(N)) "$$@" && bench/growth "$$@"
	bench/login
	bench/terminal --ttyd $$(bench/build-rival ttyd)

conformance: programs
	@packaging/install-packages build run conformance
	tests/conformance/run $(if $(QUICK),--quick)
	$(if $(QUICK),,tests/conformance/compare --build $(BUILD))

fuzz: $(BUILD)/build.ninja
	@packaging/install-packages build fuzz
	tests/fuzz/run

analyse:
	@packaging/install-packages build analyse
	tests/analyse/run --build $(BUILD)

check-format:
	@packaging/install-packages dev
	git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror

format:
	@packaging/install-packages dev
	git ls-files '*.c' '*.h' | xargs clang-format -i

install: programs page
	meson configure $(BUILD) --prefix $(PREFIX)
	DESTDIR=$(abspath $(DESTDIR)) meson install -C $(BUILD) --quiet
	packaging/install-data $(BUILD) $(PREFIX) "$(DESTDIR)"

clean:
	rm -rf $(BUILD) web/node_modules
