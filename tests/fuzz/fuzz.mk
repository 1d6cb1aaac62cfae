# SPDX-License-Identifier: GPL-2.0-only
# Fuzzers. Included by the top Makefile.
#
# On the host, by libFuzzer: tests/fuzz/fuzz_NAME.c with sources of the module,
# unchanged, over what tests/fuzz/kernel/ has of the kernel's library.
#   FUZZ_KMOD_NAME := sources of the module
#   FUZZ_SRCS_NAME := sources of the tools and of the fuzzer

FUZZB ?= $(B)/tests/fuzz
FUZZ_CC ?= clang
SECONDS ?= 1200
FUZZ ?= $(FUZZ_NAMES)
FUZZ_NAMES := options xattrs layers dump replies

# How libFuzzer is linked in; without it, tests/fuzz/main.c runs given inputs.
FUZZ_GUIDE ?= -fsanitize=fuzzer-no-link
FUZZ_MAIN ?= -fsanitize=fuzzer
FUZZ_PACKAGES ?= tests/fuzz/packages.txt

FUZZ_CFLAGS := -O1 -g -fno-omit-frame-pointer $(FUZZ_GUIDE) -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined -Wall -Wno-unused-function -D_GNU_SOURCE -MMD -MP
FUZZ_KERNEL_CFLAGS := $(FUZZ_CFLAGS) -include tests/fuzz/kernel/kernel.h -I$(FUZZB)/include \
	-Iinclude/uapi -Ikmod -Itests/fuzz -Wno-unused-value -Wno-format
FUZZ_TOOLS_CFLAGS = $(FUZZ_CFLAGS) $(TOOLS_CFLAGS) $(TOOLS_PKG_CFLAGS) -Itests/fuzz -fvisibility=default

FUZZ_KMOD_xattrs := kmod/layer/marker.c kmod/container/lookup.c kmod/image/origin.c
FUZZ_KMOD_layers := kmod/layer/marker.c kmod/image/lookup.c kmod/image/names.c \
	kmod/container/lookup.c
FUZZ_KMOD_dump := kmod/stats/genl.c kmod/stats/registry.c kmod/stats/counters.c \
	tests/fuzz/kernel/netlink.c
FUZZ_SRCS_replies := tests/fuzz/fuzz_replies.c tools/lib/genl.c tools/lib/stats.c tools/lib/errors.c
FUZZ_KMOD_options := kmod/mount/params.c
FUZZ_SRCS_options := tests/fuzz/options_tools.c tools/mount.layerfs/optstr.c \
	tools/lib/options.c tools/lib/layers.c tools/lib/errors.c

.PHONY: fuzz fuzz-build
fuzz: fuzz-build
	nice tests/fuzz/run --seconds $(SECONDS) $(FUZZ)

# Only whoever fuzzes needs clang.
fuzz-build: $(FUZZ:%=$(FUZZB)/%)

fuzz_kmod_objs = $(if $(FUZZ_KMOD_$(1)),$(patsubst %.c,$(FUZZB)/%.o,tests/fuzz/kernel/kernel.c \
	tests/fuzz/fuzz_$(1).c $(FUZZ_KMOD_$(1))))
fuzz_tools_objs = $(patsubst %.c,$(FUZZB)/%.o,$(FUZZ_SRCS_$(1)))

