// SPDX-License-Identifier: GPL-2.0-only
/*
 * mount.layerfs: what mount(8) runs for "mount -t layerfs".
 *
 *	mount.layerfs SPEC DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]
 *
 * Exit codes are mount(8)'s bits.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "optstr.h"

enum exit_code {
	EX_OK = 0,
	EX_USAGE = 1,		/* wrong invocation, or no permission */
	EX_SYSTEM = 2,		/* out of memory and the like */
	EX_INTERRUPTED = 8,
	EX_FAILED = 32,		/* the mount failed */
};

struct args {
	const char *spec;
	const char *dir;
	const char *namespace;
	bool sloppy, fake, verbose;
};

static const char usage[] =
	"Usage: mount.layerfs SPEC DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]\n"
	"\n"
	"Mounts layerfs on DIR. SPEC is shown as the mount's source and means nothing\n"
	"else. Normally run by mount(8): mount -t layerfs -o OPTIONS SPEC DIR\n"
	"\n"
	"  -o OPTIONS    see below; commas between, and a comma in a value is \\,\n"
	"  -f            check everything, mount nothing\n"
	"  -n            accepted; there is no mtab to leave alone\n"
	"  -s            tolerate options that the kernel does not know\n"
	"  -v            say what is mounted\n"
	"  -N NAMESPACE  mount in the mount namespace of a process id or file\n"
	"  -t TYPE       layerfs or layerfs.SUBTYPE\n"
	"  -h, --help    show this and exit\n"
	"\n"
	"The layers, in one of these ways:\n"
	"  lowerdir=TOP:...:BOTTOM[::DATA...]   directories, the top one first; those\n"
	"                after :: hold only data; a colon in a path is \\:\n"
	"  lowerdir+=DIR, datadir+=DIR          one each time, without escapes\n"
	"  layers=FILE   a file that lists them, a path a line\n"
	"  image=NAME[,root=STORE]              those of an image that layerctl imported\n"
	"\n"
	"Where changes go; without it the mount is read-only:\n"
	"  upperdir=DIR  the directory that they are in\n"
	"  workdir=DIR   an empty one beside it, on the same mount\n"
	"\n"
	"And:\n"
	"  ro, rw        read-only, or not\n"
	"  volatile      never sync: fast, and lost in a crash\n"
	"  userxattr     marks are attributes user.overlay.*, as an upper in a user\n"
	"                namespace needs it\n"
	"  aufs_whiteouts\n"
	"                .wh.NAME in a layer is a whiteout\n"
	"  remount       change ro, rw and flags of what is mounted on DIR\n"
	"  nosuid, nodev, noexec, noatime, ...  as for any mount\n"
	"\n"
	"layerfs(5) says more.\n";

static void complain(const char *dir, const char *msg)
{
	fprintf(stderr, "mount.layerfs: %s%s%s\n", dir ? dir : "", dir ? ": " : "", msg);
}

static void warn(void *data, const char *msg)
{
	(void)data;
	fprintf(stderr, "mount.layerfs: warning: %s\n", msg);
}

static int exit_code_of(int code)
{
	switch (-code) {
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return EX_SYSTEM;
	case EINTR:
		return EX_INTERRUPTED;
	case EPERM:
		return geteuid() ? EX_USAGE : EX_FAILED;
	}
	return EX_FAILED;
}

/* Returns -1 to go on, else the exit code. */
static int parse_args(int argc, char **argv, struct args *args, struct optstr *o)
{
	static const struct option longopts[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "fake", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "options", required_argument, NULL, 'o' },
		{ }
	};
	struct layerfs_error err;
	int c;

	while ((c = getopt_long(argc, argv, "sfnvhrwN:o:t:", longopts, NULL)) != -1) {
		switch (c) {
		case 's': args->sloppy = true; break;
		case 'f': args->fake = true; break;
		case 'v': args->verbose = true; break;
		case 'n': break;
		case 'N': args->namespace = optarg; break;
		case 'h':
			fputs(usage, stdout);
			return EX_OK;
		case 'r':
		case 'w':
			optarg = c == 'r' ? "ro" : "rw";
			/* fallthrough */
		case 'o':
			if (optstr_parse(o, optarg, &err)) {
				complain(NULL, err.msg);
				return EX_USAGE;
			}
			break;
		case 't':
			if (!strncmp(optarg, "layerfs", 7) && (!optarg[7] || optarg[7] == '.'))
				break;
			complain(NULL, "-t: this is the helper of type layerfs");
			return EX_USAGE;
		default:
			fputs("Try 'mount.layerfs --help'.\n", stderr);
			return EX_USAGE;
		}
	}
	if (argc - optind != 2) {
		complain(NULL, argc - optind < 2 ? "SPEC and DIR are needed" :
			 "more operands than SPEC and DIR");
		fputs("Try 'mount.layerfs --help'.\n", stderr);
		return EX_USAGE;
	}
	args->spec = argv[optind];
	args->dir = argv[optind + 1];
	return -1;
}

