/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cell/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define OWNER_MAX 256
#define LOOP_TRIES 64
/* Locked shared by who uses the folder, alone by who mounts or unmounts it. */
#define USE "use"
#define USE_TRIES 200
#define USE_PAUSE 10000 /* us */
#define BLOCK 4096
/* linux/ext4.h is not exported: grow to this many blocks, mounted. */
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t)

static int run(const char *const *argv)
{
	int status, r;
	pid_t pid;

	r = -posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)argv, (char *const[]){NULL});
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

/* A folder of root's, whether it was there or not. */
static int folder(int parent, const char *name, mode_t mode, int *ret_fd)
{
	_cleanup_fd_ int fd = -1;

	if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode) < 0)
		return -errno;
	*ret_fd = FD_STEAL(fd);
	return 0;
}

static int check_owner(int dir, uid_t uid, const char *user)
{
	_cleanup_free_ char *is = NULL;
	char should[OWNER_MAX];
	size_t len;
	int r;

	snprintf(should, sizeof(should), "%u %s\n", (unsigned int)uid, user);
	r = fd_read_file(dir, "owner", OWNER_MAX, &is, &len);
	if (r == -ENOENT)
		return fd_write_file_atomic(dir, "owner", 0600, should, strlen(should));
	if (r < 0)
		return r;
	return str_eq(is, should) ? 0 : -ESTALE;
}

/*
 * The whole size is reserved on the disk: a volume that is promised is there, and a host that
 * runs full is found out here, not by a user's file.
 */
static int make_volume(int dir, uint64_t size)
{
	char path[64];
	const char *const argv[] = {
		"/sbin/mkfs.ext4",
		"-q",
		"-b",
		"4096",
		"-F",
		"-m",
		"0",
		"-E",
		"nodiscard,lazy_itable_init=1,lazy_journal_init=1",
		path,
		NULL,
	};
	_cleanup_fd_ int fd = openat(dir, "volume.new", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW,
				     0600);
	int r;

	/* Inherited by mkfs, which finds the file by it: no path is walked twice. */
	if (fd < 0)
		return -errno;
	if (fallocate(fd, 0, 0, (off_t)size) < 0)
		r = -errno;
	else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		r = run(argv);
		if (r > 0)
			r = -EIO;
	}
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dir, "volume.new", dir, "volume") < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, "volume.new", 0);
	return r;
}

