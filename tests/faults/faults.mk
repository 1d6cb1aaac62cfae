# SPDX-License-Identifier: GPL-2.0-only
# The fault sweep: every step of every operation fails once.

FT := tests/faults
FTB := $(B)/tests/faults
FT_OBJS := $(patsubst $(FT)/%.c,$(FTB)/%.o,$(sort $(wildcard $(FT)/*.c)))

# What ext4 says when its own allocations or its disk fail is no fault.
FT_EXPECT := EXT4-fs error .*(Out of memory|IO failure|error -5|unable to read|reading directory|checksumming directory|Cannot read inode bitmap)
FT_VM = dir=$$(tests/vm/debug-kernel) && $(MAKE) module KDIR=$$dir/build && \
	tests/vm/run --debug --mem 2048 --smp 1 --expect '$(FT_EXPECT)' $(VMFLAGS)

.PHONY: faults-build faults guest-faults
faults-build: $(FTB)/sweep

# All points, with an upper in memory, where nearly all of them are our own;
# then some of those that ext4 adds, and its disks.
faults: faults-build
	$(FT_VM) --scratch-fs tmpfs --timeout 14000 -- $(FT)/run 'slab.*' 'page.*'
	$(FT_VM) --scratch-fs brd --timeout 14000 -- $(FT)/run --step 5 'slab.*' 'page.*'
	$(FT_VM) --scratch-fs tmpfs --timeout 14000 -- $(FT)/run 'layers.*' 'upper.*' \
		'blocks.*' 'inodes.*' 'quota.*' 'quota_inodes.*'

# A sample of it, for every check.
guest-faults: faults-build
	$(FT_VM) --scratch-fs tmpfs --timeout 900 -- $(FT)/run --step 7 \
		slab.mount slab.chmod_deep slab.write_big slab.readdir_merged slab.lookup_copied \
		slab.create_over_whiteout slab.unlink_both slab.rename_dir slab.umount \
		slab.truncate slab.show_options slab.rename_upper_whiteout slab.follow_moved \
		page.write_big layers.write_big upper.rename_dir blocks.write_big \
		inodes.create quota.write_small

$(FTB)/%.o: $(FT)/%.c
	@mkdir -p $(@D)
	$(CC) $(ST_CFLAGS) -Itests/selftests -c -o $@ $<

$(FTB)/sweep: $(addprefix $(STB)/,handle.o idmap.o netlink.o runner.o userns.o) $(ST_COMMON) $(FT_OBJS)
	$(CC) $(ST_CFLAGS) -o $@ $^ -lmnl

-include $(wildcard $(FTB)/*.d)
