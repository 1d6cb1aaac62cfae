# SPDX-License-Identifier: GPL-2.0-only
# make bench: layerfs beside overlayfs and bare ext4, in a guest.
#
# BENCH_N=1,64 chooses numbers of layers, BENCH_FS=bare,layerfs filesystems,
# BENCH_REPEATS= how often. BENCH=wall measures time instead of instructions,
# on a disk and with two processors.

BENCH ?= icount
BENCH_N ?= 1,8,64,500,2000
BENCH_FS ?= bare,overlay,layerfs
BENCH_REPEATS ?= $(if $(filter wall,$(BENCH)),7,5)
BENCH_TIMEOUT ?= 7200
# MiB; half of it is the disk, if that is in memory.
BENCH_MEM ?= 4096
BENCH_BIN := $(B)/tests/bench

# $(call bench_run,PROGRAM,LAYERS,MORE OPTIONS,WRAPPER)
bench_run = tests/vm/run --ko $(KO) $(if $(filter wall,$(BENCH)),,--icount) --mem $(BENCH_MEM) \
	--timeout $(BENCH_TIMEOUT) --out $(B)/bench $(VMFLAGS) -- \
	$(if $(4),$(4),$(BENCH_BIN)) $(1) --layers $(2) --fs $(BENCH_FS) --repeats $(BENCH_REPEATS) \
	$(if $(filter wall,$(BENCH)),--wall) --out /mnt/out $(3) /mnt/scratch/bench

.PHONY: bench
bench: module $(BENCH_BIN)
	@mkdir -p $(B)/bench
	$(call bench_run,ops,$(BENCH_N))
	@echo 'bench: the same is in $(B)/bench, with all samples in JSON'

# What people do all day, on a part of the kernel's headers.
BENCH_WORK_N ?= 1,64
BENCH_TAR := $(B)/bench/tree.tar

.PHONY: bench-work
bench-work: module $(BENCH_BIN) $(BENCH_TAR)
	$(call bench_run,work,$(BENCH_WORK_N),--tar /tree.tar,\
		tests/bench/in-memory $(BENCH_BIN) $(BENCH_TAR))

# What runs in a container, in a root of Debian's packages.
BENCH_SYSTEM_N ?= 1,64
BENCH_ROOT := $(B)/bench/root.tar

.PHONY: bench-system
bench-system: BENCH_MEM := 8192
bench-system: module $(BENCH_BIN) $(BENCH_ROOT)
	$(call bench_run,system,$(BENCH_SYSTEM_N),--tar $(BENCH_ROOT))

$(BENCH_ROOT): tests/selftests/workloads-prepare
	tests/selftests/workloads-prepare $(@D) apache2-utils gcc libc6-dev nginx sqlite3

# One process and two: on two processors, so always by the clock on the wall.
BENCH_PARALLEL_N ?= 1,64

.PHONY: bench-parallel
bench-parallel: BENCH := wall
bench-parallel: module $(BENCH_BIN)
	@mkdir -p $(B)/bench
	$(call bench_run,parallel,$(BENCH_PARALLEL_N))

# Many containers of one image.
BENCH_SCALE_N ?= 64
BENCH_CONTAINERS ?= 1000

.PHONY: bench-scale
bench-scale: module $(BENCH_BIN)
	@mkdir -p $(B)/bench
	$(call bench_run,scale,$(BENCH_SCALE_N),--containers $(BENCH_CONTAINERS))

# Where the headers of a configuration find those that all have in common.
$(BENCH_TAR):
	@mkdir -p $(@D)
	tar -cf $@.tmp --sort=name --owner=0 --group=0 \
		-C $$(sed -n 's,^include \(.*\)/Makefile$$,\1,p' $(KDIR)/Makefile)/include linux uapi
	mv $@.tmp $@

# Cost against the number of layers, from what the last make bench has written.
.PHONY: bench-plot
bench-plot:
	tests/bench/plot $(B)/bench/ops.json >$(B)/bench/walk.svg
	cp $(B)/bench/walk.svg Documentation/performance-walk.svg

$(BENCH_BIN): $(wildcard tests/bench/*.[ch])
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $(filter %.c,$^)
