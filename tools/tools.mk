# SPDX-License-Identifier: GPL-2.0-only
# liblayerfs, layerctl and mount.layerfs. Included by the top Makefile.

B ?= build
VERSION ?= 0
TOOLS_PKGS := mount libmnl json-c libarchive libcrypto
TOOLS_CFLAGS := -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iinclude/uapi \
	-Itools/lib -fvisibility=hidden -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers
# Asked when something is built, not whenever make reads this file.
tools_pkg = $(shell pkg-config $(1) $(TOOLS_PKGS))
TOOLS_PKG_CFLAGS = $(eval TOOLS_PKG_CFLAGS := $(call tools_pkg,--cflags))$(TOOLS_PKG_CFLAGS)
TOOLS_PKG_LIBS = $(eval TOOLS_PKG_LIBS := $(call tools_pkg,--libs))$(TOOLS_PKG_LIBS)

tools_objs = $(patsubst %.c,$(B)/%.o,$(sort $(wildcard $(1)/*.c)))

LIBLAYERFS := $(B)/lib/liblayerfs.a
LIBLAYERFS_OBJS := $(call tools_objs,tools/lib)
LAYERCTL := $(B)/bin/layerctl
LAYERCTL_OBJS := $(call tools_objs,tools/layerctl)
MOUNT_LAYERFS := $(B)/bin/mount.layerfs
MOUNT_LAYERFS_OBJS := $(call tools_objs,tools/mount.layerfs)
LAYERCTL_COMPLETION := $(B)/completion/layerctl
TOOLS_MANS := $(wildcard Documentation/man/*.[1-8])

TOOLS_OBJS := $(LIBLAYERFS_OBJS) $(LAYERCTL_OBJS) $(MOUNT_LAYERFS_OBJS)

$(B)/tools/layerctl/help.o: TOOLS_CFLAGS += -DLAYERFS_VERSION='"$(VERSION)"'

.PHONY: tools tools-install
tools: $(LIBLAYERFS) $(LAYERCTL) $(MOUNT_LAYERFS) $(LAYERCTL_COMPLETION)

$(TOOLS_OBJS): $(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(TOOLS_CFLAGS) $(TOOLS_PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(LIBLAYERFS): $(LIBLAYERFS_OBJS)
	@mkdir -p $(@D)
	rm -f $@ && $(AR) rcs $@ $^

$(LAYERCTL): $(LAYERCTL_OBJS) $(LIBLAYERFS)
$(MOUNT_LAYERFS): $(MOUNT_LAYERFS_OBJS) $(LIBLAYERFS)
$(LAYERCTL) $(MOUNT_LAYERFS):
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(TOOLS_PKG_LIBS)

$(LAYERCTL_COMPLETION): $(LAYERCTL)
	@mkdir -p $(@D)
	$(LAYERCTL) completion bash >$@.tmp && mv $@.tmp $@

PREFIX ?= /usr/local
SBINDIR ?= /sbin
# mount(8) looks for helpers in /sbin only, whatever PREFIX says.
tools-install: tools
	install -D -m 755 $(LAYERCTL) $(DESTDIR)$(PREFIX)/bin/layerctl
	install -D -m 755 $(MOUNT_LAYERFS) $(DESTDIR)$(SBINDIR)/mount.layerfs
	install -D -m 644 $(LAYERCTL_COMPLETION) \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/layerctl
	for m in $(TOOLS_MANS); do \
		install -D -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; \
	done

-include $(TOOLS_OBJS:.o=.d)
