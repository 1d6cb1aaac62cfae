// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of the module a call has reached, by KCOV.  The kernel traces nothing
 * but the module (kmod/Kbuild), so every address is one of ours.
 */
#include <fcntl.h>
#include <linux/kcov.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define TRACE_SIZE	(64 << 10)
#define EDGE_BITS	16
#define MAX_PCS		(1 << 15)

struct cover {
	uint8_t edge[1 << EDGE_BITS];
	uint64_t pc[MAX_PCS];		/* a hash set */
	unsigned int edges, pcs;
};

static int fd = -1;
static uint64_t *trace;

bool cover_init(struct cover **c)
{
	*c = mmap(NULL, sizeof(**c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return *c != MAP_FAILED;
}

bool cover_open(void)
{
	fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (ioctl(fd, KCOV_INIT_TRACE, TRACE_SIZE))
		return false;
	trace = mmap(NULL, TRACE_SIZE * sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return trace != MAP_FAILED;
}

void cover_start(void)
{
	if (fd >= 0 && ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		perror("KCOV_ENABLE");
}

void cover_stop(void)
{
	if (fd >= 0)
		ioctl(fd, KCOV_DISABLE, 0);
}

void cover_before(void)
{
	if (fd >= 0)
		__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
}

static uint64_t hash(uint64_t v)
{
	v *= 0x9e3779b97f4a7c15ULL;
	return v ^ v >> 29;
}

/* A lost race counts a new address twice: no harm. */
static void pc_add(struct cover *c, uint64_t pc)
{
	unsigned int i = hash(pc) % MAX_PCS;

	for (; c->pc[i] != pc; i = (i + 1) % MAX_PCS) {
		if (c->pc[i])
			continue;
		if (c->pcs > MAX_PCS / 2)
			return;
		c->pc[i] = pc;
		__atomic_fetch_add(&c->pcs, 1, __ATOMIC_RELAXED);
		return;
	}
}

bool cover_after(struct cover *c)
{
	uint64_t n, last = 0;
	bool found = false;

	if (fd < 0)
		return false;
	n = __atomic_load_n(&trace[0], __ATOMIC_RELAXED);
	for (uint64_t i = 1; i <= n && i < TRACE_SIZE; i++) {
		uint64_t pc = trace[i];
		unsigned int edge = hash(last * 3 + pc) >> (64 - EDGE_BITS);

		last = pc;
		if (c->edge[edge])
			continue;
		c->edge[edge] = 1;
		__atomic_fetch_add(&c->edges, 1, __ATOMIC_RELAXED);
		pc_add(c, pc);
		found = true;
	}
	return found;
}

void cover_counts(struct cover *c, unsigned int *edges, unsigned int *pcs)
{
	*edges = c->edges;
	*pcs = c->pcs;
}

struct symbol {
	uint64_t at;
	char name[64];
};

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static bool any_pc_between(const struct cover *c, uint64_t from, uint64_t to)
{
	for (unsigned int i = 0; i < MAX_PCS; i++)
		if (c->pc[i] >= from && c->pc[i] < to)
			return true;
	return false;
}

void cover_report(struct cover *c)
{
	static struct symbol sym[2048];
	unsigned int nr = 0, missed = 0;
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[256], type, module[64];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long at;

		if (nr < 2048 && sscanf(line, "%lx %c %63s [%63[^]]", &at, &type, sym[nr].name,
					module) == 4 &&
		    (type == 't' || type == 'T') && !strcmp(module, "layerfs"))
			sym[nr++].at = at;
	}
	if (f)
		fclose(f);
	qsort(sym, nr, sizeof(*sym), by_address);
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t end = i + 1 < nr ? sym[i + 1].at : sym[i].at + 4096;

		if (strncmp(sym[i].name, "lfs_", 4) || any_pc_between(c, sym[i].at, end))
			continue;
		printf("# never reached: %s\n", sym[i].name);
		missed++;
	}
	printf("# %u of %u functions of the module never reached\n", missed, nr);
}
