# SPDX-License-Identifier: GPL-2.0-only
# Power cuts while the store changes. POWERCUT_STORE_FS, POWERCUT_STORE_POINTS

POWERCUT_STORE_FS ?= ext4 xfs btrfs
POWERCUT_STORE_POINTS ?= 500

.PHONY: powercut-store
powercut-store: tools module powercut-tools $(KILLAT) $(B)/tests/powercut/store-check
	for fs in $(POWERCUT_STORE_FS); do \
		tests/vm/run --ko $(KO) --smp 1 --timeout 3000 $(VMFLAGS) -- \
			tests/powercut/store $$fs $(POWERCUT_STORE_POINTS) || exit 1; \
	done

$(B)/tests/powercut/store-check: tests/powercut/store-check.c $(LIBLAYERFS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TOOLS_CFLAGS) $(TOOLS_PKG_CFLAGS) $(LDFLAGS) -o $@ $< $(LIBLAYERFS) \
		-Wl,--as-needed $(TOOLS_PKG_LIBS)
