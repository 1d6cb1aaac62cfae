// SPDX-License-Identifier: GPL-2.0-only
/* The command and its output, passed on as it comes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/**
 * struct stream - one of the command's outputs
 * @from: our end of the pipe; -1 once every writer is gone
 * @to: the port that leads to the host
 */
struct stream {
	int from;
	int to;
};

static void stream_open(struct stream *s, const char *port, int *child)
{
	int fd[2];

	s->to = port_open(port);
	if (s->to < 0 || pipe2(fd, O_CLOEXEC))
		die("%s port: %s", port, strerror(errno));
	s->from = fd[0];
	*child = fd[1];
}

static void stream_pump(struct stream *s)
{
	char buf[16384];
	ssize_t n = read(s->from, buf, sizeof(buf)), done = 0, w;

	if (n <= 0) {
		close(s->from);
		s->from = -1;
		return;
	}
	while (done < n) {
		w = write(s->to, buf + done, n - done);
		if (w < 0)
			die("output lost: %s", strerror(errno));
		done += w;
	}
}

static void become(const struct config *cfg, int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), i;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	setsid();
	/* Whatever the command leaves mounted goes with its last process. */
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		perror("init: mount namespace");
		_exit(125);
	}
	if (chdir(cfg->cwd)) {
		fprintf(stderr, "init: %s: %s\n", cfg->cwd, strerror(errno));
		_exit(125);
	}
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	setenv("LANG", "C.UTF-8", 1);
	setenv("TERM", "dumb", 1);
	setenv("LFS_SCRATCH", SCRATCH_DIR, 1);
	setenv("LFS_GUEST", "1", 1);
	for (i = 0; cfg->env && cfg->env[i]; i++)
		putenv(cfg->env[i]);
	execvp(cfg->argv[0], cfg->argv);
	i = errno;
	fprintf(stderr, "init: %s: %s\n", cfg->argv[0], strerror(i));
	_exit(i == ENOENT ? 127 : 126);
}

/* Reap all that is dead; returns the command's status once it is among them. */
static int reap(pid_t command, int *status)
{
	int raw, found = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &raw, WNOHANG)) > 0) {
		if (pid != command)
			continue;
		*status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) :
					     WEXITSTATUS(raw);
		found = 1;
	}
	return found;
}

int command_run(const struct config *cfg)
{
	struct stream out, err;
	struct pollfd p[3];
	sigset_t chld;
	int fd_out, fd_err, sigs, status = 0;
	bool dead = false;
	struct signalfd_siginfo si;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sigs = signalfd(-1, &chld, SFD_CLOEXEC);
	stream_open(&out, "stdout", &fd_out);
	stream_open(&err, "stderr", &fd_err);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid)
		become(cfg, fd_out, fd_err);
	close(fd_out);
	close(fd_err);

	while (!dead || out.from >= 0 || err.from >= 0) {
		p[0] = (struct pollfd){ .fd = out.from, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = err.from, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = sigs, .events = POLLIN };
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[0].revents)
			stream_pump(&out);
		if (p[1].revents)
			stream_pump(&err);
		if (p[2].revents && read(sigs, &si, sizeof(si)) > 0 &&
		    reap(pid, &status)) {
			/* Nobody may write on, or keep the scratch disk. */
			dead = true;
			kill(-1, SIGKILL);
		}
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return status;
}
