/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's process 1: bring the machine up, run one command, take all down
 * again and say on the verdict port what happened at each step.
 *
 *	init.c		the steps in their order
 *	config.c	what the runner asked for
 *	setup.c		mounts, scratch disk, network, our module
 *	command.c	the command and its output
 *	teardown.c	what must be free at the end, and whether it is
 */
#ifndef LAYERFS_VM_GUEST_H
#define LAYERFS_VM_GUEST_H

#include <stdbool.h>
#include <stddef.h>

#define SCRATCH_DIR "/mnt/scratch"
#define OUT_DIR "/mnt/out"
#define MODULE_NAME "layerfs"

/**
 * struct config - the runner's wishes, read from /config in the initramfs
 * @argv: command and arguments, NULL at the end
 * @env: NAME=VALUE strings to add to the command's environment, NULL at the end
 * @keep: host paths to be seen even where a tmpfs covers their parent
 * @cwd: directory the command starts in
 * @ko: module to load, or NULL for none
 * @scratch: ext4, xfs, btrfs, tmpfs or brd
 * @modules: directory to show as /lib/modules/<release>, or NULL
 * @out: whether a host directory is to be mounted on OUT_DIR
 */
struct config {
	char **argv;
	char **env;
	char **keep;
	const char *cwd;
	const char *ko;
	const char *scratch;
	const char *modules;
	bool out;
};

int config_read(const char *path, struct config *cfg);

void verdict_open(void);
__attribute__((format(printf, 2, 3)))
void verdict(const char *key, const char *fmt, ...);
__attribute__((format(printf, 1, 2), noreturn))
void die(const char *fmt, ...);
int port_open(const char *name);
__attribute__((noreturn)) void power_off(void);

int read_text(const char *path, char *buf, size_t size);
int write_text(const char *path, const char *text);
int spawn(char *const argv[]);

void setup_early(void);
void setup_root(const struct config *cfg);
void setup_devices(const struct config *cfg);
void setup_module(const char *ko);
void setup_kcsan(void);
const char *scratch_disk(const struct config *cfg);

int command_run(const struct config *cfg);

void teardown_scratch(const struct config *cfg);
void teardown_module(void);
void teardown_leaks(void);
void teardown_taint(void);

#endif
