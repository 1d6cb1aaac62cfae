// SPDX-License-Identifier: GPL-2.0-only
/* What the module calls of the kernel's library. */
unsigned int fuzz_fail;

void *fuzz_realloc(void *p, size_t size)
{
	if (fuzz_fail && !--fuzz_fail)
		return NULL;
	return realloc(p, size);
}

char *kasprintf(int gfp, const char *fmt, ...)
{
	va_list args;
	char *p;
	int len;

	(void)gfp;
	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	p = kmalloc(len + 1, gfp);
	if (!p)
		return NULL;
	va_start(args, fmt);
	vsnprintf(p, len + 1, fmt, args);
	va_end(args);
	return p;
}

void mutex_lock(struct mutex *lock)
{
	FUZZ_CHECK(!lock->held);
	lock->held = true;
}

void mutex_unlock(struct mutex *lock)
{
	FUZZ_CHECK(lock->held);
	lock->held = false;
}

/* A key of the table, with the kind of value that it takes. */
int fs_parse(struct fs_context *fc, const struct fs_parameter_spec *table,
	     struct fs_parameter *param, struct fs_parse_result *result)
{
	(void)fc;
	(void)result;
	for (; table->name; table++) {
		if (strcmp(table->name, param->key))
			continue;
		return table->string == (param->type == fs_value_is_string) ?
		       table->opt : -EINVAL;
	}
	return -ENOPARAM;
}

/* As /proc/mounts is read: what is written there in octal is a character again. */
void seq_puts(struct seq_file *m, const char *s)
{
	size_t len = strlen(s);

	if (m->len + len + 1 > m->max) {
		m->max = 2 * (m->len + len + 1);
		m->buf = realloc(m->buf, m->max);
	}
	memcpy(m->buf + m->len, s, len + 1);
	m->len += len;
}

void seq_show_option(struct seq_file *m, const char *name, const char *value)
{
	seq_puts(m, ",");
	seq_puts(m, name);
	if (value) {
		seq_puts(m, "=");
		seq_puts(m, value);
	}
}
