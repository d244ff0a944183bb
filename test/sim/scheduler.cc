#include "scheduler.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

// Where the data of the whole program begins and ends (set by the linker).
// NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier): its names
extern "C" char __data_start;
extern "C" char _end;
// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier)

namespace slipstream::sim {
namespace {

constexpr std::int64_t kSwitchNs = 2'000;
constexpr std::int64_t kReadNs = 100;

struct Thread {
  enum class State : std::uint8_t { kReady, kWaiting, kEnded, kFrozen };
  std::uint32_t id = 0;
  std::uint32_t process = 0;
  State state = State::kReady;
  sem_t turn{};
  sem_t parked{};  // it has begun, and waits for its first turn
  pthread_t handle{};
  pid_t kernel_id = 0;
  const void* waits_on = nullptr;
  std::int64_t deadline_ns = turns::kForEver;
  std::uint64_t deadline_turn = 0;
  bool woken = false;
  int shared_locks = 0;  // of the whole program, such as those in function statics
};

using Deadline = std::tuple<std::int64_t, std::uint64_t, Thread*>;

// What only the thread whose turn it is touches.
struct Run {
  scheduler::Options options;
  std::function<void(const std::string&)> stuck;
  std::mt19937_64 random;
  std::int64_t now_ns = 0;
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  std::uint64_t switches = 0;
  std::uint64_t deadline_count = 0;
  std::vector<Thread*> threads;
  std::vector<Thread*> ready;
  std::set<scheduler::Process> paused;
  std::vector<Thread*> held;  // ready, of paused processes
  std::set<Deadline> deadlines;
  std::map<const void*, std::deque<Thread*>> waiting;
};

Run* run = nullptr;
thread_local Thread* current = nullptr;

void mix(std::uint64_t value) {
  run->hash = (run->hash ^ value) * 1'099'511'628'211U;
  run->hash ^= run->hash >> 29U;
}

void wait_for(sem_t& semaphore) {
  while (sem_wait(&semaphore) != 0) {
  }
}

void make_ready(Thread* thread) {
  thread->state = Thread::State::kReady;
  (run->paused.contains(thread->process) ? run->held : run->ready).push_back(thread);
}

void forget_deadline(Thread* thread) {
  if (thread->deadline_ns != turns::kForEver)
    run->deadlines.erase(Deadline{thread->deadline_ns, thread->deadline_turn, thread});
  thread->deadline_ns = turns::kForEver;
}

void leave_queue(Thread* thread) {
  const auto queue = run->waiting.find(thread->waits_on);
  if (queue == run->waiting.end()) return;
  std::erase(queue->second, thread);
  if (queue->second.empty()) run->waiting.erase(queue);
}

std::string describe() {
  std::string text;
  for (const Thread* thread : run->threads) {
    if (thread->state != Thread::State::kWaiting) continue;
    char name[32] = "?";
    pthread_getname_np(thread->handle, name, sizeof name);
    text += "  thread " + std::to_string(thread->id) + " '" + name + "' of process " +
            std::to_string(thread->process) + " waits forever\n";
  }
  return text;
}

void fire_deadlines() {
  while (!run->deadlines.empty() && std::get<0>(*run->deadlines.begin()) <= run->now_ns) {
    Thread* thread = std::get<2>(*run->deadlines.begin());
    leave_queue(thread);
    forget_deadline(thread);
    thread->woken = false;
    make_ready(thread);
  }
}

Thread* next_thread() {
  run->now_ns += kSwitchNs;
  fire_deadlines();
  while (run->ready.empty()) {
    if (run->deadlines.empty()) {
      run->stuck(describe());
      std::abort();
    }
    run->now_ns = std::max(run->now_ns, std::get<0>(*run->deadlines.begin()));
    fire_deadlines();
  }
  const std::size_t index = run->random() % run->ready.size();
  Thread* thread = run->ready[index];
  run->ready.erase(run->ready.begin() + static_cast<std::ptrdiff_t>(index));
  ++run->switches;
  mix(thread->id);
  mix(static_cast<std::uint64_t>(run->now_ns));
  if (run->options.print)
    std::fprintf(stderr, "%" PRId64 " %" PRIu32 "\n", run->now_ns, thread->id);
  return thread;
}

// The caller is ready, waiting or frozen already.
void pass_turn() {
  Thread* self = current;
  Thread* next = next_thread();
  if (next == self) return;
  sem_post(&next->turn);
  wait_for(self->turn);
}

bool is_shared(const void* object) { return object >= &__data_start && object < &_end; }

struct Start {
  Thread* thread;
  turns::Body body;
  void* argument;
};

// Not simulated: lets the next one run when the kernel knows the ended one no more. What the
// library and the sanitizer do at the end of a thread must not meet what the next one allocates, or
// addresses would differ from run to run.
struct Reaper {
  sem_t called{};
  Thread* ended = nullptr;
  Thread* next = nullptr;
  pthread_t handle{};
};

Reaper reaper;

void* reap(void*) {
  while (true) {
    wait_for(reaper.called);
    while (::syscall(SYS_tgkill, ::getpid(), reaper.ended->kernel_id, 0) == 0) ::sched_yield();
    sem_post(&reaper.next->turn);
  }
  return nullptr;
}

void* run_thread(void* argument) {
  const Start start = *static_cast<Start*>(argument);
  delete static_cast<Start*>(argument);
  Thread* thread = start.thread;
  current = thread;
  thread->kernel_id = ::gettid();
  sem_post(&thread->parked);
  wait_for(thread->turn);
  void* result = start.body(start.argument);
  current = nullptr;
  thread->state = Thread::State::kEnded;
  turns::wake_all(thread);
  reaper.ended = thread;
  reaper.next = next_thread();
  sem_post(&reaper.called);
  return result;
}

}  // namespace

namespace scheduler {

void start(const Options& options, std::function<void(const std::string&)> stuck) {
  sem_init(&reaper.called, 0, 0);
  if (pthread_create(&reaper.handle, nullptr, reap, nullptr) != 0) std::abort();
  run = new Run;
  run->options = options;
  run->stuck = std::move(stuck);
  run->random.seed(options.seed);
  auto* thread = new Thread;
  thread->handle = pthread_self();
  sem_init(&thread->turn, 0, 0);
  run->threads.push_back(thread);
  current = thread;
}

bool is_simulated() { return current != nullptr; }

std::int64_t now_ns() {
  run->now_ns += kReadNs;
  return run->now_ns;
}

std::uint64_t random() { return run->random(); }
unsigned cores() { return run->options.cores; }
std::uint64_t trace_hash() { return run->hash; }
std::uint64_t switches() { return run->switches; }

void trace(const char* what, std::uint64_t value) {
  mix(value);
  if (run->options.print)
    std::fprintf(stderr, "%" PRId64 " %s %" PRIu64 "\n", run->now_ns, what, value);
}

void yield() {
  make_ready(current);
  pass_turn();
}

void sleep_ns(std::int64_t duration_ns) { turns::wait(nullptr, run->now_ns + duration_ns); }
void end_stalls() { run->options.stall_one_of = 0; }

Process process() { return current == nullptr ? 0 : current->process; }

void as_process(Process process, const std::function<void()>& work) {
  const Process own = std::exchange(current->process, process);
  work();
  current->process = own;
}

namespace {

// Until no other thread of it holds a lock that the whole program shares.
void await_shared_locks(Process process) {
  const auto holds_shared_lock = [&] {
    return std::any_of(run->threads.begin(), run->threads.end(), [&](const Thread* thread) {
      return thread->process == process && thread != current && thread->shared_locks > 0 &&
             thread->state != Thread::State::kEnded;
    });
  };
  while (holds_shared_lock()) yield();
}

}  // namespace

void freeze(Process process) {
  resume(process);
  await_shared_locks(process);
  for (Thread* thread : run->threads) {
    if (thread->process != process || thread->state == Thread::State::kEnded) continue;
    if (thread->state == Thread::State::kWaiting) leave_queue(thread);
    forget_deadline(thread);
    std::erase(run->ready, thread);
    thread->state = Thread::State::kFrozen;
  }
  trace("freeze", process);
  if (current->process == process) pass_turn();
}

void pause(Process process) {
  await_shared_locks(process);
  run->paused.insert(process);
  for (Thread* thread : run->ready) {
    if (thread->process == process) run->held.push_back(thread);
  }
  std::erase_if(run->ready, [&](const Thread* thread) { return thread->process == process; });
  trace("pause", process);
}

void resume(Process process) {
  if (run->paused.erase(process) == 0) return;
  for (Thread* thread : run->held) {
    if (thread->process == process) run->ready.push_back(thread);
  }
  std::erase_if(run->held, [&](const Thread* thread) { return thread->process == process; });
  trace("resume", process);
}

}  // namespace scheduler

namespace turns {

bool wait(const void* object, std::int64_t deadline_ns) {
  Thread* self = current;
  self->state = Thread::State::kWaiting;
  self->waits_on = object;
  self->woken = false;
  if (object != nullptr) run->waiting[object].push_back(self);
  if (deadline_ns != kForEver) {
    self->deadline_ns = std::max<std::int64_t>(deadline_ns, 0);
    self->deadline_turn = ++run->deadline_count;
    run->deadlines.insert(Deadline{self->deadline_ns, self->deadline_turn, self});
  }
  pass_turn();
  return self->woken;
}

void wake_one(const void* object) {
  const auto queue = run->waiting.find(object);
  if (queue == run->waiting.end()) return;
  Thread* thread = queue->second.front();
  queue->second.pop_front();
  if (queue->second.empty()) run->waiting.erase(queue);
  forget_deadline(thread);
  thread->woken = true;
  make_ready(thread);
}

void wake_all(const void* object) {
  while (run->waiting.contains(object)) wake_one(object);
}

void chance() {
  const auto hits = [](std::uint32_t one_of) { return one_of != 0 && run->random() % one_of == 0; };
  if (current->process != 0 && hits(run->options.stall_one_of)) {
    const auto most_us = static_cast<std::uint64_t>(run->options.stall_ms_max) * 1'000;
    scheduler::sleep_ns(static_cast<std::int64_t>(run->random() % most_us) * 1'000);
  } else if (hits(run->options.preempt_one_of)) {
    scheduler::yield();
  }
}

void note_locked(const void* mutex) {
  if (is_shared(mutex)) ++current->shared_locks;
}

void note_unlocked(const void* mutex) {
  if (is_shared(mutex)) --current->shared_locks;
}

int create(int (*create)(pthread_t*, const pthread_attr_t*, Body, void*), pthread_t* handle,
           const pthread_attr_t* attributes, Body body, void* argument) {
  auto* thread = new Thread;
  thread->id = static_cast<std::uint32_t>(run->threads.size());
  thread->process = current->process;
  sem_init(&thread->turn, 0, 0);
  sem_init(&thread->parked, 0, 0);
  const int status = create(handle, attributes, run_thread, new Start{thread, body, argument});
  if (status != 0)
    std::abort();  // the machine has no thread left: nothing of the run is worth much
  wait_for(thread->parked);
  thread->handle = *handle;
  run->threads.push_back(thread);
  make_ready(thread);
  return 0;
}

void wait_for_end(pthread_t handle) {
  // Handles of joined threads are used again: the youngest one is meant.
  const auto found = std::find_if(run->threads.rbegin(), run->threads.rend(), [&](Thread* thread) {
    return pthread_equal(thread->handle, handle) != 0;
  });
  if (found == run->threads.rend()) return;
  while ((*found)->state != Thread::State::kEnded) wait(*found, kForEver);
}

}  // namespace turns
}  // namespace slipstream::sim
