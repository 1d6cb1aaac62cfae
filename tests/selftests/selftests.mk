# SPDX-License-Identifier: GPL-2.0-only
# The guest's tests: built on the host, run by tests/vm/run.

B ?= build
ST := tests/selftests
STB := $(B)/tests/selftests
ST_CFLAGS := $(CFLAGS) -O2 -g -Wall -Wextra -Iinclude/uapi -pthread -MMD -MP
ST_COMMON := harness tree fixture
ST_OBJS := $(ST_COMMON:%=$(STB)/%.o) \
	$(patsubst $(ST)/%.c,$(STB)/%.o,$(sort $(wildcard $(ST)/test_*.c)))

.PHONY: selftests
selftests: $(STB)/selftests

$(STB)/%.o: $(ST)/%.c
	@mkdir -p $(@D)
	$(CC) $(ST_CFLAGS) -c -o $@ $<

$(STB)/selftests: $(ST_OBJS)
	$(CC) $(ST_CFLAGS) -o $@ $^

-include $(wildcard $(STB)/*.d)
