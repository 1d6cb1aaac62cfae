// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "output.h"

/* Often enough to look alive, seldom enough to cost nothing. */
#define REDRAW_MS 100
#define BAR_WIDTH 24

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void draw(struct lc_progress *p)
{
	char done[LC_TEXT_MAX], total[LC_TEXT_MAX], bar[BAR_WIDTH + 1];
	struct winsize size;
	char line[256];
	int filled, columns = 80;

	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		columns = size.ws_col;
	lc_text_size(p->done, done);
	if (p->total) {
		/* A compressed size may be exceeded by rounding at its end. */
		filled = p->done >= p->total ? BAR_WIDTH :
			 (int)((double)p->done / p->total * BAR_WIDTH);
		memset(bar, '-', BAR_WIDTH);
		memset(bar, '#', filled);
		bar[BAR_WIDTH] = '\0';
		snprintf(line, sizeof(line), "%s [%s] %s of %s", p->label, bar,
			 done, lc_text_size(p->total, total));
	} else {
		snprintf(line, sizeof(line), "%s %s", p->label, done);
	}
	/* A line that wraps could not be drawn over. */
	fprintf(stderr, "\r%.*s\033[K", columns - 1, line);
	fflush(stderr);
	p->drawn_ms = now_ms();
}

void lc_progress_start(struct lc_progress *p, const struct lc_ctx *ctx,
		       const char *label, uint64_t total)
{
	*p = (struct lc_progress){
		.total = total,
		.quiet = ctx->quiet,
		.tty = !ctx->quiet && isatty(STDERR_FILENO),
	};
	snprintf(p->label, sizeof(p->label), "%s", label);
	if (p->tty)
		draw(p);
}

void lc_progress_update(struct lc_progress *p, uint64_t done)
{
	p->done = done;
	if (p->tty && now_ms() - p->drawn_ms >= REDRAW_MS)
		draw(p);
}

void lc_progress_end(struct lc_progress *p, const char *outcome)
{
	if (p->quiet)
		return;
	if (p->tty)
		fputs("\r\033[K", stderr);
	lc_put_safe(stderr, p->label);
	fputs(": ", stderr);
	lc_put_safe(stderr, outcome);
	fputc('\n', stderr);
}
