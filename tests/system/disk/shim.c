/* A disk that fails as it is told to, for one folder of the process that has this library preloaded.

   Each write, truncation, sync, unlink and mkdir below the folder is a step. Steps are counted and logged in their order,
   so that a test can end the process at each of them, and can compute what would be on the disk if the power failed. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[512];
static size_t root_length;
static int log_fd = -1;
static long steps, exit_at;
static long budget = -1;  /* bytes that files may still grow by; -1: any number */
static int sync_errno;    /* what syncs fail with; 0: they work */
static int sync_skip;     /* after so many that work */
static int sync_times;    /* so many times; then they work again */

#define REAL(name, type) \
  static __typeof__(type) real; \
  if (!real) real = (__typeof__(type))dlsym(RTLD_NEXT, name)

/* Called through ctypes: watches a folder, and logs to a file outside of it. */
void disk_watch(const char *folder, const char *log, long at) {
  snprintf(root, sizeof root, "%s", folder);
  root_length = strlen(root);
  log_fd = *log ? open(log, O_APPEND | O_CREAT | O_WRONLY | O_CLOEXEC, 0600) : -1;
  steps = 0;
  exit_at = at;
}

void disk_budget(long bytes) { budget = bytes; }

void disk_fail_syncs(int error, int skip, int times) {
  sync_errno = error;
  sync_skip = skip;
  sync_times = times;
}

long disk_steps(void) { return steps; }

static int watched(const char *path) {
  return root_length && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

static int path_of(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return watched(path);
}

static void put(const void *data, size_t size) {
  REAL("write", ssize_t (*)(int, const void *, size_t));
  if (log_fd >= 0 && real(log_fd, data, size) != (ssize_t)size) abort();
}

/* Notes one step, and ends the process instead if it is the one to end at. */
static void step(char kind, const char *path, uint64_t at, const void *data, uint64_t size) {
  if (++steps == exit_at) _exit(42);
  uint32_t length = strlen(path);
  put(&kind, 1);
  put(&length, sizeof length);
  put(path, length);
  put(&at, sizeof at);
  put(&size, sizeof size);
  if (data) put(data, size);
}

/* Takes from the budget what a file grows by; -1 with ENOSPC if that is too much. */
static int grow(int fd, uint64_t end) {
  struct stat status;
  if (budget < 0 || fstat(fd, &status) || (uint64_t)status.st_size >= end) return 0;
  long growth = end - status.st_size;
  if (growth > budget) {
    errno = ENOSPC;
    return -1;
  }
  budget -= growth;
  return 0;
}

static ssize_t put_at(int fd, const void *data, size_t size, off_t at, int has_offset) {
  REAL("pwrite", ssize_t (*)(int, const void *, size_t, off_t));
  static ssize_t (*plain)(int, const void *, size_t);
  if (!plain) plain = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  char path[1024];
  if (!path_of(fd, path, sizeof path)) return has_offset ? real(fd, data, size, at) : plain(fd, data, size);
  pthread_mutex_lock(&lock);
  off_t place = has_offset ? at : lseek(fd, 0, SEEK_CUR);
  ssize_t written = -1;
  if (!grow(fd, place + size)) {
    step('W', path, place, data, size);
    written = has_offset ? real(fd, data, size, at) : plain(fd, data, size);
  }
  int error = errno;
  pthread_mutex_unlock(&lock);
  errno = error;
  return written;
}

ssize_t write(int fd, const void *data, size_t size) { return put_at(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return put_at(fd, data, size, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) { return put_at(fd, data, size, at, 1); }

static int synced(int fd, const char *name) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  char path[1024];
  if (!path_of(fd, path, sizeof path)) return real(fd);
  pthread_mutex_lock(&lock);
  int result = 0, error = 0;
  if (sync_errno && sync_skip-- <= 0 && sync_times-- > 0) {
    step('F', path, 0, NULL, 0);
    result = -1;
    error = sync_errno;
  } else {
    step('S', path, 0, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  if (result) errno = error;  /* nothing is synced for real: only the model forgets */
  return result;
}

int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

static int truncated(int fd, off_t size) {
  REAL("ftruncate", int (*)(int, off_t));
  char path[1024];
  if (!path_of(fd, path, sizeof path)) return real(fd, size);
  pthread_mutex_lock(&lock);
  struct stat status;
  if (budget >= 0 && !fstat(fd, &status) && status.st_size > size) budget += status.st_size - size;
  step('T', path, size, NULL, 0);
  int result = real(fd, size);
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int fd, off_t size) { return truncated(fd, size); }
int ftruncate64(int fd, off_t size) { return truncated(fd, size); }

int unlink(const char *path) {
  REAL("unlink", int (*)(const char *));
  struct stat status;
  if (!watched(path) || lstat(path, &status)) return real(path);
  pthread_mutex_lock(&lock);
  if (budget >= 0) budget += status.st_size;
  step('U', path, 0, NULL, 0);
  int result = real(path);
  pthread_mutex_unlock(&lock);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  REAL("mkdir", int (*)(const char *, mode_t));
  struct stat status;
  if (!watched(path) || !lstat(path, &status)) return real(path, mode);
  pthread_mutex_lock(&lock);
  step('M', path, 0, NULL, 0);
  int result = real(path, mode);
  pthread_mutex_unlock(&lock);
  return result;
}

static int room(const char *path, struct statvfs *status, const char *name) {
  int (*real)(const char *, struct statvfs *) = (int (*)(const char *, struct statvfs *))dlsym(RTLD_NEXT, name);
  int result = real(path, status);
  if (!result && budget >= 0 && watched(path)) status->f_bavail = budget / status->f_frsize;
  return result;
}

int statvfs(const char *path, struct statvfs *status) { return room(path, status, "statvfs"); }
int statvfs64(const char *path, struct statvfs64 *status) { return room(path, (struct statvfs *)status, "statvfs64"); }
