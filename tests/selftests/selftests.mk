# SPDX-License-Identifier: GPL-2.0-only
# The guest's tests: built on the host, run by tests/vm/run.

B ?= build
ST := tests/selftests
STB := $(B)/tests/selftests
ST_CFLAGS := $(CFLAGS) -O2 -g -Wall -Wextra -Iinclude/uapi -pthread -MMD -MP
ST_COMMON := $(addprefix $(STB)/,harness.o fixture.o tree.o)
ST_TESTS := $(patsubst $(ST)/%.c,$(STB)/%.o,$(sort $(wildcard $(ST)/test_*.c)))
ST_MODEL := $(patsubst $(ST)/%.c,$(STB)/%.o,$(sort $(wildcard $(ST)/model*.c)))

.PHONY: selftests
selftests: $(STB)/selftests $(STB)/model $(STB)/behaviours

$(STB)/%.o: $(ST)/%.c
	@mkdir -p $(@D)
	$(CC) $(ST_CFLAGS) -c -o $@ $<

$(STB)/selftests: ST_LIBS := -lmnl
$(STB)/selftests: $(STB)/attack.o $(STB)/compare.o $(STB)/fuse.o $(STB)/handle.o $(STB)/netlink.o $(STB)/stacks.o $(STB)/userns.o $(STB)/runner.o $(ST_COMMON) $(ST_TESTS)
	$(CC) $(ST_CFLAGS) -o $@ $^ $(ST_LIBS)

$(STB)/model: $(ST_MODEL) $(ST_COMMON)
	$(CC) $(ST_CFLAGS) -o $@ $^ $(ST_LIBS)

$(STB)/behaviours: $(STB)/behaviours.o $(STB)/behaviours_rows.o $(ST_COMMON)
	$(CC) $(ST_CFLAGS) -o $@ $^ $(ST_LIBS)

-include $(wildcard $(STB)/*.d)

# The table in the document, made anew from what the guest says.
DOC_TABLE := Documentation/layerfs.rst
.PHONY: behaviours
behaviours: module $(STB)/behaviours
	tests/vm/run --ko $(KO) $(VMFLAGS) -- $(STB)/behaviours >$(STB)/behaviours.rst
	sed -i -e '/^\.\. behaviours: begin/,/^\.\. behaviours: end/{//!d}' \
		-e '/^\.\. behaviours: begin/r $(STB)/behaviours.rst' $(DOC_TABLE)
	sed -i -e 's/^\.\. behaviours: begin.*/&\n/' -e 's/^\.\. behaviours: end/\n&/' $(DOC_TABLE)

# Real programs in a container; what they need is fetched once and kept.
.PHONY: workloads
workloads: module $(STB)/workloads/root.tar
	tests/vm/run --ko $(KO) $(VMFLAGS) -- $(ST)/workloads

$(STB)/workloads/root.tar: $(ST)/workloads-prepare
	$< $(@D)
