// SPDX-License-Identifier: GPL-2.0-only
/* What an honest archive becomes. */
#include <locale.h>

#include "test_unpack_tar.h"

static void attributes(void **state)
{
	struct scratch *s = *state;
	struct archive_entry *e;
	struct stat st;

	e = tar_entry("d", S_IFDIR | 03750);
	archive_entry_set_uid(e, 12);
	archive_entry_set_gid(e, 4000000000u);
	tar_put(&s->tar, e, NULL);
	e = tar_entry("d/suid", S_IFREG | 06755);
	archive_entry_set_uid(e, 1000);
	archive_entry_set_gid(e, 1001);
	archive_entry_set_mtime(e, 1234567890, 123456789);
	tar_put(&s->tar, e, "data");
	tar_end(&s->tar);
	assert_unpacked(s);

	st = stat_of(s, "d");
	assert_int_equal(st.st_mode, S_IFDIR | 03750);
	assert_int_equal(st.st_uid, 12);
	assert_int_equal(st.st_gid, 4000000000u);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	st = stat_of(s, "d/suid");
	assert_int_equal(st.st_mode, S_IFREG | 06755);
	assert_int_equal(st.st_uid, 1000);
	assert_int_equal(st.st_gid, 1001);
	assert_int_equal(st.st_mtim.tv_sec, 1234567890);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_content(s, "d/suid", "data");
	assert_int_equal(s->done.entries, 2);
}

static void root_entry_sets_the_root(void **state)
{
	struct scratch *s = *state;
	struct stat st;

	tar_put(&s->tar, tar_entry("./", S_IFDIR | 0711), NULL);
	tar_file(&s->tar, "./f", "x");
	tar_end(&s->tar);
	assert_unpacked(s);
	st = stat_of(s, ".");
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
}

static void implied_directories(void **state)
{
	struct scratch *s = *state;
	mode_t old = umask(077);
	struct stat st;

	tar_file(&s->tar, "a/b/c/f", "x");
	tar_end(&s->tar);
	assert_unpacked(s);
	umask(old);
	st = stat_of(s, "a/b");
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
}

static void special_files(void **state)
{
	struct scratch *s = *state;
	struct archive_entry *e;

	tar_put(&s->tar, tar_entry("fifo", S_IFIFO | 0620), NULL);
	e = tar_entry("null", S_IFCHR | 0666);
	archive_entry_set_rdevmajor(e, 1);
	archive_entry_set_rdevminor(e, 3);
	tar_put(&s->tar, e, NULL);
	e = tar_entry("disk", S_IFBLK | 0660);
	archive_entry_set_rdevmajor(e, 259);
	archive_entry_set_rdevminor(e, 300);
	tar_put(&s->tar, e, NULL);
	tar_symlink(&s->tar, "link", "any/where/../at all");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_int_equal(stat_of(s, "fifo").st_mode, S_IFIFO | 0620);
	assert_int_equal(stat_of(s, "null").st_mode, S_IFCHR | 0666);
	assert_int_equal(stat_of(s, "null").st_rdev, makedev(1, 3));
	assert_int_equal(stat_of(s, "disk").st_rdev, makedev(259, 300));
	assert_int_equal(stat_of(s, "link").st_size, strlen("any/where/../at all"));
	assert_int_equal(stat_of(s, "link").st_mtim.tv_sec, 1000000000);
}

static void hard_links(void **state)
{
	struct scratch *s = *state;

	tar_file(&s->tar, "a", "x");
	tar_hardlink(&s->tar, "b", "a");
	tar_hardlink(&s->tar, "d/c", "./a");
	tar_hardlink(&s->tar, "a", "b");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_int_equal(stat_of(s, "a").st_nlink, 3);
	assert_content(s, "d/c", "x");
}

static void whiteouts(void **state)
{
	struct scratch *s = *state;

	tar_file(&s->tar, "d/.wh.gone", "");
	tar_file(&s->tar, ".wh.top", "");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_whiteout(s, "d/gone");
	assert_whiteout(s, "top");
	assert_absent(s, "d/.wh.gone");
}

