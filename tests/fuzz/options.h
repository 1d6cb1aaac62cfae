/* SPDX-License-Identifier: GPL-2.0-only */
/* The tools' side of fuzz_options: their headers do not mix with the module's. */
#ifndef _FUZZ_OPTIONS_H
#define _FUZZ_OPTIONS_H

/* Gives each option that mount.layerfs would give to fsconfig(2). 0 or -errno. */
int tools_parse(const char *s, void (*option)(void *data, const char *key, const char *value),
		void *data);
/* The library writes and reads the layers as the module shows them. */
void tools_check_join(char **name, unsigned int nr, unsigned int nr_data, const char *shown);

#endif /* _FUZZ_OPTIONS_H */
