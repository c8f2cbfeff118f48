/* Lets calls on the files below one folder fail, for as long as a file says so.
 * FAIL_UNDER is the folder, FAIL_AS the file: it holds what fails, and the errno, as
 * "write 28", "sync 5" or "change 30" (whatever changes a file or its folder); while
 * it is not there, or empty, nothing does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REAL(name) \
    static __typeof__(name) *real; \
    if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

enum { WRITES = 1, SYNCS = 2, CHANGES = 4 };

/* The errno with which calls of a kind fail now, 0: they do not. */
static int failing(int kind) {
    const char *path = getenv("FAIL_AS");
    char text[64];
    int number = 0, fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY) : -1;
    if (fd < 0) return 0;
    ssize_t length = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    text[length > 0 ? length : 0] = 0;
    if (sscanf(text, "write %d", &number) == 1) return kind & WRITES ? number : 0;
    if (sscanf(text, "sync %d", &number) == 1) return kind & SYNCS ? number : 0;
    if (sscanf(text, "change %d", &number) == 1)
        return kind & (WRITES | CHANGES) ? number : 0;
    return 0;
}

static int below(const char *path) {
    const char *folder = getenv("FAIL_UNDER");
    return folder != NULL && strncmp(path, folder, strlen(folder)) == 0;
}

/* Only regular files and folders are meant, not lines. */
static int ours(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

/* A failing call may not change errno where the real one succeeds. */
#define FAIL(kind, is_ours) \
    { int saved = errno, number = failing(kind); \
      if (number && (is_ours)) { errno = number; return -1; } \
      errno = saved; }

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    FAIL(WRITES, ours(fd))
    return real(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    REAL(pwrite);
    FAIL(WRITES, ours(fd))
    return real(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    REAL(pwrite64);
    FAIL(WRITES, ours(fd))
    return real(fd, data, size, offset);
}

int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    FAIL(CHANGES, ours(fd))
    return real(fd, size);
}

int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    FAIL(CHANGES, ours(fd))
    return real(fd, size);
}

int fsync(int fd) {
    REAL(fsync);
    FAIL(SYNCS, ours(fd))
    return real(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    FAIL(SYNCS, ours(fd))
    return real(fd);
}

int unlink(const char *path) {
    REAL(unlink);
    FAIL(CHANGES, below(path))
    return real(path);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    FAIL(CHANGES, below(from))
    return real(from, to);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    FAIL(CHANGES, below(path))
    return real(path, mode);
}

#define OPEN(name) \
int name(const char *path, int flags, ...) { \
    REAL(name); \
    va_list rest; va_start(rest, flags); \
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    if ((flags & O_ACCMODE) != O_RDONLY) FAIL(CHANGES, below(path)) \
    return real(path, flags, mode); \
}
OPEN(open)
OPEN(open64)
