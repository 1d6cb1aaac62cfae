# SPDX-License-Identifier: GPL-2.0-only
# make bench: layerfs beside overlayfs and bare ext4, by a clock that counts
# instructions. BENCH_N=1,64 chooses numbers of layers, BENCH_FS=bare,layerfs
# filesystems, BENCH_REPEATS= how often.

BENCH_N ?= 1,64,500
BENCH_FS ?= bare,overlay,layerfs
BENCH_REPEATS ?= 5
BENCH_BIN := $(B)/tests/bench

.PHONY: bench
bench: module $(BENCH_BIN)
	@mkdir -p $(B)/bench
	tests/vm/run --ko $(KO) --icount --out $(B)/bench $(VMFLAGS) -- \
		$(BENCH_BIN) --layers $(BENCH_N) --fs $(BENCH_FS) \
		--repeats $(BENCH_REPEATS) --json /mnt/out/bench.json \
		/mnt/scratch/bench
	@echo 'bench: the figures are in $(B)/bench/bench.json, too'

$(BENCH_BIN): $(wildcard tests/bench/*.[ch])
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $(filter %.c,$^)
