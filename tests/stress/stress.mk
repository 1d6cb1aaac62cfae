# SPDX-License-Identifier: GPL-2.0-only
# Many processes on the same names, for an hour, on the debug kernel.

SR := tests/stress
SRB := $(B)/tests/stress
SR_OBJS := $(patsubst $(SR)/%.c,$(SRB)/%.o,$(sort $(wildcard $(SR)/*.c)))

.PHONY: stress stress-program
stress-program: $(SRB)/stress

$(SRB)/%.o: $(SR)/%.c
	@mkdir -p $(@D)
	$(CC) $(ST_CFLAGS) -Wno-format-truncation -c -o $@ $<

$(SRB)/stress: $(SR_OBJS) $(ST_COMMON) $(STB)/netlink.o
	$(CC) $(ST_CFLAGS) -o $@ $^ -lmnl

-include $(wildcard $(SRB)/*.d)

# SECONDS=3600; STRESS_ARGS: see build/tests/stress/stress --help.
stress: SECONDS = 3600
stress: stress-program
	dir=$$(tests/vm/debug-kernel) && \
	$(MAKE) module KDIR=$$dir/build && \
	tests/vm/run --debug --mem 4096 --timeout $$(($(SECONDS) + 3600)) $(VMFLAGS) -- \
		$(SRB)/stress --seconds $(SECONDS) $(STRESS_ARGS)
