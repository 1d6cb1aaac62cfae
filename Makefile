# SPDX-License-Identifier: GPL-2.0-only
# layerfs: kernel module, tools, tests. `make help` lists what there is.

VERSION := 0.1.0
B := build

# What an upper may lie on: the tests run on each.
UPPERS := ext4 xfs btrfs tmpfs

# Packages first: what follows asks the machine where its headers are. Once
# per call, not once per sub-make.
NEED_DEPS := all module tools selftests unit lint vm guest guest-lsm guest-tools guest-debug guest-faults faults debug-kernel \
	$(UPPERS:%=guest-on-%) $(UPPERS:%=guest-debug-on-%) guest-uppers guest-debug-uppers model-uppers $(UPPERS:%=model-on-%) \
	check check-debug demo bench bench-short bench-work bench-system bench-scale bench-parallel profile workloads mutants stress kcsan install dkms-install \
	powercut powercut-tools \
	fuzz fuzz-build fuzz-corpus fuzz-import fuzz-syscalls store-kill powercut-store
ifeq ($(LFS_DEPS_DONE),)
ifneq ($(filter $(NEED_DEPS),$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell scripts/deps >&2 && echo done),done)
$(error packages are missing: see above, or run `make deps` as root)
endif
endif
endif
export LFS_DEPS_DONE := 1

KDIR ?= $(shell scripts/newest-kdir)
KVER = $(eval KVER := $$(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null))$(KVER)
KO = $(B)/kmod/$(KVER)/layerfs.ko

CFLAGS ?= -O2 -g
CFLAGS += -Wall -Wextra -Iinclude/uapi

.PHONY: all module deps lint check check-debug mutants guest guest-lsm guest-debug debug-kernel vm \
	model-uppers $(UPPERS:%=model-on-%) \
	guest-uppers guest-debug-uppers $(UPPERS:%=guest-on-%) $(UPPERS:%=guest-debug-on-%) \
	install dkms-install clean help
all: module tools

# Kbuild itself knows what is out of date.
module:
	@test -n "$(KVER)" || { echo "no kernel headers in KDIR=$(KDIR)" >&2; exit 1; }
	@scripts/mirror-kmod $(B)/kmod/$(KVER)
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(B)/kmod/$(KVER) KCFLAGS=-g modules

deps:
	scripts/deps

lint:
	scripts/lint $(KDIR)

guest: module tools selftests
	tests/vm/run --ko $(KO) $(VMFLAGS) -- tests/selftests/run

# What it takes another security module, and IMA, to see.
guest-lsm: module selftests
	tests/vm/run --ko $(KO) --append 'security=selinux ima_policy=tcb' $(VMFLAGS) -- \
		tests/selftests/run 'lsm.*' 'copyup.*'

# Whether the guest runner itself sees what it should.
vm:
	tests/vm/selftest

debug-kernel:
	tests/vm/debug-kernel

guest-debug: tools selftests
	dir=$$(tests/vm/debug-kernel) && \
	$(MAKE) module KDIR=$$dir/build && \
	tests/vm/run --debug --mem 4096 --timeout 4000 $(VMFLAGS) -- tests/selftests/run --ops 3000

# The whole of guest, of guest-debug, with the upper on each filesystem.
$(UPPERS:%=guest-on-%): guest-on-%:
	$(MAKE) guest VMFLAGS='--scratch-fs $* $(VMFLAGS)'

$(UPPERS:%=guest-debug-on-%): guest-debug-on-%:
	$(MAKE) guest-debug VMFLAGS='--scratch-fs $* $(VMFLAGS)'

guest-uppers:
	+scripts/check $(UPPERS:%=guest-on-%)

guest-debug-uppers:
	+scripts/check $(UPPERS:%=guest-debug-on-%)

# The random test for long, on each; OPS is half of what each does.
OPS ?= 500000
$(UPPERS:%=model-on-%): model-on-%: module selftests
	tests/vm/run --ko $(KO) --scratch-fs $* --timeout 14400 $(VMFLAGS) -- \
		tests/selftests/run --ops $(OPS) --jobs 2 model

model-uppers:
	+scripts/check $(UPPERS:%=model-on-%)

