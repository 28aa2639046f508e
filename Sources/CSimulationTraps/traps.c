#define _GNU_SOURCE
#include "CSimulationTraps.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static __thread int depth;
static __thread int suspended;
static __thread char identity;

void zoco_traps_enter(void) { depth += 1; }
void zoco_traps_leave(void) { depth -= 1; }
bool zoco_traps_active(void) { return depth > 0 && suspended == 0; }
void zoco_traps_suspend(void) { suspended += 1; }
void zoco_traps_resume(void) { suspended -= 1; }
uintptr_t zoco_thread_identity(void) { return (uintptr_t)&identity; }

// Only async-signal-safe calls: the process is in an unknown place.
__attribute__((noreturn)) static void escape(const char *what, const char *instead) {
  depth = 0;
  const char *parts[] = {"simulation escape: ", what, " was called on the simulated thread; use ", instead, "\n"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    ssize_t written = write(STDERR_FILENO, parts[i], strlen(parts[i]));
    (void)written;
  }
  abort();
}

// Time. Libraries (Foundation's Date, ContinuousClock, DispatchTime) resolve this name to the executable first.
int clock_gettime(clockid_t clock, struct timespec *out) {
  if (zoco_traps_active()) escape("clock_gettime (Date(), ContinuousClock, DispatchTime or Task.sleep)", "the host's clock");
  static int (*real)(clockid_t, struct timespec *);
  int (*next)(clockid_t, struct timespec *) = __atomic_load_n(&real, __ATOMIC_ACQUIRE);
  if (next == NULL) {
    next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (next == NULL) return (int)syscall(SYS_clock_gettime, clock, out);
    __atomic_store_n(&real, next, __ATOMIC_RELEASE);
  }
  return next(clock, out);
}

// Randomness: SystemRandomNumberGenerator, called from the executable itself (inlined) or from inside the standard
// library, which asks the kernel by system call. UUID() reads an open /dev/urandom and is left to the source check. With SWIFT_DETERMINISTIC_HASHING set, Hasher comes to neither.
static long real_syscall(long number, long a, long b, long c, long d, long e, long f) {
  static long (*real)(long, ...);
  long (*next)(long, ...) = __atomic_load_n(&real, __ATOMIC_ACQUIRE);
  if (next == NULL) {
    next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    if (next == NULL) abort();
    __atomic_store_n(&real, next, __ATOMIC_RELEASE);
  }
  return next(number, a, b, c, d, e, f);
}

long syscall(long number, ...) {
  if (number == SYS_getrandom && zoco_traps_active())
    escape("getrandom (SystemRandomNumberGenerator)", "the host's entropy source");
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
  long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
  va_end(list);
  return real_syscall(number, a, b, c, d, e, f);
}

void swift_stdlib_random(void *buffer, size_t count) {
  if (zoco_traps_active()) escape("SystemRandomNumberGenerator", "the host's entropy source");
  char *next = buffer;
  while (count > 0) {
    long got = real_syscall(SYS_getrandom, (long)next, (long)count, 0, 0, 0, 0);
    if (got < 0) continue;
    next += got;
    count -= (size_t)got;
  }
}

// The order of tasks: what reaches the global executor has left the simulation. The main executor has no working hook
// on this toolchain (6.3.1); the source check bans the main actor. Each hook receives the
// original as its last argument (Swift's runtime/Concurrency.h).
#define SWIFT_CC __attribute__((swiftcall))

typedef SWIFT_CC void (*enqueue_global)(void *job);
typedef SWIFT_CC void (*enqueue_delay)(unsigned long long delay, void *job);
typedef SWIFT_CC void (*enqueue_deadline)(long long sec, long long nsec, long long tsec, long long tnsec, int clock,
                                          void *job);

extern void *swift_task_enqueueGlobal_hook;
extern void *swift_task_enqueueGlobalWithDelay_hook;
extern void *swift_task_enqueueGlobalWithDeadline_hook;

static SWIFT_CC void on_global(void *job, enqueue_global original) {
  if (zoco_traps_active())
    escape("the global executor (Task {}, Task.detached or an actor outside every host)", "the process's spawn");
  original(job);
}

static SWIFT_CC void on_delay(unsigned long long delay, void *job, enqueue_delay original) {
  if (zoco_traps_active()) escape("Task.sleep(nanoseconds:)", "sleep on the host's clock");
  original(delay, job);
}

static SWIFT_CC void on_deadline(long long sec, long long nsec, long long tsec, long long tnsec, int clock, void *job,
                                 enqueue_deadline original) {
  if (zoco_traps_active()) escape("Task.sleep on a system clock", "sleep on the host's clock");
  original(sec, nsec, tsec, tnsec, clock, job);
}

void zoco_traps_install(void) {
  swift_task_enqueueGlobal_hook = (void *)on_global;
  swift_task_enqueueGlobalWithDelay_hook = (void *)on_delay;
  swift_task_enqueueGlobalWithDeadline_hook = (void *)on_deadline;
}
