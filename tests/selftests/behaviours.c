// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of behaviours in Documentation/layerfs.rst: each cell is what the
 * probe of its row found on the subject of its column.
 *
 * Each probe has a process, a mount namespace and a tree of its own:
 *
 *	l1/		on the scratch filesystem: the tree of make_tree()
 *	l2/		on a tmpfs: t
 *	upper/, work/
 *	mnt/		the subject; for ext4 a directory with both trees in it
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "behaviours.h"
#include "probe.h"

#define CELL		24
#define LABEL		46
#define WIDTH		20
#define NO_SUBJECT	"?"
#define MARK		".. behaviours: begin"

static const struct subject {
	const char *title, *type, *options;
} subjects[] = {
	{ "ext4", NULL, NULL },
	{ "overlayfs", "overlay", "" },
	{ "overlayfs, all on", "overlay",
	  ",redirect_dir=on,index=on,xino=on,metacopy=on" },
	{ "layerfs", "layerfs", "" },
};
#define SUBJECTS	((int)(sizeof(subjects) / sizeof(*subjects)))

static char cell_text[CELL];
static const struct subject *subject;

void cell(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cell_text, sizeof(cell_text), fmt, ap);
	va_end(ap);
}

void cell_rc(long rc, const char *ok)
{
	cell("%s", rc >= 0 ? ok : strerrorname_np(errno));
}

bool is_plain(void)
{
	return !subject->type;
}

static void make_names(void)
{
	char path[32];

	mk_dir("many");
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "many/name%03d", i);
		mk_file(path, "");
	}
}

static void make_tree(const struct row *row, const char *root)
{
	IN_CHILD {
		CHECK_SYS(chdir(root));
		mk_file("f", "0123456789");
		mk_pattern("big", 200000, 1);
		mk_file("a", "linked");
		CHECK_SYS(link("a", "b"));
		mk_dir("d");
		mk_dir("d/sub");
		mk_file("d/x", "x");
		mk_mtime("d", 1000, 0);
		if (row->many)
			make_names();
		if (row->prog)
			CHECK_EQ(system("cp /bin/busybox prog"), 0);
		CHECK_SYS(chmod(".", 0777));
		CHECK_SYS(chmod("d", 0777));
	}
}

/* False if the kernel does not have the filesystem. */
static bool set_up(const struct row *row)
{
	char options[256];

	mk_dir("mnt");
	if (is_plain()) {
		make_tree(row, "mnt");
		mk_file("mnt/t", "t");
		return true;
	}
	mk_dir("l1");
	mk_dir("l2");
	mk_dir("upper");
	CHECK_SYS(chmod("upper", 0777));
	mk_dir("work");
	CHECK_SYS(mount("none", "l2", "tmpfs", 0, NULL));
	make_tree(row, "l1");
	mk_file("l2/t", "t");
	snprintf(options, sizeof(options), "lowerdir=l1:l2,upperdir=upper,workdir=work%s",
		 subject->options);
	if (!mount("none", "mnt", subject->type, 0, options))
		return true;
	if (errno != ENODEV)
		FAIL("mount %s: %s", subject->type, strerror(errno));
	return false;
}

void probe_remount(void)
{
	char options[256];

	if (is_plain())
		return;
	snprintf(options, sizeof(options), "lowerdir=l1:l2,upperdir=upper,workdir=work%s",
		 subject->options);
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(mount("none", "mnt", subject->type, 0, options));
}

static void probe_cell(const void *arg)
{
	const struct row *row = arg;

	if (set_up(row))
		row->fn();
	else
		cell(NO_SUBJECT);
	probe_say("%s", cell_text);
}

static void rule(FILE *out)
{
	for (int i = 0; i < LABEL; i++)
		putc('=', out);
	for (int i = 0; i < SUBJECTS; i++)
		fprintf(out, "  %.*s", i == SUBJECTS - 1 ? 12 : i ? WIDTH : 12,
			"====================");
	putc('\n', out);
}

