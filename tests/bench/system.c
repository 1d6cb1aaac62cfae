// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench system: what runs in a container, in a root that is in the layers: a
 * compiler, the package manager, a database, a web server under load.
 *
 * Programs, their libraries and files all come from the filesystem that is
 * measured.  Everything is dropped before; the container is the first of its image.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "tree.h"

/**
 * struct job - a row
 * @before: what it needs; not measured
 * @command: by the root's own sh
 * @after: ends what @before began
 */
struct job {
	const char *before;
	const char *command;
	const char *after;
};

enum system_row {
	SYS_COMPILE,
	SYS_COMPILE_AGAIN,
	SYS_APT,
	SYS_QUERY,
	SYS_INSERT,
	SYS_NGINX_SMALL,
	SYS_NGINX_BIG,
	SYS_NGINX_LOG,
	NR_SYSTEM
};

static const struct row rows[NR_SYSTEM] = {
	[SYS_COMPILE] = { "compile", "gcc, 20 files, cold", .aim = 1.1 },
	[SYS_COMPILE_AGAIN] = { "compile_again", "gcc, again", .aim = 1.1 },
	[SYS_APT] = { "apt", "apt-get install", .aim = 1.1 },
	[SYS_QUERY] = { "query", "sqlite, 3,000 queries, database in a layer", .aim = 1.1 },
	[SYS_INSERT] = { "insert", "sqlite, 300 transactions, the same", .aim = 1.1 },
	[SYS_NGINX_SMALL] = { "nginx_small", "nginx, 3,000 requests of 612 bytes", .aim = 1.1 },
	[SYS_NGINX_BIG] = { "nginx_big", "nginx, 300 requests of 1 MiB", .aim = 1.1 },
	[SYS_NGINX_LOG] = { "nginx_absent", "nginx, 3,000 requests for what is absent", .aim = 1.1 },
};

#define START	"nginx"
/* Until it is gone: else the filesystem is busy. */
#define STOP	"pid=$(cat /run/nginx.pid); nginx -s quit; while [ -d /proc/$pid ]; do sleep 0.05; done"
#define LOAD	"ab -q -c 8 "

static const struct job jobs[NR_SYSTEM] = {
	[SYS_COMPILE] = { .command = "cd /srv/project && gcc -O1 -o bench *.c" },
	[SYS_COMPILE_AGAIN] = { .command = "cd /srv/project && gcc -O1 -o bench *.c" },
	[SYS_APT] = {
		.before = "apt-get -q -o APT::Sandbox::User=root update",
		.command = "apt-get -q -y -o APT::Sandbox::User=root install hello",
	},
	[SYS_QUERY] = { .command = "sqlite3 /srv/db </srv/query.sql" },
	[SYS_INSERT] = { .command = "sqlite3 /srv/db </srv/insert.sql" },
	[SYS_NGINX_SMALL] = { START, LOAD "-n 3000 http://127.0.0.1/small", STOP },
	[SYS_NGINX_BIG] = { START, LOAD "-n 300 http://127.0.0.1/big", STOP },
	[SYS_NGINX_LOG] = { START, LOAD "-n 3000 http://127.0.0.1/absent", STOP },
};

static double shell(const char *root, const char *command)
{
	const char *const argv[] = { "sh", "-c", command, NULL };

	return run("/", root, argv);
}

/* One file of each kind that the jobs want, in the plain root. */
static void prepare(const char *plain)
{
	static const char *const steps[] = {
		"mkdir srv/project && cp \"$OLDPWD\"/tests/bench/*.[ch] srv/project",
		"head -c 612 /dev/zero >var/www/html/small",
		"head -c 1048576 /dev/zero >var/www/html/big",
		"seq 3000 | sed 's/.*/SELECT x FROM t WHERE i = & * 6;/' >srv/query.sql",
		"seq 300 | sed 's/.*/INSERT INTO t(x) VALUES(hex(&));/' >srv/insert.sql",
	};
	static const char *const make_db[] = { "sqlite3", "/srv/db",
		"CREATE TABLE t(i INTEGER PRIMARY KEY, x);"
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<20000)"
		"INSERT INTO t SELECT i, hex(i) FROM n;", NULL };
	char *here = get_current_dir_name();
	size_t i;

	must(here, "getcwd", ".");
	setenv("OLDPWD", here, 1);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		const char *const argv[] = { "bash", "-c", steps[i], NULL };

		run(plain, NULL, argv);
	}
	run("/", plain, make_db);
	free(here);
}

static void build(const struct bench *b, int layers, const char *dir)
{
	char *plain = path_of("%s/plain", dir);
	const char *const untar[] = { "tar", "-C", plain, "--exclude=./dev/*", "-xpf", b->tar, NULL };

	if (!b->tar)
		die("system needs --tar");
	setenv("HOME", "/root", 1);
	setenv("DEBIAN_FRONTEND", "noninteractive", 1);
	must(!mkdir(plain, 0755), "mkdir", plain);
	run(".", NULL, untar);
	prepare(plain);
	tree_deal(plain, dir, layers);
	free(plain);
}

static void run_all(const char *root, struct result *results)
{
	static const char *const shown[] = { "/proc", "/dev" };
	char *at[ARRAY_SIZE(shown)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shown); i++) {
		at[i] = path_of("%s%s", root, shown[i]);
		mount_bind(shown[i], at[i]);
	}
	for (i = 0; i < NR_SYSTEM; i++) {
		if (jobs[i].before)
			shell(root, jobs[i].before);
		/* What others left to write is not this one's. */
		sync();
		add(results, i, shell(root, jobs[i].command));
		if (jobs[i].after)
			shell(root, jobs[i].after);
	}
	for (i = 0; i < ARRAY_SIZE(shown); i++) {
		unmount(at[i]);
		free(at[i]);
	}
}

static void measure(struct bench *b, int stack, enum fs_kind kind,
		    const char *dir, int repeat)
{
	const char *const copy[] = { "cp", "-a", "plain", "bare", NULL };
	char *bare = path_of("%s/bare", dir);
	char *root = bare;

	(void)repeat;
	/* Each time a new one, as the work changes it. */
	if (kind == KIND_BARE)
		run(dir, NULL, copy);
	caches_drop();
	if (kind != KIND_BARE)
		root = container_mount(kind, dir, b->layers[stack], "work");
	run_all(root, b->results[stack][kind]);
	if (kind == KIND_BARE) {
		tree_remove(bare);
	} else {
		unmount(root);
		container_remove(dir, "work");
		free(root);
	}
	free(bare);
}

const struct program program_system = {
	.name = "system",
	.intro = "Programs of a Debian root, in that root, which is in N layers; the first container.\n",
	.rows = rows,
	.nr_rows = NR_SYSTEM,
	.build = build,
	.measure = measure,
};