# The kernel's headers, as far as the host has none of that name: all that is in
# them comes from kernel.h.
$(FUZZB)/include.stamp: tests/fuzz/packages.txt $(wildcard kmod/*.h kmod/*/*.[ch]) tests/fuzz/fuzz.mk
	@mkdir -p $(FUZZB)/include
	$(if $(FUZZ_PACKAGES),scripts/deps $(FUZZ_PACKAGES))
	@sed -n 's/^#include <\(\(linux\|net\)\/.*\)>.*/\1/p' kmod/*.h kmod/*/*.[ch] | sort -u | \
	while read -r h; do \
		[ -e include/uapi/$$h ] || [ -e /usr/include/$$h ] || \
			{ mkdir -p $(FUZZB)/include/$${h%/*} && : >$(FUZZB)/include/$$h; }; \
	done
	@touch $@

$(FUZZB)/kmod/%.o: kmod/%.c $(FUZZB)/include.stamp
	@mkdir -p $(@D)
	@echo "  FUZZ_CC $@"
	@$(FUZZ_CC) $(FUZZ_KERNEL_CFLAGS) -c -o $@ $<

$(FUZZB)/tests/fuzz/kernel/%.o: tests/fuzz/kernel/%.c $(FUZZB)/include.stamp
	@mkdir -p $(@D)
	@echo "  FUZZ_CC $@"
	@$(FUZZ_CC) $(FUZZ_KERNEL_CFLAGS) -c -o $@ $<

$(FUZZB)/tests/fuzz/fuzz_replies.o: tests/fuzz/fuzz_replies.c
	@mkdir -p $(@D)
	@echo "  FUZZ_CC $@"
	@$(FUZZ_CC) $(FUZZ_TOOLS_CFLAGS) -c -o $@ $<

$(FUZZB)/tests/fuzz/fuzz_%.o: tests/fuzz/fuzz_%.c $(FUZZB)/include.stamp
	@mkdir -p $(@D)
	@echo "  FUZZ_CC $@"
	@$(FUZZ_CC) $(FUZZ_KERNEL_CFLAGS) -c -o $@ $<

$(FUZZB)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  FUZZ_CC $@"
	@$(FUZZ_CC) $(FUZZ_TOOLS_CFLAGS) -c -o $@ $<

.SECONDEXPANSION:
$(FUZZ_NAMES:%=$(FUZZB)/%): $(FUZZB)/%: $$(call fuzz_kmod_objs,%) $$(call fuzz_tools_objs,%) $(LIBLAYERFS)
	@echo "  FUZZ_CC $@"
	@$(FUZZ_CC) $(FUZZ_MAIN) -fsanitize=address,undefined -o $@ $^ -Wl,--as-needed $(TOOLS_PKG_LIBS)

# With the ordinary compiler, for every check: do they build, and is what they
# found still mended?
.PHONY: fuzz-corpus fuzz-corpus-run
fuzz-corpus:
	@$(MAKE) --no-print-directory fuzz-corpus-run FUZZB=$(B)/tests/corpus FUZZ_CC=$(CC) \
		FUZZ_GUIDE= FUZZ_MAIN=tests/fuzz/main.c FUZZ_PACKAGES=

fuzz-corpus-run: fuzz-build fuzz-import-build
	@B=$(B) tests/fuzz/corpus-run $(FUZZ)

-include $(shell find $(FUZZB) -name '*.d' 2>/dev/null)

# In the guest, on the debug kernel.
FUZZ_SYS := $(FUZZB)/syscalls
FUZZ_SYS_OUT := $(FUZZB)/syscalls-out

# KCOV takes off the offset of KASLR, /proc/kallsyms does not.
.PHONY: fuzz-syscalls
fuzz-syscalls: $(FUZZ_SYS)
	@mkdir -p $(FUZZ_SYS_OUT)
	dir=$$(tests/vm/debug-kernel) && $(MAKE) module KDIR=$$dir/build && \
	tests/vm/run --debug --mem 4096 --timeout $$(($(SECONDS) + 900)) --out $(FUZZ_SYS_OUT) \
		--expect '$(FT_EXPECT)' --append nokaslr $(VMFLAGS) -- \
		$(FUZZ_SYS) --seconds $(SECONDS) --corpus tests/fuzz/corpus/syscalls.txt

$(FUZZ_SYS): $(wildcard tests/fuzz/syscalls/*.[ch])
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -D_GNU_SOURCE -Wno-missing-field-initializers -Wno-sign-compare -o $@ $(filter %.c,$^)