/* All paths are looked up in the namespace where the mount appears. */
static int enter_namespace(const char *namespace, struct layerfs_error *err)
{
	char path[64];
	int fd, ret = 0;

	if (namespace[strspn(namespace, "0123456789")] == '\0' && *namespace) {
		snprintf(path, sizeof(path), "/proc/%.20s/ns/mnt", namespace);
		namespace = path;
	}
	fd = open(namespace, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return layerfs_error_sys(err, -errno, "mount namespace '%s'", namespace);
	if (setns(fd, CLONE_NEWNS))
		ret = layerfs_error_sys(err, -errno, "mount namespace '%s'", namespace);
	close(fd);
	return ret;
}

/*
 * The first option that the kernel does not know leaves the list, so that the
 * rest can be tried again.
 */
static bool drop_unknown(struct layerfs_options *opts, const struct layerfs_error *err)
{
	size_t i;

	if (!strstr(err->msg, "Unknown parameter '"))
		return false;
	for (i = 0; i < opts->nr_params; i++) {
		char quoted[300];

		snprintf(quoted, sizeof(quoted), "'%s'", opts->params[i].key);
		if (!strstr(err->msg, quoted))
			continue;
		free(opts->params[i].key);
		free(opts->params[i].value);
		opts->nr_params--;
		memmove(opts->params + i, opts->params + i + 1,
			(opts->nr_params - i) * sizeof(*opts->params));
		return true;
	}
	return false;
}

static void tell(const struct args *args, const struct optstr *o)
{
	const struct layerfs_options *opts = &o->opts;
	char *lower = layerfs_layers_join(&opts->layers);

	printf("mount.layerfs: %s%s on %s: %zu layer%s", o->remount ? "remount of " : "",
	       args->spec, args->dir, opts->layers.nr, opts->layers.nr == 1 ? "" : "s");
	if (lower && *lower)
		printf(", lowerdir=%s", lower);
	if (opts->upperdir)
		printf(", upperdir=%s", opts->upperdir);
	if (opts->workdir)
		printf(", workdir=%s", opts->workdir);
	puts(args->fake ? " (fake)" : "");
	free(lower);
}

static int do_mount(const struct args *args, struct optstr *o, struct layerfs_error *err)
{
	int ret;

	do {
		ret = o->remount ? layerfs_remount(&o->opts, args->dir, err) :
		      layerfs_mount(&o->opts, args->spec, args->dir, err);
	} while (ret && args->sloppy && drop_unknown(&o->opts, err));
	return ret;
}

static int run(const struct args *args, struct optstr *o)
{
	struct layerfs_error err = { 0 };
	int ret = 0;

	o->opts.warn = warn;
	if (args->namespace)
		ret = enter_namespace(args->namespace, &err);
	if (!ret)
		ret = optstr_finish(o, &err);
	if (!ret && !o->remount && !o->opts.layers.nr)
		ret = layerfs_error_set(&err, -EINVAL,
			"no layers: -o lowerdir=DIR[:DIR...], layers=FILE or image=NAME is needed");
	if (!ret && args->verbose)
		tell(args, o);
	if (!ret && !args->fake)
		ret = do_mount(args, o, &err);
	if (!ret)
		return EX_OK;
	complain(args->dir, err.msg);
	return exit_code_of(ret);
}

int main(int argc, char **argv)
{
	struct args args = { 0 };
	struct optstr o = { 0 };
	int ret = parse_args(argc, argv, &args, &o);

	if (ret < 0)
		ret = run(&args, &o);
	optstr_free(&o);
	return ret;
}
