/* Stands between SQLite and the C library, and has files fail as disks do.
 *
 * MDMSIM_SHIM names a file of five 32-bit numbers, which the test may change at any time:
 *   effect      0 none, 1 errno, 2 short write, 3 kill -9 before the call
 *   operations  1 write, 2 sync, 4 truncate (added up)
 *   files       1 the database, 2 its write-ahead log (added up)
 *   skip        calls that succeed first; counts down
 *   error       errno to fail with
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { NONE, FAIL, SHORT, KILL };
enum { WRITE = 1, SYNC = 2, TRUNCATE = 4 };

struct orders {
    volatile int32_t effect, operations, files, skip, error;
};

static struct orders *orders;

__attribute__((constructor)) static void start(void)
{
    const char *name = getenv("MDMSIM_SHIM");
    int file = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *found = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED)
        orders = found;
}

static int kind_of(int file)
{
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, name, sizeof name - 1);
    if (size < 0)
        return 0;
    name[size] = 0;
    const char *dot = strrchr(name, '.');
    if (!dot)
        return 0;
    return !strcmp(dot, ".db") ? 1 : !strcmp(dot, ".db-wal") ? 2 : 0;
}

/* Return the effect on a call, after doing what needs no call. */
static int effect_on(int file, int operation)
{
    if (!orders || !orders->effect || !(orders->operations & operation))
        return NONE;
    if (!(kind_of(file) & orders->files))
        return NONE;
    if (__sync_fetch_and_sub(&orders->skip, 1) > 0)
        return NONE;
    if (orders->effect == KILL)
        kill(getpid(), SIGKILL);
    errno = orders->error;
    return orders->effect;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) \
        real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define WRITES(name, type) \
    ssize_t name(int file, const void *data, size_t size, type at) \
    { \
        REAL(name); \
        switch (effect_on(file, WRITE)) { \
        case FAIL: \
            return -1; \
        case SHORT: /* what is left does not fit */ \
            if (size > 512) \
                return real(file, data, size / 2, at); \
            errno = ENOSPC; \
            return -1; \
        default: \
            return real(file, data, size, at); \
        } \
    }

WRITES(pwrite, off_t)
WRITES(pwrite64, off64_t)

#define ENDS(name, parameters, arguments, operation) \
    int name parameters \
    { \
        REAL(name); \
        return effect_on(file, operation) ? -1 : real arguments; \
    }

ENDS(fsync, (int file), (file), SYNC)
ENDS(fdatasync, (int file), (file), SYNC)
ENDS(ftruncate, (int file, off_t size), (file, size), TRUNCATE)
ENDS(ftruncate64, (int file, off64_t size), (file, size), TRUNCATE)
