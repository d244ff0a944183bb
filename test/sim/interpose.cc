// The calls of the C library by which a thread waits, wakes, learns the time or leaves something
// behind, for simulated threads; all others go through to the library. The program's own
// definitions come before those of shared libraries, so the engine is linked unchanged.
#include <cerrno>
#include <cstdio>
#include <random>
#include <string>
#include <thread>

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "disk.h"
#include "scheduler.h"

namespace sim = slipstream::sim;

namespace {

// Far from 0 and from today, so that a time from elsewhere is noticed.
constexpr std::int64_t kWallStartNs = 1'800'000'000'000'000'000;
constexpr std::int64_t kSteadyStartNs = 1'000'000'000'000;
constexpr pid_t kFirstPid = 10'000;
constexpr std::int64_t kSecondNs = 1'000'000'000;

template <typename F>
F library(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

// NOLINTNEXTLINE(bugprone-macro-parentheses): decltype takes none
#define LIBRARY(name) static const auto kReal = library<decltype(&name)>(#name)

int real_trylock(pthread_mutex_t* mutex) {
  static const auto kReal = library<int (*)(pthread_mutex_t*)>("pthread_mutex_trylock");
  return kReal(mutex);
}

int real_unlock(pthread_mutex_t* mutex) {
  static const auto kReal = library<int (*)(pthread_mutex_t*)>("pthread_mutex_unlock");
  return kReal(mutex);
}

int lock(pthread_mutex_t* mutex) {
  int status = real_trylock(mutex);
  while (status == EBUSY) {
    sim::turns::wait(mutex, sim::turns::kForEver);
    status = real_trylock(mutex);
  }
  if (status == 0) sim::turns::note_locked(mutex);
  return status;
}

int unlock(pthread_mutex_t* mutex) {
  sim::turns::note_unlocked(mutex);
  const int status = real_unlock(mutex);
  sim::turns::wake_one(mutex);
  return status;
}

std::int64_t start_of(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? kWallStartNs : kSteadyStartNs;
}

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * kSecondNs + time.tv_nsec;
}

// Of a call of the C library; 0 = no error.
int answer(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

timespec to_timespec(std::int64_t ns) { return {ns / kSecondNs, ns % kSecondNs}; }

int wait(pthread_cond_t* condition, pthread_mutex_t* mutex, std::int64_t deadline_ns) {
  unlock(mutex);
  const bool woken = sim::turns::wait(condition, deadline_ns);
  lock(mutex);
  return woken ? 0 : ETIMEDOUT;
}

int wait_until(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
               const timespec& until) {
  const std::int64_t deadline_ns = nanoseconds(until) - start_of(clock);
  return wait(condition, mutex, deadline_ns < 0 ? 0 : deadline_ns);
}

}  // namespace

extern "C" {

int pthread_create(pthread_t* handle, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) {
  LIBRARY(pthread_create);
  if (!sim::scheduler::is_simulated()) return kReal(handle, attributes, body, argument);
  return sim::turns::create(kReal, handle, attributes, body, argument);
}

int pthread_join(pthread_t handle, void** result) {
  LIBRARY(pthread_join);
  if (sim::scheduler::is_simulated()) sim::turns::wait_for_end(handle);
  return kReal(handle, result);
}

// A simulated one stays known, so that no other gets its handle.
int pthread_detach(pthread_t handle) noexcept {
  static const auto kReal = library<int (*)(pthread_t)>("pthread_detach");
  if (!sim::scheduler::is_simulated()) return kReal(handle);
  return 0;
}

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static const auto kReal = library<int (*)(pthread_mutex_t*)>("pthread_mutex_lock");
  if (!sim::scheduler::is_simulated()) return kReal(mutex);
  return lock(mutex);
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  const int status = real_trylock(mutex);
  if (status == 0 && sim::scheduler::is_simulated()) sim::turns::note_locked(mutex);
  return status;
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  if (!sim::scheduler::is_simulated()) return real_unlock(mutex);
  const int status = unlock(mutex);
  sim::turns::chance();
  return status;
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  LIBRARY(pthread_cond_wait);
  if (!sim::scheduler::is_simulated()) return kReal(condition, mutex);
  return wait(condition, mutex, sim::turns::kForEver);
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  LIBRARY(pthread_cond_timedwait);
  if (!sim::scheduler::is_simulated()) return kReal(condition, mutex, until);
  return wait_until(condition, mutex, CLOCK_REALTIME, *until);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  LIBRARY(pthread_cond_clockwait);
  if (!sim::scheduler::is_simulated()) return kReal(condition, mutex, clock, until);
  return wait_until(condition, mutex, clock, *until);
}

int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  static const auto kReal = library<int (*)(pthread_cond_t*)>("pthread_cond_signal");
  if (!sim::scheduler::is_simulated()) return kReal(condition);
  sim::turns::wake_one(condition);
  return 0;
}