static void opaque_before_its_directory(void **state)
{
	struct scratch *s = *state;

	tar_file(&s->tar, "d/.wh..wh..opq", "");
	tar_put(&s->tar, tar_entry("d", S_IFDIR | 0700), NULL);
	tar_file(&s->tar, "d/f", "x");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_true(is_opaque(s, "d"));
	assert_int_equal(stat_of(s, "d").st_mode & 07777, 0700);
	assert_absent(s, "d/.wh..wh..opq");
}

static void opaque_after_its_files(void **state)
{
	struct scratch *s = *state;

	tar_dir(&s->tar, "d");
	tar_file(&s->tar, "d/f", "x");
	tar_file(&s->tar, "d/.wh..wh..opq", "");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_true(is_opaque(s, "d"));
	assert_content(s, "d/f", "x");
}

static void whiteout_and_new_directory(void **state)
{
	struct scratch *s = *state;

	tar_file(&s->tar, ".wh.first", "");
	tar_file(&s->tar, "first/f", "x");
	tar_dir(&s->tar, "second");
	tar_file(&s->tar, ".wh.second", "");
	tar_file(&s->tar, ".wh.third", "");
	tar_dir(&s->tar, "third");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_true(is_opaque(s, "first"));
	assert_content(s, "first/f", "x");
	assert_true(is_opaque(s, "second"));
	assert_true(is_opaque(s, "third"));
}

static void whiteout_and_new_file(void **state)
{
	struct scratch *s = *state;

	tar_file(&s->tar, ".wh.a", "");
	tar_file(&s->tar, "a", "a");
	tar_file(&s->tar, "b", "b");
	tar_file(&s->tar, ".wh.b", "");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_content(s, "a", "a");
	assert_content(s, "b", "b");
}

static void aufs_metadata_is_ignored(void **state)
{
	struct scratch *s = *state;

	tar_file(&s->tar, ".wh..wh.aufs", "");
	tar_dir(&s->tar, ".wh..wh.plnk");
	tar_file(&s->tar, ".wh..wh.plnk/12.34", "x");
	tar_dir(&s->tar, "d/.wh..wh.orph");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_absent(s, ".wh..wh.plnk");
	assert_absent(s, ".wh..wh.aufs");
	assert_absent(s, "d");
}

static void last_of_one_name_wins(void **state)
{
	struct scratch *s = *state;

	tar_file(&s->tar, "file", "old and longer");
	tar_file(&s->tar, "file", "new");
	tar_file(&s->tar, "was-file", "x");
	tar_file(&s->tar, "was-file/f", "y");
	tar_end(&s->tar);
	assert_refused(s, "was-file/f", "no directory in this layer");
	assert_content(s, "file", "new");
}

static void types_change(void **state)
{
	struct scratch *s = *state;

	tar_file(&s->tar, "a", "x");
	tar_dir(&s->tar, "a");
	tar_file(&s->tar, "a/f", "y");
	tar_file(&s->tar, "b/c/d/f", "x");
	tar_dir(&s->tar, "b/c/e");
	tar_file(&s->tar, "b", "file");
	tar_put(&s->tar, tar_entry("merged", S_IFDIR | 0755), NULL);
	tar_file(&s->tar, "merged/kept", "kept");
	tar_put(&s->tar, tar_entry("merged", S_IFDIR | 0700), NULL);
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_content(s, "a/f", "y");
	assert_content(s, "b", "file");
	assert_content(s, "merged/kept", "kept");
	assert_int_equal(stat_of(s, "merged").st_mode & 07777, 0700);
}

static void parent_changes_under_the_cache(void **state)
{
	struct scratch *s = *state;

	tar_file(&s->tar, "a/b/one", "1");
	tar_symlink(&s->tar, "a/b/self", ".");
	tar_file(&s->tar, "a/b/self/two", "2");
	tar_file(&s->tar, "a/b/self/self", "now a file");
	tar_file(&s->tar, "a/b/self/three", "3");
	tar_end(&s->tar);
	assert_refused(s, "a/b/self/three", "no directory in this layer");
	assert_content(s, "a/b/two", "2");
}

