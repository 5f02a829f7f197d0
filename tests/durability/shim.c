/*
 * Loss of power, rehearsed: preloaded into the program, this library keeps an undo journal of
 * everything that happens to files below one folder and that no fsync has made last. When the
 * program has been killed, the test reads the journal and takes back, or garbles, what a disk that
 * lost its power may have lost.
 *
 *   POWER_LOSS_ROOT     the folder that is watched
 *   POWER_LOSS_JOURNAL  the journal, outside of it; overwritten files are kept beside it by link
 *   POWER_LOSS_DEAF_TO  syncs of paths below the root that match this pattern are not heard: as
 *                       if the program had forgotten them
 *   POWER_LOSS_SLOW     syncs of paths below the root that match this pattern take 20 ms, so that
 *                       whatever does not wait for them is ahead of them
 *   POWER_LOSS_STUCK    a file outside: the first of those slow syncs that finds it adds `.taken` to its
 *                       name, and lasts until that is removed
 *
 * The model is unkind where POSIX allows it: a new, renamed or linked name lasts only once its
 * folder is synced, contents only once the file is; syncing one says nothing of the other. Names
 * that are removed are gone at once. Syncs are only written down, the kernel does not die here.
 *
 * One lock is held around record and act, so the order of the journal is the order of events. A
 * record is written before its act: a kill between the two leaves something to undo that has not
 * happened, which is harmless.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE = 1, TRUNCATE, SYNC, CREATE, RENAME, LINK, MAKE_FOLDER, UNLINK, MAPPED };

/* One record: this head, then path, second path and the bytes that stood there before. */
struct head {
    uint32_t magic;
    uint32_t kind;
    uint64_t inode;    /* of the file; of the folder for a synced folder */
    uint64_t folder;   /* inode of the folder that holds a new name */
    uint64_t offset;
    uint64_t length;
    uint64_t old_size;
    uint32_t path_bytes;
    uint32_t second_bytes;
    uint64_t before_bytes;
};
#define MAGIC 0x4c575250u

#define DESCRIPTORS 65536
enum { UNKNOWN, WATCHED, IGNORED };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char watched[DESCRIPTORS];
static char root[PATH_MAX];
static size_t root_bytes;
static char journal_path[PATH_MAX];
static int journal = -1;
static uint64_t stashed;
static const char *deaf_to, *slow, *stuck;

#define REAL(name) static __typeof__(&name) real_##name
REAL(openat);
REAL(close);
REAL(write);
REAL(writev);
REAL(pwrite);
REAL(pwritev);
REAL(ftruncate);
REAL(renameat);
REAL(linkat);
REAL(unlinkat);
REAL(mkdirat);
REAL(fsync);
REAL(fdatasync);
REAL(copy_file_range);
REAL(fallocate);
REAL(mmap);