int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  static const auto kReal = library<int (*)(pthread_cond_t*)>("pthread_cond_broadcast");
  if (!sim::scheduler::is_simulated()) return kReal(condition);
  sim::turns::wake_all(condition);
  return 0;
}

int sched_yield() noexcept {
  static const auto kReal = library<int (*)()>("sched_yield");
  if (!sim::scheduler::is_simulated()) return kReal();
  sim::scheduler::yield();
  return 0;
}

int nanosleep(const timespec* duration, timespec* left) {
  LIBRARY(nanosleep);
  if (!sim::scheduler::is_simulated()) return kReal(duration, left);
  sim::scheduler::sleep_ns(nanoseconds(*duration));
  return 0;
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const auto kReal = library<int (*)(clockid_t, timespec*)>("clock_gettime");
  if (!sim::scheduler::is_simulated()) return kReal(clock, time);
  *time = to_timespec(start_of(clock) + sim::scheduler::now_ns());
  return 0;
}

int gettimeofday(timeval* time, void* zone) noexcept {
  static const auto kReal = library<int (*)(timeval*, void*)>("gettimeofday");
  if (!sim::scheduler::is_simulated()) return kReal(time, zone);
  const std::int64_t now_ns = kWallStartNs + sim::scheduler::now_ns();
  *time = {now_ns / kSecondNs, now_ns % kSecondNs / 1'000};
  return 0;
}

// What leaves something on the disk: places where a process may be lost, or refused.

ssize_t write(int fd, const void* bytes, size_t count) {
  LIBRARY(write);
  const int error = sim::scheduler::is_simulated() ? sim::disk::before_step() : 0;
  if (error == 0) return kReal(fd, bytes, count);
  static_cast<void>(kReal(fd, bytes, count / 2));
  return answer(error);
}

int rename(const char* from, const char* to) noexcept {
  static const auto kReal = library<int (*)(const char*, const char*)>("rename");
  const int error = sim::scheduler::is_simulated() ? sim::disk::before_step() : 0;
  return error == 0 ? kReal(from, to) : answer(error);
}

// What is synced is noted (power.h): nothing need wait for the real disk.
int fsync(int fd) {
  LIBRARY(fsync);
  if (!sim::scheduler::is_simulated()) return kReal(fd);
  return answer(sim::disk::sync(fd));
}

int fdatasync(int fd) {
  LIBRARY(fdatasync);
  if (!sim::scheduler::is_simulated()) return kReal(fd);
  return answer(sim::disk::sync(fd));
}

int flock(int fd, int operation) noexcept {
  LIBRARY(flock);
  return sim::scheduler::is_simulated() ? sim::disk::lock(fd, operation, kReal)
                                        : kReal(fd, operation);
}

int gethostname(char* name, size_t size) noexcept {
  LIBRARY(gethostname);
  if (!sim::scheduler::is_simulated()) return kReal(name, size);
  std::snprintf(name, size, "%s", sim::disk::host_name().c_str());
  return 0;
}

// As long in each run: it is a part of the names of files, and their lengths decide about addresses.
pid_t getpid() noexcept {
  if (!sim::scheduler::is_simulated()) return static_cast<pid_t>(::syscall(SYS_getpid));
  return kFirstPid + static_cast<pid_t>(sim::scheduler::process());
}

}  // extern "C"

// Chance comes from the seed, and the number of workers too.

std::random_device::result_type std::random_device::_M_getval() {
  return static_cast<result_type>(sim::scheduler::random());
}

unsigned int std::thread::hardware_concurrency() noexcept { return sim::scheduler::cores(); }
