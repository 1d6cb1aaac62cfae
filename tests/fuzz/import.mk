# SPDX-License-Identifier: GPL-2.0-only
# Fuzzers of what reads an image, on the host. Included by the top Makefile,
# after fuzz.mk.

FUZZ_IMPORT_NAMES := unpack entries image archive
FUZZ_IMPORT ?= $(FUZZ_IMPORT_NAMES)
FUZZ_IMPORT_SRCS := $(wildcard tools/lib/unpack*.c tools/lib/oci*.c) \
	tools/lib/digest.c tools/lib/errors.c tools/lib/openat2.c tools/lib/store_name.c
FUZZ_IMPORT_OBJS := $(FUZZ_IMPORT_SRCS:%.c=$(FUZZB)/%.o)

.PHONY: fuzz-import fuzz-import-build fuzz-import-seeds
fuzz-import: fuzz-import-seeds
	nice tests/fuzz/run-import --seconds $(SECONDS) $(FUZZ_IMPORT)

fuzz-import-build: $(FUZZ_IMPORT_NAMES:%=$(FUZZB)/%)

# The archives of the unit tests' table are where to start from, but for those
# that take long because they nest hundreds of directories.
fuzz-import-seeds: fuzz-import-build $(B)/tests/unit/test_unpack_hostile
	@mkdir -p $(FUZZB)/work/unpack $(FUZZB)/seeds
	@$(B)/tests/unit/test_unpack_hostile --dump $(FUZZB)/seeds /outside | \
	grep -v -e nested -e '500 kB' | while read -r tar rest; do \
		{ printf z; cat $(FUZZB)/seeds/$$tar; } >$(FUZZB)/work/unpack/$$tar; \
	done

$(FUZZ_IMPORT_OBJS) $(FUZZ_IMPORT_NAMES:%=$(FUZZB)/tests/fuzz/host_%.o): | $(FUZZB)/include.stamp

$(FUZZ_IMPORT_NAMES:%=$(FUZZB)/%): $(FUZZB)/%: $(FUZZB)/tests/fuzz/host_%.o $(FUZZ_IMPORT_OBJS)
	@echo "  FUZZ_CC $@"
	@$(FUZZ_CC) $(FUZZ_MAIN) -fsanitize=address,undefined -o $@ $^ -Wl,--as-needed $(TOOLS_PKG_LIBS)
