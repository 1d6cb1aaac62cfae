// SPDX-License-Identifier: GPL-2.0-only
/* Mounts, scratch disk, network and our module. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "guest.h"

/* What the guest may write to; the rest is the host's and read-only. */
static const char *const covered[] = { "/tmp", "/run", "/var/tmp", "/mnt" };

#define N_COVERED (sizeof(covered) / sizeof(covered[0]))

static void must_mount(const char *src, const char *dir, const char *type,
		       unsigned long flags, const char *data)
{
	if (mount(src, dir, type, flags, data))
		die("mount %s on %s: %s", type ? type : src, dir,
		    strerror(errno));
}

/* Filesystems that one of the kernels may have been built without. */
static void may_mount(const char *type, const char *dir)
{
	if (mount(type, dir, type, 0, NULL))
		fprintf(stderr, "init: no %s: %s\n", type, strerror(errno));
}

void setup_early(void)
{
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/host", 0755);
	must_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	must_mount("proc", "/proc", "proc", 0, NULL);
	must_mount("sysfs", "/sys", "sysfs", 0, NULL);
}

static bool is_covered(const char *path)
{
	size_t i, len;

	for (i = 0; i < N_COVERED; i++) {
		len = strlen(covered[i]);
		if (!strncmp(path, covered[i], len) &&
		    (path[len] == '/' || !path[len]))
			return true;
	}
	return false;
}

static void mkdir_parents(const char *path)
{
	char part[PATH_MAX];
	size_t i;

	for (i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		mkdir(part, 0755);
	}
	mkdir(path, 0755);
}

/* A checkout may well lie under /tmp: show it through the tmpfs on top. */
static void uncover(const char *path, int fd)
{
	char proc[32];

	if (fd < 0)
		die("%s: not on the host", path);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	mkdir_parents(path);
	must_mount(proc, path, NULL, MS_BIND, NULL);
	close(fd);
}

static void cover(const struct config *cfg)
{
	int fd[16];
	size_t i, n;

	for (n = 0; cfg->keep && cfg->keep[n]; n++) {
		if (n == sizeof(fd) / sizeof(fd[0]))
			die("too many paths to keep");
		fd[n] = open(cfg->keep[n], O_PATH | O_CLOEXEC);
	}
	for (i = 0; i < N_COVERED; i++)
		must_mount("tmpfs", covered[i], "tmpfs", 0, "mode=1777");
	mkdir(SCRATCH_DIR, 0755);
	mkdir(OUT_DIR, 0755);
	mkdir("/run/lock", 0755);
	for (i = 0; i < n; i++) {
		if (is_covered(cfg->keep[i]))
			uncover(cfg->keep[i], fd[i]);
		else
			close(fd[i]);
	}
}

/* A kernel of our own has its modules, if any, in a place of their own. */
static void show_modules(const char *dir)
{
	struct utsname uts;
	char link[PATH_MAX];

	uname(&uts);
	must_mount("tmpfs", "/lib/modules", "tmpfs", 0, NULL);
	snprintf(link, sizeof(link), "/lib/modules/%s", uts.release);
	if (symlink(dir, link))
		die("%s: %s", link, strerror(errno));
}

/* Process 1 shares its root with the kernel's threads until it forks, so
 * this is also the root in which the kernel looks for modprobe.
 */
void setup_root(const struct config *cfg)
{
	must_mount("host", "/host", "virtiofs", MS_RDONLY, NULL);
	must_mount("/dev", "/host/dev", NULL, MS_MOVE, NULL);
	must_mount("/proc", "/host/proc", NULL, MS_MOVE, NULL);
	must_mount("/sys", "/host/sys", NULL, MS_MOVE, NULL);
	if (chdir("/host"))
		die("chdir /host: %s", strerror(errno));
	must_mount(".", "/", NULL, MS_MOVE, NULL);
	if (chroot("."))
		die("chroot: %s", strerror(errno));
	cover(cfg);
	if (cfg->modules)
		show_modules(cfg->modules);
	mkdir("/dev/pts", 0755);
	mkdir("/dev/shm", 01777);
	mkdir("/dev/mqueue", 01777);
	must_mount("devpts", "/dev/pts", "devpts", 0,
		   "gid=5,mode=620,ptmxmode=666");
	must_mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777");
	may_mount("mqueue", "/dev/mqueue");
	may_mount("debugfs", "/sys/kernel/debug");
	may_mount("tracefs", "/sys/kernel/tracing");
	may_mount("securityfs", "/sys/kernel/security");
	may_mount("cgroup2", "/sys/fs/cgroup");
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		die("loopback interface: %s", strerror(errno));
	close(fd);
}

static void modprobe(const char *name)
{
	spawn((char *[]){ "/sbin/modprobe", (char *)name, NULL });
}

/* The device under the scratch directory, or NULL if there is none. */
const char *scratch_disk(const struct config *cfg)
{
	if (!strcmp(cfg->scratch, "tmpfs"))
		return NULL;
	return strcmp(cfg->scratch, "brd") ? "/dev/vda" : "/dev/ram0";
}

static void mount_scratch(const struct config *cfg)
{
	const char *disk = scratch_disk(cfg), *type = cfg->scratch;
	bool ram = !strcmp(type, "brd");

	if (!disk) {
		must_mount("tmpfs", SCRATCH_DIR, "tmpfs", 0, "size=75%");
		return;
	}
	if (access(disk, F_OK))
		modprobe(ram ? "brd" : "virtio_blk");
	/* A ram disk is empty at each boot; the runner has made the other. */
	if (ram) {
		type = "ext4";
		if (spawn((char *[]){ "/sbin/mkfs.ext4", "-q", (char *)disk,
				      NULL }))
			die("mkfs.ext4 %s failed", disk);
	}
	must_mount(disk, SCRATCH_DIR, type, 0, NULL);
}

void setup_devices(const struct config *cfg)
{
	/* As a service manager would leave them. */
	struct rlimit files = { 1024, 524288 };

	setrlimit(RLIMIT_NOFILE, &files);
	/* On a busy host nothing of an emulator runs for seconds. */
	write_text("/proc/sys/kernel/watchdog_thresh", "60");
	sethostname("guest", 5);
	loopback_up();
	mount_scratch(cfg);
	if (cfg->out)
		must_mount("out", OUT_DIR, "virtiofs", 0, NULL);
}

void setup_module(const char *ko)
{
	int fd = open(ko, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("module %s: %s", ko, strerror(errno));
	if (syscall(SYS_finit_module, fd, "", 0))
		die("the kernel refuses %s: %s", ko, strerror(errno));
	close(fd);
}

/* Where the kernel can look for data races: from now on, not while it boots. */
void setup_kcsan(void)
{
	static const char file[] = "/sys/kernel/debug/kcsan";

	if (!access(file, F_OK) && write_text(file, "on"))
		die("KCSAN does not start");
}
