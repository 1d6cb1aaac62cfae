# SPDX-License-Identifier: GPL-2.0-only
# Where instructions go, by function: the emulator counts them (plugin.c).
# PROFILE_N= layers.  bench-short: only how many, beside tests/profile/baseline.

PROFILE_N ?= 64
PR := tests/profile
PRB := $(B)/tests/profile

.PHONY: profile profile-run bench-short
profile-run: module $(PRB)/main $(PRB)/plugin.so
	@mkdir -p $(B)/profile
	tests/vm/run --ko $(KO) --icount --out $(B)/profile --timeout 3000 \
		--qemu -plugin --qemu file=$(PRB)/plugin.so,out=$(B)/profile/counts $(VMFLAGS) -- \
		sh -c '$(PRB)/main /mnt/scratch/profile $(PROFILE_N) >/mnt/out/marks && \
			cat /proc/kallsyms >/mnt/out/symbols'

profile: profile-run
	$(PR)/table $(B)/profile/marks $(B)/profile/counts $(B)/profile/symbols

bench-short: profile-run
	@$(PR)/summary $(B)/profile/marks $(B)/profile/counts $(PR)/baseline

$(PRB)/main: $(PR)/main.c $(patsubst %,tests/bench/%.c,util tree mounts container memory) \
		tests/bench/bench.h tests/bench/tree.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itests/bench -o $@ $(filter %.c,$^)

$(PRB)/plugin.so: $(PR)/plugin.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -shared -fPIC -fvisibility=hidden -o $@ $<