static void print_row(FILE *out, const char *label, const char *const cells[])
{
	char line[512];
	size_t len;

	len = snprintf(line, sizeof(line), "%-*s", LABEL, label);
	for (int i = 0; i < SUBJECTS; i++)
		len += snprintf(line + len, sizeof(line) - len, "  %-*s",
				i == SUBJECTS - 1 ? 12 : i ? WIDTH : 12, cells[i]);
	while (len && line[len - 1] == ' ')
		line[--len] = '\0';
	fprintf(out, "%s\n", line);
}

static void probe_row(const struct row *row, char text[][CELL])
{
	for (int i = 0; i < SUBJECTS; i++) {
		subject = &subjects[i];
		probe_run(probe_cell, row, text[i], CELL);
	}
}

static void print_table(void)
{
	const char *titles[SUBJECTS], *cells[SUBJECTS];
	char text[SUBJECTS][CELL];

	for (int i = 0; i < SUBJECTS; i++) {
		titles[i] = subjects[i].title;
		cells[i] = text[i];
	}
	rule(stdout);
	print_row(stdout, "behaviour", titles);
	rule(stdout);
	for (const struct row *row = rows; row->label; row++) {
		probe_row(row, text);
		print_row(stdout, row->label, cells);
	}
	rule(stdout);
}

/* Is the cell of this column in the document's line? */
static bool cell_is(const char *line, int column, const char *want)
{
	size_t start = LABEL + 2, width = 12;
	char got[64];

	for (int i = 0; i < column; i++) {
		start += (i ? WIDTH : 12) + 2;
		width = WIDTH;
	}
	if (strlen(line) < start)
		return false;
	snprintf(got, sizeof(got), "%.*s", (int)width, line + start);
	for (size_t n = strlen(got); n && (got[n - 1] == ' ' || got[n - 1] == '\n'); n--)
		got[n - 1] = '\0';
	return !strcmp(got, want);
}

static char *find_line(FILE *f, const char *label)
{
	static char line[512];

	rewind(f);
	while (fgets(line, sizeof(line), f) && strncmp(line, MARK, strlen(MARK)))
		;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, label, strlen(label)) && line[strlen(label)] == ' ')
			return line;
	return NULL;
}

static int check_table(FILE *f)
{
	char text[SUBJECTS][CELL];
	int n = 0, failed = 0;

	while (rows[n].label)
		n++;
	printf("TAP version 13\n1..%d\n", n);
	for (int r = 0; r < n; r++) {
		const char *line = find_line(f, rows[r].label);
		bool ok = line;

		probe_row(&rows[r], text);
		for (int i = 0; line && i < SUBJECTS; i++) {
			if (!strcmp(text[i], NO_SUBJECT) || cell_is(line, i, text[i]))
				continue;
			printf("# %s: it is '%s', the document says otherwise\n",
			       subjects[i].title, text[i]);
			ok = false;
		}
		printf("%sok %d - behaviours.%s\n", ok ? "" : "not ", r + 1, rows[r].label);
		fflush(stdout);
		failed += !ok;
	}
	return failed;
}

static const char usage[] =
	"Usage: behaviours [--check DOCUMENT] [--help]\n"
	"Prints the table of how ext4, overlayfs and layerfs behave, for\n"
	"Documentation/layerfs.rst.  --check compares with the one that is there.\n"
	"LFS_SCRATCH: where to work, on an ext4.  Run it in the guest:\n"
	"    tests/vm/run -- build/tests/selftests/behaviours\n";

int main(int argc, char **argv)
{
	static const struct option options[] = { { "check", required_argument, NULL, 'c' },
						 { "help", no_argument, NULL, 'h' }, {} };
	FILE *document = NULL;
	struct statfs fs;
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h')
			return fputs(usage, stdout), 0;
		document = opt == 'c' ? fopen(optarg, "r") : NULL;
		if (opt == 'c' && !document)
			perror(optarg);
		if (!document)
			return 2;
	}
	if (system("modprobe overlay 2>/dev/null"))
		fprintf(stderr, "# no overlayfs\n");
	CHECK_SYS(chdir(scratch_dir()));
	CHECK_SYS(statfs(".", &fs));
	if (fs.f_type != 0xef53) {
		printf("1..0 # SKIP %s is not on ext4\n", scratch_dir());
		return 0;
	}
	if (!document)
		return print_table(), 0;
	return check_table(document) > 0;
}
