# SPDX-License-Identifier: GPL-2.0-only
# Data races: many processes on the same names, then the tests that have several.

KCSAN_TESTS ?= 'stress.*' 'share.*' 'copyup.*' 'readdir.*' 'io.*'

# SECONDS=900; STRESS_ARGS, VMFLAGS as for make stress.
.PHONY: kcsan
kcsan: SECONDS = 900
kcsan: selftests stress-program
	dir=$$(tests/vm/debug-kernel --kcsan) && \
	$(MAKE) module KDIR=$$dir/build && \
	status=0 && \
	{ tests/vm/run --kcsan --mem 4096 --timeout $$(($(SECONDS) + 3600)) $(VMFLAGS) -- \
		$(SRB)/stress --seconds $(SECONDS) $(STRESS_ARGS) || status=1; } && \
	{ tests/vm/run --kcsan --mem 4096 --timeout 3600 $(VMFLAGS) -- \
		tests/selftests/run --ops 3000 $(KCSAN_TESTS) || status=1; } && \
	exit $$status