static void zero_device_is_a_whiteout(void **state)
{
	struct scratch *s = *state;

	tar_put(&s->tar, tar_entry("gone", S_IFCHR | 0), NULL);
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_whiteout(s, "gone");
}

static void xattrs(void **state)
{
	static const char capability[20] = { 1, 0, 0, 2, 0, 32 };
	struct scratch *s = *state;
	struct archive_entry *e;
	char value[32] = "";

	e = tar_entry("f", S_IFREG | 0755);
	archive_entry_set_uid(e, 7);
	archive_entry_xattr_add_entry(e, "user.kept", "v", 1);
	archive_entry_xattr_add_entry(e, "security.capability", capability, sizeof(capability));
	archive_entry_xattr_add_entry(e, "trusted.overlay.redirect", "/outside", 8);
	archive_entry_xattr_add_entry(e, "trusted.other", "x", 1);
	archive_entry_xattr_add_entry(e, "user.overlay.opaque", "y", 1);
	archive_entry_xattr_add_entry(e, "security.selinux", "x", 1);
	tar_put(&s->tar, e, "x");
	e = tar_entry("d", S_IFDIR | 0755);
	archive_entry_xattr_add_entry(e, "trusted.overlay.opaque", "y", 1);
	tar_put(&s->tar, e, NULL);
	tar_end(&s->tar);
	assert_unpacked(s);

	assert_int_equal(xattr_of(s, "f", "user.kept", value, sizeof(value)), 1);
	assert_int_equal(xattr_of(s, "f", "security.capability", value, sizeof(value)), 20);
	assert_memory_equal(value, capability, 20);
	assert_true(xattr_of(s, "f", "trusted.overlay.redirect", value, sizeof(value)) < 0);
	assert_true(xattr_of(s, "f", "trusted.other", value, sizeof(value)) < 0);
	assert_true(xattr_of(s, "f", "user.overlay.opaque", value, sizeof(value)) < 0);
	assert_false(is_opaque(s, "d"));
	assert_int_equal(s->done.ignored_xattrs, 5);
}

static void add_acl(struct archive_entry *e, int type, int named_perm)
{
	archive_entry_acl_add_entry(e, type, 07, ARCHIVE_ENTRY_ACL_USER_OBJ, -1, "");
	archive_entry_acl_add_entry(e, type, 05, ARCHIVE_ENTRY_ACL_GROUP_OBJ, -1, "");
	archive_entry_acl_add_entry(e, type, 05, ARCHIVE_ENTRY_ACL_OTHER, -1, "");
	archive_entry_acl_add_entry(e, type, 07, ARCHIVE_ENTRY_ACL_MASK, -1, "");
	archive_entry_acl_add_entry(e, type, named_perm, ARCHIVE_ENTRY_ACL_USER, 4242, "");
}

static void default_acl_is_kept_and_not_inherited(void **state)
{
	struct scratch *s = *state;
	struct archive_entry *e;
	char value[256];

	e = tar_entry("d", S_IFDIR | 0755);
	add_acl(e, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, 07);
	tar_put(&s->tar, e, NULL);
	tar_file(&s->tar, "d/f", "x");
	tar_dir(&s->tar, "d/sub");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_int_equal(xattr_of(s, "d", LAYERFS_XATTR_ACL_DEFAULT, value, 256), 4 + 5 * 8);
	assert_true(xattr_of(s, "d/f", LAYERFS_XATTR_ACL_ACCESS, value, 256) < 0);
	assert_true(xattr_of(s, "d/sub", LAYERFS_XATTR_ACL_DEFAULT, value, 256) < 0);
	assert_int_equal(stat_of(s, "d/f").st_mode & 07777, 0644);
}

