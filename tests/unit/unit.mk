# SPDX-License-Identifier: GPL-2.0-only
# Tests on the host: one program for each tests/unit/test_*.c, and the scripts
# of tests/cli. Included by the top Makefile.
#
# A test may need more sources than the library, layerctl without its main()
# and mount.layerfs without its own:
#   UNIT_SRCS_test_NAME := kmod/.../file.c
#   UNIT_CFLAGS_test_NAME := -Itests/unit/stubs

B ?= build
UNIT_TESTS := $(basename $(notdir $(wildcard tests/unit/test_*.c)))
UNIT_BINS := $(UNIT_TESTS:%=$(B)/tests/unit/%)
UNIT_AR := $(B)/tests/unit/layerctl.a $(B)/tests/unit/mount.layerfs.a
CLI_TESTS := $(sort $(wildcard tests/cli/test_*.sh))
KILLAT := $(B)/tests/cli/killat

# The kernel's answers are the test's.
WITH_KERNEL_FAKED := test_umount_rm test_container_damaged test_store_gc test_store_names test_wait
$(foreach t,$(WITH_KERNEL_FAKED),$(eval UNIT_CFLAGS_$(t) := -Wl,--wrap=layerfs_stats_read))

.PHONY: unit guest-tools store-kill
unit: $(UNIT_BINS) $(KILLAT) tools
	tests/unit/run $(UNIT_BINS) $(CLI_TESTS)

# Each point of the sweep, which `make unit` does in steps.
store-kill: $(KILLAT) tools module
	LFS_KILL_STEP=1 tests/unit/run tests/cli/test_store_kill.sh
	tests/vm/run --ko $(KO) --timeout 2000 $(VMFLAGS) --env LFS_KILL_STEP=1 -- \
		tests/unit/run tests/cli/guest_kill.sh

$(KILLAT): tests/cli/killat.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -D_GNU_SOURCE -o $@ $<

# The tools against the real module.
guest-tools: tools module $(KILLAT)
	tests/vm/run --ko $(KO) $(VMFLAGS) -- tests/unit/run tests/cli/guest_tools.sh \
		tests/cli/guest_kill.sh tests/cli/guest_stores.sh \
		tests/cli/guest_store_inside.sh tests/cli/guest_user_build.sh

$(UNIT_AR): $(B)/tests/unit/%.a: $(LAYERCTL_OBJS) $(MOUNT_LAYERFS_OBJS)
	@mkdir -p $(@D)
	rm -f $@ && $(AR) rcs $@ $(filter-out %/main.o,$(filter $(B)/tools/$*/%,$^))

.SECONDEXPANSION:
$(UNIT_BINS): $(B)/tests/unit/%: tests/unit/%.c $$(UNIT_SRCS_%) $(UNIT_AR) $(LIBLAYERFS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TOOLS_CFLAGS) $(TOOLS_PKG_CFLAGS) $(UNIT_CFLAGS_$*) $(LDFLAGS) -MMD -MP -MF $@.d \
		-o $@ $< $(UNIT_SRCS_$*) $(UNIT_AR) $(LIBLAYERFS) \
		-Wl,--as-needed -lcmocka $(TOOLS_PKG_LIBS)

-include $(UNIT_BINS:%=%.d)
