#ifndef ZOCO_SIMULATION_TRAPS_H
#define ZOCO_SIMULATION_TRAPS_H

#include <stdbool.h>
#include <stdint.h>

// What escapes the simulation ends the process, naming the escape. A thread is "simulated" between
// zoco_traps_enter and zoco_traps_leave; on any other thread every function below passes through.

// Marks the calling thread as running a simulation. Calls nest.
void zoco_traps_enter(void);

// Ends the innermost zoco_traps_enter of the calling thread.
void zoco_traps_leave(void);

// Whether the calling thread is inside zoco_traps_enter.
bool zoco_traps_active(void);

// Suspends the traps on the calling thread while the harness itself reads a clock, and resumes them.
void zoco_traps_suspend(void);
void zoco_traps_resume(void);

// Installs the Swift concurrency hooks. Repeating it does nothing.
void zoco_traps_install(void);

// A number that differs between live threads.
uintptr_t zoco_thread_identity(void);

#endif