static void access_acl(void **state)
{
	struct scratch *s = *state;
	struct archive_entry *e;
	unsigned char value[256];

	e = tar_entry("f", S_IFREG | 0770);
	add_acl(e, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, 06);
	tar_put(&s->tar, e, "x");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_int_equal(xattr_of(s, "f", LAYERFS_XATTR_ACL_ACCESS, value, 256), 4 + 5 * 8);
	/* USER_OBJ comes first, then the named user: tag, perm, id */
	assert_int_equal(value[12], 0x02);
	assert_int_equal(value[14], 6);
	assert_int_equal(value[16] | value[17] << 8, 4242);
}

static void acl_without_number_is_refused(void **state)
{
	struct scratch *s = *state;
	struct archive_entry *e = tar_entry("f", S_IFREG | 0644);

	archive_entry_xattr_add_entry(e, "user.x", "x", 1);
	add_acl(e, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, 06);
	archive_entry_acl_add_entry(e, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, 06,
				    ARCHIVE_ENTRY_ACL_GROUP, -1, "nosuchgroup");
	tar_put(&s->tar, e, "x");
	tar_end(&s->tar);
	assert_refused(s, "f", "\"nosuchgroup\" without a numeric id");
}

static void holes_stay_holes(void **state)
{
	struct scratch *s = *state;
	struct archive_entry *e = tar_entry("sparse", S_IFREG | 0644);
	const off_t size = 64 << 20;
	char byte;
	int fd;

	archive_entry_set_size(e, size);
	archive_entry_sparse_add_entry(e, 32 << 20, 4096);
	assert_true(archive_write_header(s->tar.writer, e) >= ARCHIVE_WARN);
	for (off_t pos = 0; pos < size; pos += 4096) {
		char block[4096] = { 0 };

		if (pos == 32 << 20)
			memset(block, 'x', sizeof(block));
		assert_true(archive_write_data(s->tar.writer, block, sizeof(block)) >= 0);
	}
	archive_entry_free(e);
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_int_equal(stat_of(s, "sparse").st_size, size);
	assert_true(stat_of(s, "sparse").st_blocks < 1024);
	fd = openat(s->layer, "sparse", O_RDONLY);
	assert_int_equal(pread(fd, &byte, 1, (32 << 20) + 4095), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(pread(fd, &byte, 1, (32 << 20) + 4096), 1);
	assert_int_equal(byte, 0);
	close(fd);
}

static void names_are_bytes(void **state)
{
	static const char *const names[] = {
		"gr\303\274n", "latin\374", "\346\227\245\346\234\254", "new\nline", " space ",
		"back\\slash", "\303\274/\377\376",
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		tar_file(&s->tar, names[i], "x");
	tar_end(&s->tar);
	assert_unpacked(s);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_content(s, names[i], "x");
}

static void names_are_bytes_in_a_utf8_locale(void **state)
{
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	names_are_bytes(state);
	setlocale(LC_CTYPE, "C");
}

static void owner_out_of_range(void **state)
{
	struct scratch *s = *state;
	struct archive_entry *e = tar_entry("f", S_IFREG | 0644);

	archive_entry_set_uid(e, INT64_C(1) << 32);
	tar_put(&s->tar, e, "x");
	tar_end(&s->tar);
	assert_refused(s, "f", "out of range");
}

static void long_names(void **state)
{
	struct scratch *s = *state;
	char name[4500];

	memset(name, 'n', sizeof(name));
	name[255] = '/';
	name[511] = '\0';
	tar_file(&s->tar, name, "x");
	tar_end(&s->tar);
	assert_unpacked(s);
	assert_content(s, name, "x");
}

static void too_long_names(void **state)
{
	struct scratch *s = *state;
	char name[4500];

	memset(name, 'n', sizeof(name));
	for (size_t i = 100; i < sizeof(name); i += 101)
		name[i] = '/';
	name[sizeof(name) - 1] = '\0';
	tar_file(&s->tar, name, "x");
	tar_end(&s->tar);
	assert_refused(s, "nnn", "File name too long");
}

/* One header by hand, of a kind that libarchive would not write */
static void raw_header(struct tar *tar, const char *name, const unsigned char size[12])
{
	unsigned int sum = 0;
	char *h = tar->buf;

	memset(h, 0, 512);
	strcpy(h, name);
	strcpy(h + 100, "0000644");
	strcpy(h + 108, "0000000");
	strcpy(h + 116, "0000000");
	memcpy(h + 124, size, 12);
	strcpy(h + 136, "07346545000");
	h[156] = '0';
	memcpy(h + 257, "ustar", 6);
	memcpy(h + 263, "00", 2);
	memset(h + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	tar->used = 512;
}

static void cut_short(void **state)
{
	struct scratch *s = *state;

	tar_end(&s->tar);
	raw_header(&s->tar, "f", (const unsigned char *)"00000001000");
	strcpy(s->tar.buf + 512, "less than 512 bytes");
	s->tar.used = 512 + 20;
	assert_refused(s, "f", "the archive is damaged");
}

static void huge_size_without_data(void **state)
{
	struct scratch *s = *state;

	tar_end(&s->tar);
	raw_header(&s->tar, "huge", (const unsigned char[12]) { 0x80, [4] = 0x10 });
	memset(s->tar.buf + 512, 'x', 4096);
	s->tar.used = 512 + 4096;
	assert_refused(s, "huge", "the archive is damaged");
	assert_true(stat_of(s, "huge").st_size <= 4096);
}

static void size_beyond_any(void **state)
{
	struct scratch *s = *state;

	tar_end(&s->tar);
	raw_header(&s->tar, "f", (const unsigned char[12]) {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe });
	s->tar.used = 4096;
	assert_refused(s, "", "");
}

static void garbage(void **state)
{
	struct scratch *s = *state;

	tar_end(&s->tar);
	memset(s->tar.buf, 'g', 2048);
	s->tar.used = 2048;
	assert_refused(s, "", "the archive is damaged");
}

static void empty_archives(void **state)
{
	struct scratch *s = *state;

	tar_end(&s->tar);
	assert_unpacked(s);
	s->tar.used = s->tar.pos = 0;
	assert_unpacked(s);
}

static ssize_t failing_pull(void *arg, const void **bufp, struct layerfs_error *err)
{
	(void)arg;
	(void)bufp;
	return layerfs_error_set(err, -EINTR, "interrupted");
}

static void reason_of_the_stream_comes_through(void **state)
{
	struct scratch *s = *state;

	tar_end(&s->tar);
	assert_int_equal(layerfs_unpack(s->layer, failing_pull, NULL, &s->done, &s->err), -EINTR);
	assert_string_equal(s->err.msg, "interrupted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(attributes),
		scratch_test(root_entry_sets_the_root),
		scratch_test(implied_directories),
		scratch_test(special_files),
		scratch_test(hard_links),
		scratch_test(whiteouts),
		scratch_test(opaque_before_its_directory),
		scratch_test(opaque_after_its_files),
		scratch_test(whiteout_and_new_directory),
		scratch_test(whiteout_and_new_file),
		scratch_test(aufs_metadata_is_ignored),
		scratch_test(last_of_one_name_wins),
		scratch_test(types_change),
		scratch_test(parent_changes_under_the_cache),
		scratch_test(zero_device_is_a_whiteout),
		scratch_test(xattrs),
		scratch_test(default_acl_is_kept_and_not_inherited),
		scratch_test(access_acl),
		scratch_test(acl_without_number_is_refused),
		scratch_test(holes_stay_holes),
		scratch_test(names_are_bytes),
		scratch_test(names_are_bytes_in_a_utf8_locale),
		scratch_test(owner_out_of_range),
		scratch_test(long_names),
		scratch_test(too_long_names),
		scratch_test(cut_short),
		scratch_test(huge_size_without_data),
		scratch_test(size_beyond_any),
		scratch_test(garbage),
		scratch_test(empty_archives),
		scratch_test(reason_of_the_stream_comes_through),
	};

	return run_as_root(tests, sizeof(tests) / sizeof(*tests), "unpack");
}
