/* Records what a process does to the files below one folder: loaded before libc, it
 * writes each call that succeeded to a trace, in the order in which they took effect
 * (one lock is held over call and record). What is about to be sent over a network is
 * recorded too, before it is.
 *
 * RECORD_UNDER is the folder, RECORD_TO the trace, which is appended to.
 * A record is: kind (1 byte), file (8), number (8), length (4), then length bytes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define DESCRIPTORS 65536
#define REAL(name) \
    static __typeof__(name) *real; \
    if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static char under[PATH_MAX];
static uint64_t file_of[DESCRIPTORS]; /* inode; 0: not one of ours */

static ssize_t to_trace(const struct iovec *parts, int count) {
    static ssize_t (*real)(int, const struct iovec *, int);
    if (real == NULL)
        real = (ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
    return real(trace, parts, count);
}

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("RECORD_UNDER"), *path = getenv("RECORD_TO");
    static int (*real)(const char *, int, ...);
    real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    if (folder == NULL || path == NULL) return;
    snprintf(under, sizeof under, "%s/", folder);
    trace = real(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void record(char kind, uint64_t file, uint64_t number, const void *data, uint32_t length) {
    char head[21];
    head[0] = kind;
    memcpy(head + 1, &file, 8);
    memcpy(head + 9, &number, 8);
    memcpy(head + 17, &length, 4);
    struct iovec parts[2] = {{head, sizeof head}, {(void *)data, length}};
    if (to_trace(parts, 2) != (ssize_t)(sizeof head + length)) abort();
}

/* Make a path absolute; tell whether it is below the folder, and not the trace. */
static int ours(int folder, const char *path, char *whole) {
    char base[PATH_MAX], link[64];
    if (trace < 0 || path == NULL) return 0;
    if (path[0] == '/') {
        snprintf(whole, PATH_MAX, "%s", path);
    } else {
        snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
        if (snprintf(whole, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    }
    size_t size = strlen(under);
    return strncmp(whole, under, size) == 0 ||
           (strlen(whole) == size - 1 && strncmp(whole, under, size - 1) == 0);
}

static void opened(int fd, const char *path, int flags, int there) {
    struct stat state;
    if (fd < 0 || fd >= DESCRIPTORS || fstat(fd, &state) != 0) return;
    if (!S_ISREG(state.st_mode) && !S_ISDIR(state.st_mode)) return; /* a line */
    file_of[fd] = state.st_ino;
    record('O', state.st_ino, there ? 0 : 1, path, strlen(path));
    if (there && (flags & O_TRUNC)) record('T', state.st_ino, 0, "", 0);
}

#define OPEN(name) \
int name(const char *path, int flags, ...) { \
    REAL(name); \
    va_list rest; va_start(rest, flags); \
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    char whole[PATH_MAX]; struct stat state; \
    if (!ours(AT_FDCWD, path, whole)) return real(path, flags, mode); \
    pthread_mutex_lock(&lock); \
    int there = lstat(path, &state) == 0; \
    int fd = real(path, flags, mode); \
    opened(fd, whole, flags, there); \
    pthread_mutex_unlock(&lock); \
    return fd; \
}
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
int name(int folder, const char *path, int flags, ...) { \
    REAL(name); \
    va_list rest; va_start(rest, flags); \
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    char whole[PATH_MAX]; struct stat state; \
    if (!ours(folder, path, whole)) return real(folder, path, flags, mode); \
    pthread_mutex_lock(&lock); \
    int there = fstatat(folder, path, &state, AT_SYMLINK_NOFOLLOW) == 0; \
    int fd = real(folder, path, flags, mode); \
    opened(fd, whole, flags, there); \
    pthread_mutex_unlock(&lock); \
    return fd; \
}
OPENAT(openat)
OPENAT(openat64)

static uint64_t file(int fd) {
    return fd >= 0 && fd < DESCRIPTORS ? file_of[fd] : 0;
}

int close(int fd) {
    REAL(close);
    if (file(fd) == 0) return real(fd);
    pthread_mutex_lock(&lock);
    file_of[fd] = 0;
    int done = real(fd);
    pthread_mutex_unlock(&lock);
    return done;
}

#define PWRITE(name, offset_type) \
ssize_t name(int fd, const void *data, size_t size, offset_type offset) { \
    REAL(name); \
    if (file(fd) == 0) return real(fd, data, size, offset); \
    pthread_mutex_lock(&lock); \
    ssize_t done = real(fd, data, size, offset); \
    if (done > 0) record('W', file(fd), offset, data, done); \
    pthread_mutex_unlock(&lock); \
    return done; \
}
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

/* Where a write that just ended began; also right for files that are appended to. */
static off_t began(int fd, ssize_t done) {
    return lseek(fd, 0, SEEK_CUR) - done;
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    if (file(fd) == 0) return real(fd, data, size);
    pthread_mutex_lock(&lock);
    ssize_t done = real(fd, data, size);
    if (done > 0) record('W', file(fd), began(fd, done), data, done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    if (file(fd) == 0) return real(fd, parts, count);
    pthread_mutex_lock(&lock);
    ssize_t done = real(fd, parts, count), left = done;
    off_t offset = done > 0 ? began(fd, done) : 0;
    for (int i = 0; i < count && left > 0; i++) {
        ssize_t size = (ssize_t)parts[i].iov_len < left ? (ssize_t)parts[i].iov_len : left;
        if (size > 0) record('W', file(fd), offset, parts[i].iov_base, size);
        offset += size;
        left -= size;
    }
    pthread_mutex_unlock(&lock);
    return done;
}

#define FTRUNCATE(name, size_type) \
int name(int fd, size_type size) { \
    REAL(name); \
    if (file(fd) == 0) return real(fd, size); \
    pthread_mutex_lock(&lock); \
    int done = real(fd, size); \
    if (done == 0) record('T', file(fd), size, "", 0); \
    pthread_mutex_unlock(&lock); \
    return done; \
}
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

#define SYNC(name) \
int name(int fd) { \
    REAL(name); \
    if (file(fd) == 0) return real(fd); \
    pthread_mutex_lock(&lock); \
    int done = real(fd); \
    if (done == 0) record('S', file(fd), 0, "", 0); \
    pthread_mutex_unlock(&lock); \
    return done; \
}
SYNC(fsync)
SYNC(fdatasync)

/* A call that changes a folder: what its record says is put together by TEXT. */
#define CHANGE(kind, condition, call, text, length) \
    if (!(condition)) return call; \
    pthread_mutex_lock(&lock); \
    int done = call; \
    if (done == 0) record(kind, 0, 0, text, length); \
    pthread_mutex_unlock(&lock); \
    return done;

int unlink(const char *path) {
    REAL(unlink);
    char whole[PATH_MAX];
    CHANGE('U', ours(AT_FDCWD, path, whole), real(path), whole, strlen(whole))
}

int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    char whole[PATH_MAX];
    CHANGE('U', ours(folder, path, whole), real(folder, path, flags), whole, strlen(whole))
}

int rmdir(const char *path) {
    REAL(rmdir);
    char whole[PATH_MAX];
    CHANGE('U', ours(AT_FDCWD, path, whole), real(path), whole, strlen(whole))
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    char whole[PATH_MAX];
    CHANGE('M', ours(AT_FDCWD, path, whole), real(path, mode), whole, strlen(whole))
}

static int both(const char *from, const char *to, char *text) {
    char one[PATH_MAX], other[PATH_MAX];
    if (!ours(AT_FDCWD, from, one) || !ours(AT_FDCWD, to, other)) return 0;
    return snprintf(text, 2 * PATH_MAX, "%s\n%s", one, other);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    char text[2 * PATH_MAX];
    CHANGE('R', both(from, to, text), real(from, to), text, strlen(text))
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    REAL(send);
    if (trace >= 0) {
        pthread_mutex_lock(&lock);
        record('N', 0, 0, data, size);
        pthread_mutex_unlock(&lock);
    }
    return real(fd, data, size, flags);
}