/* Attaches the file to a free loop device that lets go of it by itself after the last close. */
static int attach(int file, char ret_path[64])
{
	_cleanup_fd_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = {
		.fd = (uint32_t)file,
		.block_size = BLOCK,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO,
	};

	if (control < 0)
		return -errno;
	for (int i = 0; i < LOOP_TRIES; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		_cleanup_fd_ int fd = -1;

		if (number < 0)
			return -errno;
		snprintf(ret_path, 64, "/dev/loop%d", number);
		fd = open(ret_path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
			return FD_STEAL(fd);
		/* A file system without direct access: through the page cache, then. */
		if (errno == EINVAL && (config.info.lo_flags & LO_FLAGS_DIRECT_IO))
			config.info.lo_flags &= ~(uint32_t)LO_FLAGS_DIRECT_IO;
		else if (errno != EBUSY) /* EBUSY: another was quicker */
			return -errno;
	}
	return -EBUSY;
}

static bool is_backed_by(int loop, const struct stat *file)
{
	struct loop_info64 info;

	return ioctl(loop, LOOP_GET_STATUS64, &info) == 0 && info.lo_device == file->st_dev &&
	       info.lo_inode == file->st_ino;
}

/* The device that has the file: -EBUSY when there is none, because it is just coming or going. */
static int find_attached(int file, char ret_path[64])
{
	DIR *devices = opendir("/sys/block");
	const struct dirent *entry;
	struct stat status;
	int found = -EBUSY;

	if (!devices || fstat(file, &status) < 0) {
		if (devices)
			closedir(devices);
		return -EBUSY;
	}
	while (found < 0 && (entry = readdir(devices))) {
		int fd;

		if (strncmp(entry->d_name, "loop", 4) != 0)
			continue;
		snprintf(ret_path, 64, "/dev/%.32s", entry->d_name);
		fd = open(ret_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && is_backed_by(fd, &status))
			found = fd;
		else
			fd_close(fd);
	}
	closedir(devices);
	return found;
}

static int mount_volume(int file, const char *target)
{
	char device[64];
	const char *const repair[] = {"/sbin/e2fsck", "-p", device, NULL};
	_cleanup_fd_ int loop = -1;
	int r = 0;

	/*
	 * The loop device keeps the file open, and with it the lock. A volume that is still mounted
	 * somewhere, were it in another namespace only, must not get a second device: it would be a second
	 * file system in the same blocks. Mounted from the same one it is the same.
	 */
	if (flock(file, LOCK_EX | LOCK_NB) == 0)
		loop = attach(file, device);
	else
		loop = errno == EWOULDBLOCK ? find_attached(file, device) : -errno;
	if (loop < 0)
		return loop;
	if (mount(device, target, "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME, "errors=remount-ro") ==
	    0)
		return 0;
	if (errno != EUCLEAN && errno != EINVAL)
		return -errno;
	r = run(repair);
	if (r < 0 || r > 1)
		return -EUCLEAN;
	return mount(device, target, "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME,
		     "errors=remount-ro") < 0
		       ? -EUCLEAN
		       : 0;
}

static bool is_mounted(int dir)
{
	struct stat in, out;

	return fstatat(dir, "data", &in, AT_SYMLINK_NOFOLLOW) == 0 && fstat(dir, &out) == 0 &&
	       in.st_dev != out.st_dev;
}

static int user_folder(int data, const char *name, uid_t uid, gid_t gid)
{
	_cleanup_fd_ int fd = -1;
	int r = folder(data, name, 0700, &fd);

	return r < 0 ? r : fchown(fd, uid, gid) < 0 ? -errno : 0;
}

/* Blocks of the file system in the volume, from its superblock; 0 if that makes no sense. */
static uint64_t blocks_of(int file)
{
	uint8_t super[8];

	if (pread(file, super, sizeof(super), 1024) != sizeof(super))
		return 0;
	return super[4] | (uint64_t)super[5] << 8 | (uint64_t)super[6] << 16 |
	       (uint64_t)super[7] << 24;
}

/* Makes the file as large as is wanted; the file system follows, now or after a start that broke
 * off in between. */
static int grow_file(int file, uint64_t size, uint64_t *ret_blocks)
{
	struct stat st;

	if (fstat(file, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size < size && fallocate(file, 0, 0, (off_t)size) < 0)
		return -errno;
	*ret_blocks = MAX((uint64_t)st.st_size, size) / BLOCK;
	return 0;
}

/* While it is not mounted, by the file system's own programs. */
static int grow_offline(int file)
{
	char path[64];
	const char *const check[] = {"/sbin/e2fsck", "-f", "-p", path, NULL};
	const char *const resize[] = {"/sbin/resize2fs", path, NULL};
	int r = fd_set_cloexec(file, false);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (r == 0)
		r = run(check);
	if (r == 0 || r == 1)
		r = run(resize);
	return r > 0 ? -EUCLEAN : r;
}

/*
 * Mounted, by the kernel, which does it so that a crash loses nothing. In a container without
 * CAP_SYS_RESOURCE it refuses.
 */
static int grow_system(int dir, int file, const char *target, uint64_t blocks)
{
	_cleanup_fd_ int data = openat(dir, "data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (data < 0)
		return -errno;
	if (ioctl(data, EXT4_IOC_RESIZE_FS, &blocks) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	data = fd_close(data);
	if (umount2(target, UMOUNT_NOFOLLOW) < 0)
		return -errno;
	r = grow_offline(file);
	return r < 0 ? r : mount_volume(file, target);
}

static int open_volume(int dir, const char *target, uint64_t size)
{
	_cleanup_fd_ int file = openat(dir, "volume", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	uint64_t blocks = 0, have;
	int r = 0;

	if (file < 0 && errno != ENOENT)
		return -errno;
	if (file < 0) {
		r = make_volume(dir, size);
		if (r < 0)
			return r;
		file = openat(dir, "volume", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
		if (file < 0)
			return -errno;
	}
	r = grow_file(file, size, &blocks);
	have = blocks_of(file);
	if (r == 0)
		r = mount_volume(file, target);
	if (r < 0 || have >= blocks)
		return r;
	return grow_system(dir, file, target, blocks);
}

static int open_user_folder(const char *state, uid_t uid, bool make, int *ret_dir)
{
	_cleanup_fd_ int top = -1, users = -1, dir = -1;
	char name[16];
	int r;

	snprintf(name, sizeof(name), "%u", (unsigned int)uid);
	top = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -errno;
	if (!make) {
		users = openat(top, "users", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		dir = users < 0 ? -1 : openat(users, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			return -errno;
	} else {
		r = folder(top, "users", 0711, &users);
		if (r == 0)
			r = folder(users, name, 0711, &dir);
		if (r < 0)
			return r;
	}
	*ret_dir = FD_STEAL(dir);
	return 0;
}

/* The folder of earlier versions, which lay beside the home. */
static int adopt_transfer(int data, int lock)
{
	if (faccessat(lock, "transfer", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (renameat(data, "transfer", lock, "transfer") < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static int make_folders(int dir, uid_t uid, gid_t gid)
{
	_cleanup_fd_ int data = -1, lock = -1;
	int r = folder(dir, "data", 0711, &data);

	if (r == 0)
		r = user_folder(data, "home", uid, gid);
	if (r == 0)
		r = folder(data, "lock", 0711, &lock);
	if (r == 0)
		r = adopt_transfer(data, lock);
	if (r == 0)
		r = user_folder(lock, "transfer", uid, gid);
	return r == 0 ? user_folder(lock, "staging", uid, gid) : r;
}

static int mount_data(int dir, const char *target, uint64_t size)
{
	if (is_mounted(dir))
		return 0;
	if (mkdirat(dir, "data", 0700) < 0 && errno != EEXIST)
		return -errno;
	return open_volume(dir, target, size);
}

/*
 * Whoever comes first mounts. In changing from the one lock to the other the kernel lets go for a moment,
 * in which the last user may have unmounted: it is looked again.
 */
static int use_data(int dir, const char *target, uint64_t size, int *ret_use)
{
	_cleanup_fd_ int use = openat(dir, USE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (use < 0)
		return -errno;
	for (int i = 0; i < USE_TRIES; i++) {
		if (flock(use, LOCK_EX | LOCK_NB) == 0) {
			int r = mount_data(dir, target, size);

			/* The loop device of before lets go a little later than umount(2) returns. */
			if (r < 0 && r != -EBUSY)
				return r;
		} else if (errno != EWOULDBLOCK) {
			return -errno;
		}
		if (flock(use, LOCK_SH) < 0)
			return -errno;
		if (is_mounted(dir)) {
			*ret_use = FD_STEAL(use);
			return 0;
		}
		(void)flock(use, LOCK_UN);
		usleep(USE_PAUSE);
	}
	return -EBUSY;
}

int home_open(const char *state, uid_t uid, gid_t gid, const char *user, uint64_t size,
	      struct home *ret_home)
{
	_cleanup_fd_ int dir = -1, use = -1;
	char target[HOME_PATH_MAX - 16];
	struct home home;
	int r;

	if (size < HOME_SIZE_MIN)
		return -ERANGE;
	size &= ~(uint64_t)(BLOCK - 1);
	r = snprintf(target, sizeof(target), "%s/users/%u/data", state, (unsigned int)uid);
	if (r < 0 || (size_t)r >= sizeof(target))
		return -ENAMETOOLONG;
	r = open_user_folder(state, uid, true, &dir);
	if (r == 0)
		r = check_owner(dir, uid, user);
	if (r == 0)
		r = use_data(dir, target, size, &use);
	if (r == 0)
		r = make_folders(dir, uid, gid);
	if (r < 0)
		return r;
	snprintf(home.home, sizeof(home.home), "%s/home", target);
	snprintf(home.transfer, sizeof(home.transfer), "%s/lock/transfer", target);
	snprintf(home.lock, sizeof(home.lock), "%s/lock", target);
	home.use = FD_STEAL(use);
	*ret_home = home;
	return 0;
}

int home_close(const char *state, uid_t uid)
{
	_cleanup_fd_ int dir = -1, use = -1;
	char target[HOME_PATH_MAX];
	int r = open_user_folder(state, uid, false, &dir);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	snprintf(target, sizeof(target), "%s/users/%u/data", state, (unsigned int)uid);
	if (!is_mounted(dir))
		return 0;
	use = openat(dir, USE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (use < 0)
		return -errno;
	/* Somebody else uses it, and will close it. */
	if (flock(use, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : -errno;
	return umount2(target, UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
}

void home_release(struct home *home)
{
	home->use = fd_close(home->use);
}
