// SPDX-License-Identifier: GPL-2.0-only
/* What SIGINT, SIGTERM and SIGHUP do to a long command of layerctl */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static char work[] = "/var/tmp/layerfs-interrupt-XXXXXX";

static char *in_work(const char *name)
{
	static char path[4][128];
	static unsigned int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", work, name);
	return path[next];
}

/* layerctl beside this program, at work on a store that another has locked */
static pid_t start(bool ignore, int *report)
{
	char self[512], *slash;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 64);
	int fds[2];
	pid_t pid;

	assert_true(len > 0);
	self[len] = '\0';
	for (int up = 0; up < 3; up++) {
		slash = strrchr(self, '/');
		assert_non_null(slash);
		*slash = '\0';
	}
	strcat(self, "/bin/layerctl");
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		if (ignore)
			signal(SIGHUP, SIG_IGN);
		execl(self, self, "--root", in_work("store"), "fsck", "--repair", NULL);
		_exit(127);
	}
	close(fds[1]);
	*report = fds[0];
	return pid;
}

static void wait_for(int report, const char *what)
{
	char said[1024] = "";
	size_t len = 0;

	while (!strstr(said, what)) {
		ssize_t n = read(report, said + len, sizeof(said) - 1 - len);

		if (n <= 0)
			fail_msg("no \"%s\" but: %s", what, said);
		len += n;
		said[len] = '\0';
	}
}

static int lock_store(void)
{
	int fd = open(in_work("store/lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	return fd;
}

static void it_dies_of_the_signal(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	int lock = lock_store(), report, status;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		pid_t pid = start(false, &report);

		wait_for(report, "waiting for");
		assert_int_equal(kill(pid, signals[i]), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(report);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
	}
	close(lock);
}

static void what_nohup_ignores_stays_ignored(void **state)
{
	int lock = lock_store(), report, status;
	pid_t pid = start(true, &report);

	(void)state;
	wait_for(report, "waiting for");
	assert_int_equal(kill(pid, SIGHUP), 0);
	usleep(200000);
	close(lock);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(report);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int make_work(void **state)
{
	char command[512];

	(void)state;
	if (geteuid() || !mkdtemp(work))
		return -1;
	snprintf(command, sizeof(command),
		 "cd %s && umask 077 && mkdir -p store/images store/layers/sha256 store/tmp", work);
	return system(command);
}

static int remove_work(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", work);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_dies_of_the_signal),
		cmocka_unit_test(what_nohup_ignores_stays_ignored),
	};

	return cmocka_run_group_tests(tests, make_work, remove_work);
}
