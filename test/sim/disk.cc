#include "disk.h"

#include <cerrno>
#include <filesystem>
#include <map>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "power.h"

namespace slipstream::sim::disk {
namespace {

scheduler::Process victim = 0;
std::uint32_t steps_left = 0;
std::function<void()> when_lost;
std::int64_t sync_ms = 0;
DiskFaults faults;
std::map<scheduler::Process, Host> hosts;

bool hits(std::uint32_t one_of) { return one_of != 0 && scheduler::random() % one_of == 0; }

void take_up_to(std::int64_t ms) {
  if (ms == 0) return;
  const std::uint64_t most_us = static_cast<std::uint64_t>(ms) * 1'000;
  scheduler::sleep_ns(static_cast<std::int64_t>(scheduler::random() % most_us) * 1'000);
}

Host own_host() {
  const auto found = hosts.find(scheduler::process());
  return found == hosts.end() ? 0 : found->second;
}

std::string name_of(Host host) { return "host-" + std::to_string(host); }

std::string lock_of(Host host) { return "lock-of-" + name_of(host); }

}  // namespace

void run_on(scheduler::Process process, Host host) { hosts[process] = host; }

std::string host_name() { return name_of(own_host()); }

void forget_lock(Host host) { std::filesystem::remove(lock_of(host)); }

int lock(int fd, int operation, int (*flock)(int, int)) {
  const int held = ::open(lock_of(own_host()).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (held < 0) return -1;
  const int status = flock(held, operation);
  const int error = errno;
  if (status == 0) ::dup3(held, fd, O_CLOEXEC);
  ::close(held);
  errno = error;
  return status;
}

void lose_at(scheduler::Process process, std::uint32_t steps, std::function<void()> lost) {
  victim = process;
  steps_left = steps;
  when_lost = std::move(lost);
}

void set_sync_ms_max(std::int64_t ms) { sync_ms = ms; }

void set_faults(const DiskFaults& wanted) { faults = wanted; }

int sync(int fd) {
  const int error = before_step();
  if (scheduler::process() == 0) return error;
  power::Sync under_way(fd);
  take_up_to(sync_ms);
  if (hits(faults.stall_one_of)) take_up_to(faults.stall_ms_max);
  if (error == 0) under_way.done();
  return error;
}

int before_step() {
  if (scheduler::process() == 0) return 0;
  if (steps_left != 0 && scheduler::process() == victim && --steps_left == 0) when_lost();
  if (!hits(faults.fail_one_of)) return 0;
  return scheduler::random() % 2 == 0 ? ENOSPC : EIO;
}

}  // namespace slipstream::sim::disk
