/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The harness of the guest's tests: registration, assertions, TAP.
 *
 * Each test runs in a process that is pid 1 of a pid namespace of its own, in a
 * mount namespace of its own, with an empty directory on the scratch
 * filesystem as its working directory.  Whatever it leaves running or mounted
 * goes with it.  A failed assertion ends the test, and says where and why.
 */
#ifndef LFS_TEST_HARNESS_H
#define LFS_TEST_HARNESS_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

/* What a skipped test exits with. */
#define EXIT_SKIP	4

/**
 * struct test - one registered test
 * @name: "theme.name", what the filter arguments match
 * @fn: the body
 * @timeout: seconds until it counts as hung
 * @alone: it measures something global: nothing else may run beside it
 * @next: list of all tests, in order of registration
 */
struct test {
	const char *name;
	void (*fn)(void);
	unsigned int timeout;
	bool alone;
	struct test *next;
};

void test_register(struct test *t);

#define TEST_WITH(theme, nm, ...)					\
	static void theme##_##nm(void);					\
	static struct test theme##_##nm##_test = {			\
		.name = #theme "." #nm, .fn = theme##_##nm, __VA_ARGS__	\
	};								\
	__attribute__((constructor))					\
	static void theme##_##nm##_register(void)			\
	{								\
		test_register(&theme##_##nm##_test);			\
	}								\
	static void theme##_##nm(void)

#define TEST(theme, nm) TEST_WITH(theme, nm, .timeout = 300)

/* Ends the test as failed; @fmt is printed after "file:line: ". */
void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));
/* Ends the test as skipped. */
void test_skip(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));
/* A line of explanation, shown when the test fails (or with --verbose). */
void test_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void check_eq(const char *file, int line, const char *what, long long got,
	      long long want);
void check_str(const char *file, int line, const char *what, const char *got,
	       const char *want);
void check_err(const char *file, int line, const char *what, long rc, int err,
	       int want);

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			FAIL("%s is false", #cond);			\
	} while (0)

#define CHECK_EQ(got, want)						\
	check_eq(__FILE__, __LINE__, #got, (long long)(got),		\
		 (long long)(want))

#define CHECK_STR(got, want)						\
	check_str(__FILE__, __LINE__, #got, got, want)

/* A system call that must succeed; the value is its result. */
#define CHECK_SYS(call)							\
	({								\
		long rc_ = (long)(call);				\
		if (rc_ == -1)						\
			FAIL("%s: %s", #call, strerror(errno));		\
		rc_;							\
	})

/* A system call that must fail with the errno @want. */
#define CHECK_ERR(call, want)						\
	do {								\
		long rc_;						\
		errno = 0;						\
		rc_ = (long)(call);					\
		check_err(__FILE__, __LINE__, #call, rc_, errno, want);	\
	} while (0)

/* Is the subject overlayfs?  Its known differences are skipped by reason. */
bool on_overlay(void);
#define SKIP_ON_OVERLAY(reason)						\
	do {								\
		if (on_overlay())					\
			test_skip("overlayfs: %s", reason);		\
	} while (0)

/*
 * IN_CHILD { ... } runs the block in a child process and waits for it; a failed
 * assertion in it fails the test.  AS_USER(uid) is the same as that user, in no
 * group but the one of the same number.
 */
int child_begin(uid_t uid, const char *file, int line);
void child_end(void) __attribute__((noreturn));
#define AS_USER(uid)							\
	for (int in_ = child_begin(uid, __FILE__, __LINE__); in_; child_end())
#define IN_CHILD AS_USER(0)

/* A child that runs beside the test; reap() asserts that it ended well. */
pid_t spawn(void (*fn)(void *arg), void *arg);
void reap_at(pid_t pid, const char *file, int line);
#define reap(pid) reap_at(pid, __FILE__, __LINE__)

#endif
