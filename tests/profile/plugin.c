// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of the emulator: counts the instructions that the guest executes
 * between two marks, by address.
 *
 * A mark is an instruction that a program executes: "mov $0x6c6673NN,%eax",
 * where NN is what to count for from now on, or ff for nothing.  Written at the
 * emulator's end: one line "NN ADDRESS COUNT" for each block.
 *
 * Only what is used of the interface is declared here, as Debian has no package
 * of its header; source: docs/devel/tcg-plugins.rst of QEMU 7.2.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT		__attribute__((visibility("default")))
#define MARKS		256
#define MARK_NONE	0xff
#define BUCKETS		(1u << 16)

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;
typedef void (*tb_cb)(plugin_id id, struct qemu_plugin_tb *tb);
typedef void (*exec_cb)(unsigned int cpu, void *data);

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, tb_cb cb);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, exec_cb cb,
						 int flags, void *data);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb cb,
						   int flags, void *data);
extern void qemu_plugin_register_atexit_cb(plugin_id id, void (*cb)(plugin_id, void *),
					   void *data);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
							size_t nr);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;

/* Blocks are translated again and again: they are told apart by where they are. */
struct block {
	struct block *next;
	uint64_t addr;
	size_t insns;
	uint64_t *counts;
};

static struct block *blocks[BUCKETS];
static unsigned int mark = MARK_NONE;
static FILE *out;

static struct block *block_at(uint64_t addr, size_t insns)
{
	struct block **head = &blocks[(addr ^ addr >> 16) % BUCKETS], *block;

	for (block = *head; block; block = block->next)
		if (block->addr == addr && block->insns == insns)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	block->addr = addr;
	block->insns = insns;
	block->next = *head;
	*head = block;
	return block;
}

static void block_runs(unsigned int cpu, void *data)
{
	struct block *block = data;

	(void)cpu;
	if (mark == MARK_NONE)
		return;
	if (!block->counts) {
		block->counts = calloc(MARKS, sizeof(*block->counts));
		if (!block->counts)
			abort();
	}
	block->counts[mark] += block->insns;
}

static void mark_runs(unsigned int cpu, void *data)
{
	(void)cpu;
	mark = (uintptr_t)data;
}

static void block_translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t i, insns = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < insns; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const unsigned char *code = qemu_plugin_insn_data(insn);

		if (qemu_plugin_insn_size(insn) == 5 && code[0] == 0xb8 &&
		    !memcmp(code + 2, "\x73\x66\x6c", 3))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark_runs, 0,
							       (void *)(uintptr_t)code[1]);
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_runs, 0,
					     block_at(qemu_plugin_tb_vaddr(tb), insns));
}

static void write_all(plugin_id id, void *data)
{
	struct block *block;
	unsigned int i, m;

	(void)id;
	(void)data;
	for (i = 0; i < BUCKETS; i++)
		for (block = blocks[i]; block; block = block->next)
			for (m = 0; block->counts && m < MARKS; m++)
				if (block->counts[m])
					fprintf(out, "%02x %016llx %llu\n", m,
						(unsigned long long)block->addr,
						(unsigned long long)block->counts[m]);
	fclose(out);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "profile: out=FILE is needed\n");
		return 1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	qemu_plugin_register_atexit_cb(id, write_all, NULL);
	return 0;
}
