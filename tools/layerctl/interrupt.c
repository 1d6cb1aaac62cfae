// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "interrupt.h"

static volatile sig_atomic_t interrupted;

/*
 * The signal may come when the command has looked whether there was one, and is about to
 * wait for a lock: so it is told again until it has ended.
 */
static void on_alarm(int sig)
{
	(void)sig;
	alarm(1);
}

static void on_signal(int sig)
{
	interrupted = sig;
	alarm(1);
}

void lc_interrupt_watch(void)
{
	/* The second one is not waited for. */
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction again = { .sa_handler = on_alarm };
	struct sigaction old;

	sigaction(SIGALRM, &again, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

int lc_interrupted(void)
{
	return interrupted;
}

void lc_interrupt_die(void)
{
	int sig = interrupted;

	if (!sig)
		return;
	alarm(0);
	signal(sig, SIG_DFL);
	raise(sig);
}