__attribute__((constructor)) static void start(void) {
#define FIND(name) real_##name = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
    FIND(openat);
    FIND(close);
    FIND(write);
    FIND(writev);
    FIND(pwrite);
    FIND(pwritev);
    FIND(ftruncate);
    FIND(renameat);
    FIND(linkat);
    FIND(unlinkat);
    FIND(mkdirat);
    FIND(fsync);
    FIND(fdatasync);
    FIND(copy_file_range);
    FIND(fallocate);
    FIND(mmap);
    const char *folder = getenv("POWER_LOSS_ROOT"), *file = getenv("POWER_LOSS_JOURNAL");
    if (!folder || !file || !realpath(folder, root)) return;
    root_bytes = strlen(root);
    snprintf(journal_path, sizeof journal_path, "%s", file);
    int opened = real_openat(AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    journal = fcntl(opened, F_DUPFD_CLOEXEC, 900);
    real_close(opened);
    if (journal < 0) abort();
    deaf_to = getenv("POWER_LOSS_DEAF_TO");
    slow = getenv("POWER_LOSS_SLOW");
    stuck = getenv("POWER_LOSS_STUCK");
}

static int below_root(const char *path) {
    size_t bytes = strlen(path);
    if (strncmp(path, root, root_bytes) || (path[root_bytes] != '/' && path[root_bytes] != 0)) return 0;
    /* SQLite's shared memory is made anew after a crash. */
    return !(bytes > 4 && !strcmp(path + bytes - 4, "-shm"));
}

/* The absolute path of a name, its folder resolved; the name itself need not exist. */
static int resolve(int at, const char *path, char *out) {
    char full[PATH_MAX * 2], folder[PATH_MAX];
    if (path[0] == '/') {
        snprintf(full, sizeof full, "%s", path);
    } else if (at == AT_FDCWD) {
        if (!getcwd(folder, sizeof folder)) return 0;
        snprintf(full, sizeof full, "%s/%s", folder, path);
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t bytes = readlink(link, folder, sizeof folder - 1);
        if (bytes < 0) return 0;
        folder[bytes] = 0;
        snprintf(full, sizeof full, "%s/%s", folder, path);
    }
    size_t end = strlen(full);
    while (end > 1 && full[end - 1] == '/') full[--end] = 0;
    char *slash = strrchr(full, '/');
    if (!slash) return 0;
    char name[NAME_MAX + 2];
    snprintf(name, sizeof name, "%.255s", slash + 1);
    *slash = 0;
    if (!realpath(full[0] ? full : "/", folder)) return 0;
    int written = snprintf(out, PATH_MAX, "%s/%s", strcmp(folder, "/") ? folder : "", name);
    return written > 0 && written < PATH_MAX && root_bytes && below_root(out);
}

static int is_watched(int fd) {
    if (journal < 0 || fd < 0 || fd >= DESCRIPTORS) return 0;
    if (watched[fd] == UNKNOWN) {
        char link[64], path[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t bytes = readlink(link, path, sizeof path - 1);
        if (bytes < 0) return 0;
        path[bytes] = 0;
        watched[fd] = path[0] == '/' && below_root(path) ? WATCHED : IGNORED;
    }
    return watched[fd] == WATCHED;
}

static void put(const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        ssize_t done = real_write(journal, from, count);
        if (done < 0) abort();
        from += done;
        count -= done;
    }
}

static void record(struct head head, const char *path, const char *second, const void *before) {
    head.magic = MAGIC;
    head.path_bytes = path ? strlen(path) : 0;
    head.second_bytes = second ? strlen(second) : 0;
    put(&head, sizeof head);
    put(path, head.path_bytes);
    put(second, head.second_bytes);
    put(before, head.before_bytes);
}

static uint64_t inode_of_folder(const char *path) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    struct stat found;
    return stat(folder[0] ? folder : "/", &found) ? 0 : found.st_ino;
}

