// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kill a command at a chosen one of its system calls: of those that change
 * something that outlives the process. The call is not made.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
	"Usage: killat N COMMAND...\n"
	"\n"
	"Run COMMAND and send it SIGKILL where it is about to make its Nth system call\n"
	"that changes files, directories or mounts; then exit with 137. Otherwise exit\n"
	"as it does. With N = 0 it runs to its end, and the last line on standard error\n"
	"is how many such calls it made.\n"
	"Changes to standard output and standard error do not count. COMMAND must not\n"
	"have threads or children.\n";

static bool changes(const struct __ptrace_syscall_info *info)
{
	const uint64_t *arg = info->entry.args;

	switch (info->entry.nr) {
	case SYS_openat:
		return arg[2] & (O_CREAT | O_TRUNC);
	case SYS_write:
	case SYS_writev:
		return arg[0] > STDERR_FILENO;
#ifdef SYS_open
	case SYS_open:
		return arg[1] & (O_CREAT | O_TRUNC);
	case SYS_mkdir:
	case SYS_rename:
	case SYS_unlink:
	case SYS_rmdir:
	case SYS_link:
	case SYS_symlink:
	case SYS_chmod:
	case SYS_chown:
	case SYS_lchown:
	case SYS_mknod:
#endif
	case SYS_pwrite64:
	case SYS_ftruncate:
	case SYS_truncate:
	case SYS_fallocate:
	case SYS_copy_file_range:
	case SYS_mkdirat:
	case SYS_mknodat:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_unlinkat:
	case SYS_linkat:
	case SYS_symlinkat:
	case SYS_fchmod:
	case SYS_fchmodat:
	case SYS_fchown:
	case SYS_fchownat:
	case SYS_utimensat:
	case SYS_setxattr:
	case SYS_lsetxattr:
	case SYS_fsetxattr:
	case SYS_removexattr:
	case SYS_lremovexattr:
	case SYS_fremovexattr:
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_syncfs:
	case SYS_flock:
	case SYS_mount:
	case SYS_umount2:
	case SYS_fsopen:
	case SYS_fsconfig:
	case SYS_fsmount:
	case SYS_move_mount:
	case SYS_mount_setattr:
		return true;
	}
	return false;
}

static bool is_change(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0) {
		perror("killat: PTRACE_GET_SYSCALL_INFO");
		exit(2);
	}
	return info.op == PTRACE_SYSCALL_INFO_ENTRY && changes(&info);
}

static pid_t start(char **argv)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) {
			perror("killat: PTRACE_TRACEME");
			_exit(127);
		}
		raise(SIGSTOP);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD |
		   PTRACE_O_TRACEEXEC)) {
		perror("killat: cannot trace");
		exit(2);
	}
	return pid;
}

static int end_it(pid_t pid)
{
	int status;

	if (kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status)) {
		perror("killat: cannot kill");
		return 2;
	}
	return 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	long at, count = 0;
	char *end;
	int status, sig = 0;
	pid_t pid;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	at = argc > 2 ? strtol(argv[1], &end, 10) : -1;
	if (at < 0 || *end) {
		fputs(usage, stderr);
		return 2;
	}
	pid = start(argv + 2);
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, sig) || waitpid(pid, &status, 0) != pid) {
			perror("killat: cannot go on");
			return 2;
		}
		if (!WIFSTOPPED(status))
			break;
		sig = WSTOPSIG(status);
		if (status >> 16) {
			sig = 0;
		} else if (sig == (SIGTRAP | 0x80)) {
			sig = 0;
			if (is_change(pid) && ++count == at)
				return end_it(pid);
		}
	}
	if (!at)
		fprintf(stderr, "%ld\n", count);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
