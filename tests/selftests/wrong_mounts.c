// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wrong mounts and what a user is told, for Documentation/wrong-mounts.rst: by the log
 * of the fs_context, by the kernel's log for mount(2), by mount.layerfs (which mount(8)
 * runs) and by layerctl.
 *
 * Each has a process, a mount namespace and a tree of its own:
 *
 *	l1/		file, dir/
 *	l2/
 *	upper/, work/	in/ in each
 *	other/
 *	mnt/		where to mount
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kmsg.h"
#include "probe.h"
#include "userns.h"
#include "wrong_mounts.h"

#define SKIPPED	"SKIPPED\n"
#define BEGIN	".. wrong mounts: begin"
#define END	".. wrong mounts: end"

static char bin[4096], here[4096];
static int kmsg = -1;

void skip(void)
{
	probe_say(SKIPPED);
	_exit(0);
}

static void make_tree(void)
{
	fx_dirs(2);
	mk_file("l1/file", "");
	mk_dir("l1/dir");
	mk_dir("upper/in");
	mk_dir("work/in");
	mk_dir("other");
}

static void become(unsigned int flags)
{
	if (flags & NOBODY) {
		CHECK_SYS(setresgid(NS_ROOT, NS_ROOT, NS_ROOT));
		CHECK_SYS(setresuid(NS_ROOT, NS_ROOT, NS_ROOT));
	}
	if (flags & USERNS)
		enter_userns();
}

/* Of a mount without a disk, as mountinfo has it. */
#define DEVICE	"mount 0:"

/* Paths, digests and device numbers that differ each time are cut out of @text. */
static void normalize(char *text)
{
	size_t len = strlen(here), hex;
	char *in = text, *out = text;

	while (*in) {
		if (!strncmp(in, here, len)) {
			in += len;
			continue;
		}
		if (!strncmp(in, DEVICE, strlen(DEVICE))) {
			in += strlen(DEVICE) + strspn(in + strlen(DEVICE), "0123456789");
			out = stpcpy(out, DEVICE "N");
			continue;
		}
		hex = strspn(in, "0123456789abcdef");
		if (hex == 64) {
			out = stpcpy(out, "...");
			in += hex;
			continue;
		}
		*out++ = *in++;
	}
	*out = '\0';
	while (out > text && out[-1] == '\n')
		*--out = '\0';
}