/* Writes down what stands in a range of a file before it is written or cut away. */
static void keep_before(enum kind kind, int fd, uint64_t offset, uint64_t length) {
    struct stat found;
    if (fstat(fd, &found) || !S_ISREG(found.st_mode)) return;
    uint64_t size = found.st_size, end = offset + length, before = 0;
    if (kind == TRUNCATE) end = size;
    if (end > size) end = size;
    if (end > offset) before = end - offset;
    char *bytes = NULL;
    if (before) {
        bytes = mmap(NULL, before, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (bytes == MAP_FAILED) abort();
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        int reading = real_openat(AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
        uint64_t at = 0;
        while (at < before) {
            ssize_t got = pread(reading, bytes + at, before - at, offset + at);
            if (got <= 0) abort();
            at += got;
        }
        real_close(reading);
    }
    record((struct head){.kind = kind,
                         .inode = found.st_ino,
                         .offset = offset,
                         .length = length,
                         .old_size = size,
                         .before_bytes = before},
           NULL, NULL, bytes);
    if (bytes) munmap(bytes, before);
}

/* Where a write without a position goes. */
static uint64_t position(int fd) {
    struct stat found;
    if (fcntl(fd, F_GETFL) & O_APPEND) return fstat(fd, &found) ? 0 : found.st_size;
    off_t at = lseek(fd, 0, SEEK_CUR);
    return at < 0 ? 0 : at;
}

static uint64_t total(const struct iovec *parts, int count) {
    uint64_t bytes = 0;
    for (int at = 0; at < count; at++) bytes += parts[at].iov_len;
    return bytes;
}

/* Around an act on a watched descriptor. */
#define GUARDED(type, keep, act)            \
    do {                                    \
        pthread_mutex_lock(&lock);          \
        keep;                               \
        type done = (act);                  \
        int kept_errno = errno;             \
        pthread_mutex_unlock(&lock);        \
        errno = kept_errno;                 \
        return done;                        \
    } while (0)

static int open_at(int at, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    if (journal < 0 || !(writes || flags & O_CREAT) || !resolve(at, path, full)) {
        int fd = real_openat(at, path, flags, mode);
        if (fd >= 0 && fd < DESCRIPTORS) watched[fd] = UNKNOWN;
        return fd;
    }
    pthread_mutex_lock(&lock);
    struct stat found;
    int existed = !lstat(full, &found);
    if (existed && flags & O_TRUNC && !(flags & O_EXCL)) {
        int before = real_openat(AT_FDCWD, full, O_RDONLY | O_CLOEXEC);
        if (before >= 0) {
            keep_before(TRUNCATE, before, 0, 0);
            real_close(before);
        }
    }
    int fd = real_openat(at, path, flags, mode);
    int kept_errno = errno;
    if (fd >= 0) {
        if (fd < DESCRIPTORS) watched[fd] = UNKNOWN;
        if (!existed && !fstat(fd, &found))
            record((struct head){.kind = CREATE, .inode = found.st_ino, .folder = inode_of_folder(full)}, full, NULL,
                   NULL);
    }
    pthread_mutex_unlock(&lock);
    errno = kept_errno;
    return fd;
}

#define MODE(flags)                              \
    mode_t mode = 0;                             \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {     \
        va_list rest;                            \
        va_start(rest, flags);                   \
        mode = va_arg(rest, mode_t);             \
        va_end(rest);                            \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd) {
    if (fd >= 0 && fd < DESCRIPTORS) watched[fd] = UNKNOWN;
    return real_close(fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (!is_watched(fd)) return real_write(fd, bytes, count);
    GUARDED(ssize_t, keep_before(WRITE, fd, position(fd), count), real_write(fd, bytes, count));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!is_watched(fd)) return real_writev(fd, parts, count);
    GUARDED(ssize_t, keep_before(WRITE, fd, position(fd), total(parts, count)), real_writev(fd, parts, count));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    if (!is_watched(fd)) return real_pwrite(fd, bytes, count, offset);
    GUARDED(ssize_t, keep_before(WRITE, fd, offset, count), real_pwrite(fd, bytes, count, offset));
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) { return pwrite(fd, bytes, count, offset); }

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    if (!is_watched(fd)) return real_pwritev(fd, parts, count, offset);
    GUARDED(ssize_t, keep_before(WRITE, fd, offset, total(parts, count)), real_pwritev(fd, parts, count, offset));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    return pwritev(fd, parts, count, offset);
}

int ftruncate(int fd, off_t length) {
    if (!is_watched(fd)) return real_ftruncate(fd, length);
    GUARDED(int, keep_before(TRUNCATE, fd, length, 0), real_ftruncate(fd, length));
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

/* Copies inside the kernel would pass by unseen; callers fall back to reading and writing. */
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t count, unsigned flags) {
    if (!is_watched(to)) return real_copy_file_range(from, from_at, to, to_at, count, flags);
    errno = ENOSYS;
    return -1;
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
    if (!is_watched(fd)) return real_fallocate(fd, mode, offset, length);
    errno = EOPNOTSUPP;
    return -1;
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    if (fd >= 0 && protection & PROT_WRITE && flags & MAP_SHARED && is_watched(fd)) {
        pthread_mutex_lock(&lock);
        record((struct head){.kind = MAPPED}, NULL, NULL, NULL);
        pthread_mutex_unlock(&lock);
    }
    return real_mmap(at, length, protection, flags, fd, offset);
}
void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
    return mmap(at, length, protection, flags, fd, offset);
}

/* Whether the file's path below the root matches a pattern; none matches nothing. */
static int matches(int fd, const char *pattern) {
    char link[64], path[PATH_MAX];
    if (!pattern) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(link, path, sizeof path - 1);
    if (bytes < 0) return 0;
    path[bytes] = 0;
    const char *below = path + root_bytes;
    return fnmatch(pattern, *below == '/' ? below + 1 : below, 0) == 0;
}

static int synced(int fd) {
    struct stat found;
    if (matches(fd, deaf_to)) return 0;
    if (fstat(fd, &found)) return -1;
    record((struct head){.kind = SYNC, .inode = found.st_ino}, NULL, NULL, NULL);
    return 0;
}

