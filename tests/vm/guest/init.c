// SPDX-License-Identifier: GPL-2.0-only
/* The steps in their order, and the verdict port that reports them. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static int verdict_fd = -1;

/* A port is known by its name only in sysfs. */
int port_open(const char *name)
{
	char path[64], text[64];
	int i;

	for (i = 1; i < 8; i++) {
		snprintf(path, sizeof(path),
			 "/sys/class/virtio-ports/vport0p%d/name", i);
		if (read_text(path, text, sizeof(text)) < 0 ||
		    strcmp(text, name))
			continue;
		snprintf(path, sizeof(path), "/dev/vport0p%d", i);
		return open(path, O_WRONLY | O_CLOEXEC);
	}
	errno = ENODEV;
	return -1;
}

void verdict_open(void)
{
	verdict_fd = port_open("verdict");
	if (verdict_fd < 0)
		die("verdict port: %s", strerror(errno));
}

static void say(const char *key, const char *fmt, va_list args)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s ", key);

	n += vsnprintf(line + n, sizeof(line) - n, fmt, args);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(verdict_fd < 0 ? STDERR_FILENO : verdict_fd, line, n) != n)
		fprintf(stderr, "verdict lost: %.*s", n, line);
}

void verdict(const char *key, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(key, fmt, args);
	va_end(args);
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("fail", fmt, args);
	va_end(args);
	power_off();
}

void power_off(void)
{
	/* The runner passes -no-reboot: a reset ends the emulator, and needs
	 * no ACPI, which the debug kernel does without.
	 */
	reboot(RB_AUTOBOOT);
	_exit(1);
}

/* A file's first line, without its newline. */
int read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	n = n < 0 ? -errno : 0;
	close(fd);
	return n;
}

/* Run one of the host's programs; its output goes to the kernel's console. */
int spawn(char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (!pid) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int main(void)
{
	struct config cfg;
	int err, status;

	setup_early();
	verdict_open();
	verdict("step", "boot");
	err = config_read("/config", &cfg);
	if (err)
		die("config: %s", strerror(-err));
	setup_root(&cfg);
	setup_devices(&cfg);
	if (cfg.ko)
		setup_module(cfg.ko);
	setup_kcsan();

	verdict("step", "command");
	status = command_run(&cfg);
	verdict("exit", "%d", status);

	teardown_scratch(&cfg);
	if (cfg.ko) {
		teardown_module();
		teardown_leaks();
	}
	teardown_taint();
	verdict("step", "done");
	power_off();
}