/* The message in the log of an fs_context, without "e layerfs: ". */
static void take_log(int fd, char *text, size_t size)
{
	char line[1024];
	ssize_t n;

	text[0] = '\0';
	while ((n = read(fd, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		if (strncmp(line, "e layerfs: ", 11))
			FAIL("logged: %s", line);
		if (strlen(text) + n < size)
			strcat(strcat(text, *text ? "; " : ""), line + 11);
	}
	normalize(text);
}

static int configure(int fd, const struct wrong *w)
{
	bool remount = w->flags & REMOUNT;
	char copy[512], *save, *key, *value;

	snprintf(copy, sizeof(copy), "%s", w->options);
	for (key = strtok_r(copy, ",", &save); key; key = strtok_r(NULL, ",", &save)) {
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		if (fsconfig(fd, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key,
			     value, 0))
			return errno;
	}
	return fsconfig(fd, remount ? FSCONFIG_CMD_RECONFIGURE : FSCONFIG_CMD_CREATE,
			NULL, NULL, 0) ? errno : 0;
}

static int by_fsconfig(const struct wrong *w, char *text, size_t size)
{
	int fd, err;

	fd = w->flags & REMOUNT ? fspick(AT_FDCWD, "mnt", FSPICK_CLOEXEC) :
				  fsopen("layerfs", FSOPEN_CLOEXEC);
	if (fd < 0) {
		snprintf(text, size, "%s", w->flags & REMOUNT ? "(fspick)" : "(fsopen)");
		return errno;
	}
	err = configure(fd, w);
	take_log(fd, text, size);
	close(fd);
	return err;
}

/* mount(2) says to the kernel's log what fsconfig(2) says to the context's. */
static void check_by_mount2(const struct wrong *w, const char *want, int err)
{
	char line[2048], data[512], *device;

	snprintf(data, sizeof(data), "%s", w->options);
	snprintf(line, sizeof(line), "layerfs: %s", want);
	device = strstr(line, DEVICE "N");
	if (device)
		device[strlen(DEVICE)] = '\0';
	CHECK_SYS(lseek(kmsg, 0, SEEK_END));
	CHECK_ERR(mount("none", "mnt", "layerfs", w->flags & REMOUNT ? MS_REMOUNT : 0, data),
		  err);
	if (!kmsg_count(kmsg, line, ""))
		FAIL("%s: the kernel's log has no line '%s'", w->title, line);
}

static int run_command(char *const argv[], char *text, size_t size)
{
	int p[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	CHECK_SYS(pipe2(p, O_CLOEXEC));
	pid = CHECK_SYS(fork());
	if (!pid) {
		dup2(p[1], STDERR_FILENO);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	close(p[1]);
	while (len < size - 1 && (n = read(p[0], text + len, size - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	close(p[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	normalize(text);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int by_tool(const struct wrong *w, char *text, size_t size)
{
	const char *target = w->target ? w->target : "mnt";
	char options[512], prefix[300];
	char *argv[] = { "mount.layerfs", "none", (char *)target, "-o", options, NULL };
	int status;

	snprintf(options, sizeof(options), "%s%s", w->flags & REMOUNT ? "remount," : "",
		 w->options);
	status = run_command(argv, text, size);
	/* What every message begins with says nothing. */
	for (int i = 0; i < 2; i++) {
		snprintf(prefix, sizeof(prefix), "%s: ", argv[i ? 2 : 0]);
		if (!strncmp(text, prefix, strlen(prefix)))
			memmove(text, text + strlen(prefix), strlen(text + strlen(prefix)) + 1);
	}
	return status;
}

static void check_says(const struct wrong *w, const char *text)
{
	if (!strstr(text, w->names) || !strstr(text, w->reason))
		FAIL("%s: '%s' and '%s' are wanted in: %s", w->title, w->names, w->reason,
		     text);
}

static void probe_command(const struct wrong *w, char *text, size_t size)
{
	char *argv[] = { "sh", "-c", (char *)w->command, NULL };
	int status = run_command(argv, text, size);

	/* What follows says where there is more to read. */
	text[strcspn(text, "\n")] = '\0';
	check_says(w, text);
	probe_say("    %s\n    %-13s  %d: %s\n", w->command, "", status, text);
}

static void probe_wrong(const void *arg)
{
	const struct wrong *w = arg;
	char kernel[2048] = "", tool[2048];
	int err = 0, status;

	CHECK(getcwd(here, sizeof(here) - 1));
	strcat(here, "/");
	umask(0);
	make_tree();
	if (w->prepare)
		w->prepare();
	become(w->flags);
	if (w->command) {
		probe_command(w, kernel, sizeof(kernel));
		return;
	}
	probe_say("    %s%s\n", w->flags & REMOUNT ? "remount," : "", w->options);
	if (!(w->flags & TOOL_ONLY)) {
		err = by_fsconfig(w, kernel, sizeof(kernel));
		if (kernel[0] != '(') {
			check_says(w, kernel);
			check_by_mount2(w, kernel, err);
		}
		probe_say("    %-13s  %s: %s\n", "kernel", strerrorname_np(err), kernel);
	}
	if (w->flags & KERNEL_ONLY)
		return;
	status = by_tool(w, tool, sizeof(tool));
	check_says(w, tool);
	probe_say("    %-13s  %d: %s\n", "mount.layerfs", status,
		  strcmp(tool, kernel) ? tool : "the same");
}

static void print_case(FILE *out, const struct wrong *w, const char *text)
{
	fprintf(out, "%s::\n\n%s\n", w->title, text);
}

static void print_all(void)
{
	char text[8192];

	for (const struct wrong *w = wrongs; w->title; w++) {
		probe_run(probe_wrong, w, text, sizeof(text));
		print_case(stdout, w, strcmp(text, "FAILED") ? text : "    FAILED\n");
		fflush(stdout);
	}
}

/* The whole of a document, which ends in NUL. */
static char *slurp(const char *path)
{
	static char text[256 * 1024];
	FILE *f = fopen(path, "r");
	size_t len;

	if (!f)
		return NULL;
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	return text;
}

static int check_all(const char *document)
{
	char text[8192], want[16384];
	int n = 0, failed = 0;

	while (wrongs[n].title)
		n++;
	printf("TAP version 13\n1..%d\n", n);
	for (int i = 0; i < n; i++) {
		const struct wrong *w = &wrongs[i];
		bool ok, skipped;
		FILE *f;

		probe_run(probe_wrong, w, text, sizeof(text));
		skipped = !strcmp(text, SKIPPED);
		f = fmemopen(want, sizeof(want), "w");
		print_case(f, w, text);
		fclose(f);
		ok = skipped || strstr(document, want);
		if (!ok)
			printf("# not what the document says:\n# %s", text);
		printf("%sok %d - wrong_mounts.%s%s\n", ok ? "" : "not ", i + 1, w->title,
		       skipped ? " # SKIP not on this kernel" : "");
		fflush(stdout);
		failed += !ok;
	}
	return failed;
}

static const char usage[] =
	"Usage: wrong_mounts [--check DOCUMENT] [--help]\n"
	"Prints what a user is told of each wrong mount, for\n"
	"Documentation/wrong-mounts.rst.  --check compares with what is there.\n"
	"LFS_SCRATCH: where to work; B: where the tools were built.  Run it in the\n"
	"guest:\n"
	"    tests/vm/run -- build/tests/selftests/wrong_mounts\n";

int main(int argc, char **argv)
{
	static const struct option options[] = { { "check", required_argument, NULL, 'c' },
						 { "help", no_argument, NULL, 'h' }, {} };
	const char *build = getenv("B");
	char *document = NULL, path[8192];
	int opt, failed = 0;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h')
			return fputs(usage, stdout), 0;
		document = opt == 'c' ? slurp(optarg) : NULL;
		if (!document)
			return fputs(usage, stderr), 2;
	}
	snprintf(path, sizeof(path), "%s/bin", build ? build : "build");
	if (!realpath(path, bin)) {
		perror(path);
		return 2;
	}
	snprintf(path, sizeof(path), "%s:%s", bin, getenv("PATH"));
	setenv("PATH", path, 1);
	kmsg = kmsg_open();
	CHECK_SYS(chdir(scratch_dir()));
	if (document)
		failed = check_all(document);
	else
		print_all();
	if (exists(STORE))
		tree_remove(STORE);
	return failed > 0;
}