/* Before the lock: others go on meanwhile. */
static void take_time(int fd) {
    if (!matches(fd, slow)) return;
    char taken[PATH_MAX];
    snprintf(taken, sizeof taken, "%s.taken", stuck ? stuck : "");
    if (!stuck || real_renameat(AT_FDCWD, stuck, AT_FDCWD, taken)) {
        usleep(20000);
        return;
    }
    while (!access(taken, F_OK)) usleep(1000);
}
int fsync(int fd) {
    if (!is_watched(fd)) return real_fsync(fd);
    take_time(fd);
    GUARDED(int, (void)0, synced(fd));
}
int fdatasync(int fd) {
    if (!is_watched(fd)) return real_fdatasync(fd);
    take_time(fd);
    GUARDED(int, (void)0, synced(fd));
}

/* A name that takes the place of another keeps that one beside the journal, to be put back. */
static int rename_at(int from_at, const char *from, int to_at, const char *to) {
    char source[PATH_MAX], target[PATH_MAX];
    if (journal < 0 || !resolve(to_at, to, target) || !resolve(from_at, from, source))
        return real_renameat(from_at, from, to_at, to);
    pthread_mutex_lock(&lock);
    struct stat found;
    uint64_t inode = stat(source, &found) ? 0 : found.st_ino, stash = 0;
    if (!lstat(target, &found)) {
        char beside[PATH_MAX + 32];
        int failed;
        do {
            /* Numbers of an earlier life of the program are taken. */
            stash = ++stashed;
            snprintf(beside, sizeof beside, "%s.%llu", journal_path, (unsigned long long)stash);
            failed = real_linkat(AT_FDCWD, target, AT_FDCWD, beside, 0);
        } while (failed && errno == EEXIST);
        if (failed) abort();
    }
    record((struct head){.kind = RENAME, .inode = inode, .folder = inode_of_folder(target), .offset = stash}, source,
           target, NULL);
    int done = real_renameat(AT_FDCWD, source, AT_FDCWD, target);
    int kept_errno = errno;
    pthread_mutex_unlock(&lock);
    errno = kept_errno;
    return done;
}
int rename(const char *from, const char *to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_at, const char *from, int to_at, const char *to) { return rename_at(from_at, from, to_at, to); }

static int link_at(int from_at, const char *from, int to_at, const char *to, int flags) {
    char target[PATH_MAX];
    if (journal < 0 || !resolve(to_at, to, target)) return real_linkat(from_at, from, to_at, to, flags);
    pthread_mutex_lock(&lock);
    int done = real_linkat(from_at, from, to_at, to, flags);
    int kept_errno = errno;
    struct stat found;
    if (!done && !lstat(target, &found))
        record((struct head){.kind = LINK, .inode = found.st_ino, .folder = inode_of_folder(target)}, target, NULL,
               NULL);
    pthread_mutex_unlock(&lock);
    errno = kept_errno;
    return done;
}
int link(const char *from, const char *to) { return link_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    return link_at(from_at, from, to_at, to, flags);
}

static int unlink_at(int at, const char *path, int flags) {
    char full[PATH_MAX];
    if (journal < 0 || !resolve(at, path, full)) return real_unlinkat(at, path, flags);
    pthread_mutex_lock(&lock);
    struct stat found;
    /* The last name of a file: what was pending for its inode is of no meaning any more. */
    uint64_t inode = !lstat(full, &found) && (found.st_nlink == 1 || flags & AT_REMOVEDIR) ? found.st_ino : 0;
    int done = real_unlinkat(at, path, flags);
    int kept_errno = errno;
    if (!done) record((struct head){.kind = UNLINK, .inode = inode}, full, NULL, NULL);
    pthread_mutex_unlock(&lock);
    errno = kept_errno;
    return done;
}
int unlink(const char *path) { return unlink_at(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return unlink_at(at, path, flags); }
int rmdir(const char *path) { return unlink_at(AT_FDCWD, path, AT_REMOVEDIR); }

static int make_folder_at(int at, const char *path, mode_t mode) {
    char full[PATH_MAX];
    if (journal < 0 || !resolve(at, path, full)) return real_mkdirat(at, path, mode);
    pthread_mutex_lock(&lock);
    int done = real_mkdirat(at, path, mode);
    int kept_errno = errno;
    struct stat found;
    if (!done && !lstat(full, &found))
        record((struct head){.kind = MAKE_FOLDER, .inode = found.st_ino, .folder = inode_of_folder(full)}, full, NULL,
               NULL);
    pthread_mutex_unlock(&lock);
    errno = kept_errno;
    return done;
}
int mkdir(const char *path, mode_t mode) { return make_folder_at(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return make_folder_at(at, path, mode); }