# The module broken on purpose: does the right test notice?
mutants: module tools selftests powercut-tools
	tests/mutants/run $(MUTANTS)

check:
	+scripts/check lint unit fuzz-corpus vm guest guest-lsm guest-tools

check-debug:
	+scripts/check guest-debug guest-faults

install: all tools-install
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(B)/kmod/$(KVER) INSTALL_MOD_PATH=$(DESTDIR) \
		INSTALL_MOD_STRIP=1 modules_install
	$(if $(DESTDIR),,depmod $(KVER))

# For machines whose kernel changes: dkms builds the module for each.
dkms-install: tools-install
	install -d $(DESTDIR)/usr/src/layerfs-$(VERSION)
	cp -r --preserve=timestamps kmod include COPYING LICENSES dkms.conf \
		$(DESTDIR)/usr/src/layerfs-$(VERSION)/

clean:
	rm -rf $(B)

help:
	@echo 'make               the module and the tools, below build/'
	@echo 'make module        the module only; KDIR=DIR builds it for another kernel'
	@echo 'make tools         layerctl, mount.layerfs, liblayerfs'
	@echo 'make demo          two images, three containers, in a guest'
	@echo 'make check         lint, unit tests and the tests in a guest'
	@echo 'make check-debug   the tests in a guest whose kernel checks itself'
	@echo 'make lint, unit, vm, guest, guest-lsm, guest-tools, guest-debug   one part of these'
	@echo 'make guest-uppers, guest-debug-uppers   these with the upper on each of $(UPPERS)'
	@echo 'make model-uppers  the random test, a million operations on each; OPS=500000'
	@echo 'make behaviours, wrong-mounts   tables of the documentation, made anew'
	@echo 'make mutants       the module broken on purpose; MUTANTS="NAME..."'
	@echo 'make bench         measurements of single operations, in a guest; see tests/bench/README'
	@echo 'make bench-short   a few of them in half a minute, beside those kept in the tree'
	@echo 'make profile       where the instructions of an operation go, by function'
	@echo 'make bench-work    find, grep, git, cp, tar, rm, the same way'
	@echo 'make bench-system  gcc, apt-get, sqlite, nginx in a Debian root, the same way'
	@echo 'make bench-parallel   one process and two at once, by the clock on the wall'
	@echo 'make bench-scale   a thousand containers of one image at once, the same way'
	@echo 'make bench-plot    cost against the number of layers, from the last bench, as a picture'
	@echo 'make store-kill    layerctl killed at each call that changes the store'
	@echo 'make powercut      the power cut while a container works, 500 times on each filesystem'
	@echo 'make powercut-store   the power cut while the store changes, in a guest'
	@echo 'make workloads     git, make, tar, sqlite, apt-get in a container, in a guest'
	@echo 'make fuzz          parsers on the host, by libFuzzer; SECONDS=1200 each, FUZZ=NAME'
	@echo 'make fuzz-corpus   only what the fuzzers have found before, with any compiler'
	@echo 'make fuzz-import   what reads images, the same way; FUZZ_IMPORT=NAME'
	@echo 'make fuzz-syscalls random programs in a guest, guided by coverage, on the debug kernel'
	@echo 'make stress        tens of processes on the same names for an hour, on the debug kernel'
	@echo 'make kcsan         the same for a quarter of an hour, on a kernel that looks for data races'
	@echo 'make faults        fail each allocation, disk request, block in turn, in a guest'
	@echo 'make install       tools and module; DESTDIR=, PREFIX=, KDIR='
	@echo 'make dkms-install  tools, and the module as source for dkms'
	@echo 'make deps          only install the packages that all this needs'
	@echo 'make clean         remove build/'

-include tools/tools.mk
-include tests/unit/unit.mk
-include tests/selftests/selftests.mk
-include tests/demo/demo.mk
-include tests/bench/bench.mk
-include tests/profile/profile.mk
-include tests/powercut/store.mk
-include tests/powercut/powercut.mk
-include tests/fuzz/fuzz.mk
-include tests/fuzz/import.mk
-include tests/stress/stress.mk
-include tests/vm/kcsan.mk
-include tests/faults/faults.mk
