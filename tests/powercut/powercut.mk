# SPDX-License-Identifier: GPL-2.0-only
# Power cuts: built on the host, run in a guest.  POWERCUT_ARGS: see
# tests/powercut/run --help.

B ?= build
PC := tests/powercut
PCB := $(B)/tests/powercut
PC_CFLAGS := $(CFLAGS) -Iinclude/uapi -pthread -MMD -MP
PC_HARNESS := $(addprefix $(PCB)/,powercut.o device.o log.o random.o replay.o)
PC_WORKLOAD := $(addprefix $(PCB)/,workload.o device.o exec.o gen.o model.o pattern.o \
	random.o scan.o upper.o verify.o)

.PHONY: powercut powercut-tools
powercut: module powercut-tools
	tests/powercut/run --ko $(KO) $(POWERCUT_ARGS)

powercut-tools: $(PCB)/powercut $(PCB)/workload

$(PCB)/%.o: $(PC)/%.c
	@mkdir -p $(@D)
	$(CC) $(PC_CFLAGS) -c -o $@ $<

$(PCB)/powercut: $(PC_HARNESS)
	$(CC) $(PC_CFLAGS) -o $@ $^

$(PCB)/workload: $(PC_WORKLOAD)
	$(CC) $(PC_CFLAGS) -o $@ $^

-include $(wildcard $(PCB)/*.d)
