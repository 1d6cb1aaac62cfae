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
selftests: $(STB)/selftests $(STB)/selinux.policy $(STB)/model $(STB)/behaviours $(STB)/wrong_mounts

$(STB)/%.o: $(ST)/%.c
	@mkdir -p $(@D)
	$(CC) $(ST_CFLAGS) -c -o $@ $<

$(STB)/selftests: ST_LIBS := -lmnl
$(STB)/selftests: $(STB)/attack.o $(STB)/compare.o $(STB)/fuse.o $(STB)/handle.o $(STB)/idmap.o $(STB)/kmsg.o $(STB)/netlink.o $(STB)/nfs_server.o $(STB)/stacks.o $(STB)/userns.o $(STB)/runner.o $(ST_COMMON) $(ST_TESTS)
	$(CC) $(ST_CFLAGS) -o $@ $^ $(ST_LIBS)

# 33 is the newest version of the format that both the compiler and 6.1 know.
$(STB)/selinux.policy: $(ST)/selinux.cil
	@mkdir -p $(@D)
	secilc -c 33 -o $@ -f /dev/null $<

$(STB)/model: $(ST_MODEL) $(ST_COMMON)
	$(CC) $(ST_CFLAGS) -o $@ $^ $(ST_LIBS)

$(STB)/behaviours: $(addprefix $(STB)/,behaviours.o behaviours_rows.o probe.o) $(ST_COMMON)
	$(CC) $(ST_CFLAGS) -o $@ $^ $(ST_LIBS)

$(STB)/wrong_mounts: $(addprefix $(STB)/,wrong_mounts.o wrong_mounts_rows.o probe.o kmsg.o fuse.o userns.o) $(ST_COMMON)
	$(CC) $(ST_CFLAGS) -o $@ $^ $(ST_LIBS)

-include $(wildcard $(STB)/*.d)

# $(call in_document,WHAT,TEXT,DOCUMENT): TEXT goes between the lines "WHAT: begin" and "end".
define in_document
	sed -i -e '/^\.\. $(1): begin/,/^\.\. $(1): end/{//!d}' \
		-e '/^\.\. $(1): begin/r $(2)' $(3)
	sed -i -e 's/^\.\. $(1): begin.*/&\n/' -e 's/^\.\. $(1): end/\n&/' $(3)
endef

# The tables in the documents, made anew from what the guest says.
.PHONY: behaviours wrong-mounts
behaviours: module $(STB)/behaviours
	tests/vm/run --ko $(KO) $(VMFLAGS) -- $(STB)/behaviours >$(STB)/behaviours.rst
	$(call in_document,behaviours,$(STB)/behaviours.rst,Documentation/layerfs.rst)

wrong-mounts: module tools $(STB)/wrong_mounts
	tests/vm/run --ko $(KO) $(VMFLAGS) -- $(STB)/wrong_mounts >$(STB)/wrong-mounts.rst
	$(call in_document,wrong mounts,$(STB)/wrong-mounts.rst,Documentation/wrong-mounts.rst)

# Real programs in a container; what they need is fetched once and kept.
.PHONY: workloads
workloads: module $(STB)/workloads/root.tar
	tests/vm/run --ko $(KO) $(VMFLAGS) -- $(ST)/workloads

$(STB)/workloads/root.tar: $(ST)/workloads-prepare
	$< $(@D)
