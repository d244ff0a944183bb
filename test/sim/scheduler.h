// Real threads, one at a time, in an order and at times that one number decides.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <pthread.h>

namespace slipstream::sim {

// Threads that the scheduler knows (the one that called start() and all that descend from it) run
// one after the other. A thread gives up its turn only where it waits, locks, wakes another or
// reads the time: calls of the C library that interpose.cc takes over. Who runs next is drawn from
// the seed. When nobody can run, virtual time jumps to the earliest deadline.
//
// Thread: those it runs.
namespace scheduler {

struct Options {
  std::uint64_t seed = 0;
  // One of so many chances to switch is taken besides the necessary ones; 0 = none.
  std::uint32_t preempt_one_of = 0;
  // One of so many such chances costs a thread of a process its core for up to stall_ms_max; 0 =
  // none.
  std::uint32_t stall_one_of = 0;
  std::int64_t stall_ms_max = 0;
  unsigned cores = 2;  // what the machine is said to have
  // Prints each switch, for a comparison of two runs.
  bool print = false;
};

// Called once, by the first thread of the run. `stuck` is called when no thread can ever run again;
// must not return.
void start(const Options& options, std::function<void(const std::string& state)> stuck);
// Whether the calling thread is one of the run's.
bool is_simulated();

// Nanoseconds since start(). Reading moves it by a little, so that no loop on a clock is endless.
std::int64_t now_ns();
std::uint64_t random();
unsigned cores();
// Of everything that happened so far.
std::uint64_t trace_hash();
// Makes `value` part of the trace.
void trace(const char* what, std::uint64_t value);
std::uint64_t switches();

// The calling thread's turn ends here, at least for the others that are ready.
void yield();
void sleep_ns(std::int64_t duration_ns);
// From here on no thread loses its core for long.
void end_stalls();

// A simulated process is a set of threads: those that its first thread made. 0 = the test itself.
using Process = std::uint32_t;
Process process();
// Threads that the caller makes while `work` runs belong to `process`.
void as_process(Process process, const std::function<void()>& work);
// No thread of it runs ever again, wherever it was. When the caller is one of them, this does not
// return. Nothing is freed. Waits (in virtual time) until none of them holds a lock that the whole
// program shares.
void freeze(Process process);
// No thread of it runs until resume(), wherever it is; time goes on for it. Waits as freeze() does.
// By a thread of another process.
void pause(Process process);
void resume(Process process);

}  // namespace scheduler

// What interpose.cc asks for.
// Thread: a simulated one.
namespace turns {
constexpr std::int64_t kForEver = -1;

// Until wake() of `object`, or the deadline. False: the deadline came first.
bool wait(const void* object, std::int64_t deadline_ns);
void wake_one(const void* object);
void wake_all(const void* object);
// A place where the turn may pass to another.
void chance();
void note_locked(const void* mutex);
void note_unlocked(const void* mutex);

using Body = void* (*)(void*);
// Makes a thread with `create`, which is pthread_create.
int create(int (*create)(pthread_t*, const pthread_attr_t*, Body, void*), pthread_t* handle,
           const pthread_attr_t* attributes, Body body, void* argument);
// Until the thread has ended (as far as the scheduler is concerned).
void wait_for_end(pthread_t handle);
}  // namespace turns

}  // namespace slipstream::sim
