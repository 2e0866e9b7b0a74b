# SPDX-License-Identifier: GPL-3.0-or-later
# The commands people use. Meson and the scripts do the work; every target first installs the
# packages that it needs and that are missing.

BUILD ?= build/release
CHECK ?= build/check
BENCH ?= build/bench
DESTDIR ?=
JOBS ?= $(shell nproc)
comma := ,
# What follows needs root: useradd, namespaces, packet filter.
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo --preserve-env=DEMO_PORT$(comma)DEMO_LISTEN$(comma)DEMO_USERS$(comma)DEMO_URL$(comma)DEMO_ALLOW$(comma)DEMO_CONFIG$(comma)DEMO_STATE$(comma)BUILD$(comma)LAZARET_TIME_FACTOR$(comma)LAZARET_DEB,)

.PHONY: all build build-check build-bench demo view check check-vm check-fresh check-deb bench deb fuzz soak lint install clean help

all: build

help:
	@echo 'make          build into $(BUILD)'
	@echo 'make demo     build, run in the foreground, print how to connect (settings: DEMO_*)'
	@echo 'make view     open vncviewer on the running demo'
	@echo 'make check    the tests: unit, fuzz replay, protocol, system'
	@echo 'make check-vm the system tests in a virtual machine with systemd, cgroup v2, AppArmor'
	@echo 'make check-fresh a backup restored on a new Debian system, up to logins there'
	@echo 'make deb      Debian packages into build/deb; scripts/publish-repository makes a repository of them'
	@echo 'make check-deb whether two builds of the packages are the same, and lintian'
	@echo 'make bench    side by side with peers, and more (PARTS: side-by-side replay login scroll)'
	@echo 'make fuzz     run the fuzz targets (FUZZ_SECONDS each, default 60)'
	@echo 'make soak     log in, browse and leave for SOAK_MINUTES (default 30), watch for leaks'
	@echo 'make lint     clang-format, clang-tidy, shellcheck, pyflakes, manual pages, layers'
	@echo 'make install  install below DESTDIR'
	@echo 'make clean    remove what was built'

build:
	@scripts/install-packages build
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) -Dtests=false
	@ninja -C $(BUILD) -j $(JOBS)

build-check:
	@scripts/install-packages build run view test
	@[ -f $(CHECK)/build.ninja ] || meson setup $(CHECK)
	@ninja -C $(CHECK) -j $(JOBS)

demo: build
	@scripts/install-packages run
	@$(SUDO) env BUILD=$(BUILD) scripts/demo

view:
	@scripts/install-packages view
	@scripts/view

check: build-check
	@$(SUDO) env BUILD=$(CHECK) tests/run unit fuzz proto system

check-vm:
	@scripts/install-packages build run test vm deb
	@[ -f build/vm/build.ninja ] || meson setup build/vm
	@ninja -C build/vm -j $(JOBS)
	@$(SUDO) env BUILD=build/vm tests/vm/run

check-fresh: build-check
	@scripts/install-packages fresh
	@$(SUDO) env BUILD=$(CHECK) tests/run fresh

deb:
	@scripts/install-packages build deb
	@scripts/make-deb

check-deb:
	@scripts/install-packages build deb
	@scripts/check-deb

# Optimised as a release is. GCC sees dangling pointers in tests at -O3 that are none.
build-bench:
	@scripts/install-packages build run view test bench
	@[ -f $(BENCH)/build.ninja ] || meson setup $(BENCH) --buildtype=release -Dwerror=false
	@ninja -C $(BENCH) -j $(JOBS) all bench/bench-client bench/bench-replay
	@[ -f build/bench-hooks/build.ninja ] || \
		meson setup build/bench-hooks --buildtype=release -Dwerror=false -Dbench-hooks=true
	@ninja -C build/bench-hooks -j $(JOBS) all bench/bench-client

bench: build-bench
	@$(SUDO) env BUILD=$(BENCH) bench/run $(PARTS)

fuzz:
	@scripts/install-packages build test
	@scripts/fuzz

soak: build-check
	@$(SUDO) env BUILD=$(CHECK) tests/soak

lint:
	@scripts/install-packages build test
	@[ -f $(CHECK)/build.ninja ] || meson setup $(CHECK)
	@BUILD=$(CHECK) scripts/lint

install: build
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) $(CHECK) $(BENCH) build/bench-hooks build/vm build/fuzz build/deb build/check-deb
