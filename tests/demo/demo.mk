# SPDX-License-Identifier: GPL-2.0-only
# make demo: three nginx containers of two images, in a guest.

DEMO_IMAGE := $(B)/demo/image-b/index.json

.PHONY: demo
demo: module tools $(DEMO_IMAGE)
	@echo '== Boot a guest with layerfs.ko'
	@tests/vm/run --ko $(KO) $(VMFLAGS) -- tests/demo/guest $(B)/demo

# Kept between runs; what it takes is mostly downloads.
$(DEMO_IMAGE): $(addprefix tests/demo/,images sources tree-diff oci-layout lib.sh) \
		$(wildcard tests/demo/files/*)
	@echo '== Make two images from Debian packages (kept in $(B)/demo)'
	@tests/demo/images $(B)/demo
