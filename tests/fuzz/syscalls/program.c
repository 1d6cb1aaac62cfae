// SPDX-License-Identifier: GPL-2.0-only
/* Programs: made at random, mutated, printed, read. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

uint64_t rng_next(struct rng *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * 0x2545f4914f6cdd1dULL;
}

unsigned int rng_below(struct rng *r, unsigned int n)
{
	return (rng_next(r) >> 33) % n;
}

static void call_random(struct rng *r, struct call *c)
{
	/* Without open files there is not much to do. */
	c->op = rng_below(r, 5) ? rng_below(r, ops_nr()) : ops_find("open");
	for (int i = 0; i < NR_ARGS; i++)
		c->arg[i] = rng_next(r) >> 40;
	/* Failing allocations everywhere would hide what follows them. */
	if (rng_below(r, 4))
		c->arg[FAIL_ARG] &= 0x7f;
}

void program_random(struct rng *r, struct program *p)
{
	p->nr = 1 + rng_below(r, MAX_CALLS / 2);
	for (int i = 0; i < p->nr; i++)
		call_random(r, &p->call[i]);
}

static void insert(struct program *p, unsigned int at, const struct call *c)
{
	if (p->nr == MAX_CALLS)
		p->nr--;
	if (at > p->nr)
		at = p->nr;
	memmove(&p->call[at + 1], &p->call[at], (p->nr - at) * sizeof(*c));
	p->call[at] = *c;
	p->nr++;
}

static void mutate_once(struct rng *r, struct program *p, const struct program *other)
{
	unsigned int at = rng_below(r, p->nr);
	struct call c = p->call[at];

	switch (rng_below(r, 8)) {
	case 0:
		call_random(r, &c);
		insert(p, at, &c);
		break;
	case 1:
		insert(p, rng_below(r, p->nr + 1), &c);
		break;
	case 2:
		if (p->nr > 1) {
			p->nr--;
			memmove(&p->call[at], &p->call[at + 1], (p->nr - at) * sizeof(c));
		}
		break;
	case 3:	/* the other's end behind this one's beginning */
		for (unsigned int i = rng_below(r, other->nr); i < other->nr; i++)
			insert(p, ++at, &other->call[i]);
		break;
	case 4:
		p->call[at].arg[rng_below(r, NR_ARGS)] ^= 1 << rng_below(r, 8);
		break;
	case 5:	/* another place, the same call */
		p->call[at] = p->call[rng_below(r, p->nr)];
		p->call[at].arg[0] = rng_next(r) >> 40;
		break;
	case 6:
		p->call[at].arg[FAIL_ARG] = FAIL_NTH + rng_below(r, 0x20);
		break;
	default:
		p->call[at].arg[rng_below(r, NR_ARGS)] = rng_next(r) >> 40;
	}
}

void program_mutate(struct rng *r, struct program *p, const struct program *other)
{
	for (int n = 1 + rng_below(r, 4); n; n--)
		mutate_once(r, p, other);
}

int program_print(const struct program *p, char *buf, size_t size)
{
	size_t len = 0;

	for (int i = 0; i < p->nr && len < size; i++) {
		const struct call *c = &p->call[i];

		len += snprintf(buf + len, size - len, "%s(", ops_get(c->op)->name);
		for (int n = 0; n < NR_ARGS && len < size; n++)
			len += snprintf(buf + len, size - len, n ? ", %u" : "%u", c->arg[n]);
		if (len < size)
			len += snprintf(buf + len, size - len, ");\n");
	}
	return len < size ? len : size - 1;
}

static bool read_call(const char *line, struct call *c)
{
	unsigned int v[NR_ARGS];
	char name[32];
	int op;

	_Static_assert(NR_ARGS == 7, "as many as are read here");
	if (sscanf(line, "%31[^(](%u, %u, %u, %u, %u, %u, %u)", name, &v[0], &v[1], &v[2], &v[3],
		   &v[4], &v[5], &v[6]) != 1 + NR_ARGS)
		return false;
	op = ops_find(name);
	if (op < 0)
		return false;
	c->op = op;
	for (int i = 0; i < NR_ARGS; i++)
		c->arg[i] = v[i];
	return true;
}

/* A program ends at a line that is no call. */
bool program_read(FILE *f, struct program *p)
{
	char line[256];

	p->nr = 0;
	while (fgets(line, sizeof(line), f)) {
		if (p->nr < MAX_CALLS && read_call(line, &p->call[p->nr]))
			p->nr++;
		else if (p->nr)
			return true;
	}
	return p->nr;
}
