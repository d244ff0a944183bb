#include "flow/checkpoint/ownership.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "base/try.h"

namespace slipstream::flow {
namespace {

// Four lines: wall time in ms, mark of the owner, "host path", "boot time". The last one is the
// clock that nobody sets, and the boot since which it counts.
struct Lease {
  std::int64_t wall_ms = 0;
  std::string mark;
  std::string owner;
  std::string boot;  // empty: unknown
  std::int64_t now_ms = 0;
};

const std::string& boot_id() {
  static const std::string id = [] {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string read;
    file >> read;
    return read;
  }();
  return id;
}

// How long ago it was renewed at least. The wall clock may have been set since.
std::int64_t age_of(const Lease& lease, const Clock& clock) {
  std::int64_t age = clock.wall_ms() - lease.wall_ms;
  if (!lease.boot.empty() && lease.boot == boot_id())
    age = std::min(age, clock.now_ms() - lease.now_ms);
  return std::max<std::int64_t>(age, 0);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string own_place(const std::string& directory) {
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(directory, error);
  return host_name() + " " + (error ? directory : path.string());
}

std::optional<Lease> read_lease(const std::string& path) {
  const auto content = io::read_file(path);
  if (!content.ok()) return std::nullopt;
  std::istringstream lines(*content);
  Lease lease;
  std::string time;
  if (!std::getline(lines, time) || !std::getline(lines, lease.mark) ||
      !std::getline(lines, lease.owner)) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), lease.wall_ms);
  if (error != std::errc() || end != time.data() + time.size()) return std::nullopt;
  if (!(lines >> lease.boot >> lease.now_ms)) lease.boot.clear();
  return lease;
}

std::string new_mark() {
  std::random_device random;
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%08x%08x", random(), random());
  return text.data();
}

// Not synced: a lease need not survive a power loss. Renamed, so that readers never see half of it.
Status write_lease(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  bool ok = fd >= 0;
  if (ok) ok = ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  int code = errno;
  if (fd >= 0) ::close(fd);
  if (ok && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
  if (ok) code = errno;
  std::string text = "writing lease '" + path + "': " + std::system_category().message(code);
  if (code == ENOSPC || code == EDQUOT)
    return Error::retry(ErrorCode::kResourceExhausted, std::move(text));
  return Error{ErrorCode::kUnavailable, std::move(text)};
}

}  // namespace

Result<std::unique_ptr<DirectoryOwnership>> DirectoryOwnership::acquire(
    const std::string& directory, Timers& timers, WorkPool& pool, std::function<void()> lost) {
  const Clock& clock = timers.clock();
  TRY(io::make_directories(directory));
  auto lock = io::FileLock::acquire(directory + "/LOCK");
  if (!lock.ok()) {
    const bool is_held = lock.error().code == ErrorCode::kUnavailable;
    return lock.status().with_context("checkpoint directory '" + directory + "'" +
                                      (is_held ? " belongs to a running job" : ""));
  }
  const auto former = read_lease(directory + "/LEASE");
  // The lock is free. A fresh lease from this very place is one of a process that was just killed;
  // from another place it is a second host, or the original of a copy, that may still be
  // publishing.
  if (former && former->owner != own_place(directory) && age_of(*former, clock) < kLeaseMs) {
    return Error{ErrorCode::kUnavailable,
                 "checkpoint directory '" + directory + "' was used a moment ago as '" +
                     former->owner + "'; stop that job, wait " + std::to_string(kLeaseMs / 1'000) +
                     " s and start again"};
  }
  // It has ended by now, and check() let nothing out later than this after its last renewal.
  const std::int64_t former_end_ms =
      former ? clock.wall_ms() - std::max<std::int64_t>(0, age_of(*former, clock) - kLeaseMs) : 0;
  std::unique_ptr<DirectoryOwnership> made(new DirectoryOwnership(
      directory, timers, pool, std::move(*lock), former_end_ms, std::move(lost)));
  TRY(made->renew());
  made->timer_.arm_after(kRenewMs);
  return made;
}

DirectoryOwnership::DirectoryOwnership(std::string directory, Timers& timers, WorkPool& pool,
                                       io::FileLock lock, std::int64_t former_end_ms,
                                       std::function<void()> when_lost)
    : directory_(std::move(directory)),
      clock_(timers.clock()),
      lock_(std::move(lock)),
      former_end_ms_(former_end_ms),
      mark_(new_mark()),
      place_(own_place(directory_)),
      when_lost_(std::move(when_lost)),
      renewed_ms_(clock_.now_ms()),
      queue_(pool),
      timer_(timers, [this] { queue_.post([this] { renew_in_time(); }); }) {}

DirectoryOwnership::~DirectoryOwnership() {
  queue_.close();  // from here on nobody sets the timer again
  timer_.disarm();
}

Status DirectoryOwnership::renew() {
  const std::int64_t now = clock_.now_ms();
  TRY(write_lease(directory_ + "/LEASE", std::to_string(clock_.wall_ms()) + "\n" + mark_ + "\n" +
                                             place_ + "\n" + boot_id() + " " + std::to_string(now) +
                                             "\n"));
  renewed_ms_.store(now);
  return {};
}

Status DirectoryOwnership::check() {
  const std::int64_t age = clock_.now_ms() - renewed_ms_.load();
  const auto lease = read_lease(directory_ + "/LEASE");
  if (lease && lease->mark != mark_) lost_.store(true);
  if (!lost_ && lease && age < kLetOutMs) return {};
  std::string why = "its lease could not be renewed for " + std::to_string(age) + " ms";
  if (lost_) {
    const bool is_known = lease && lease->mark != mark_;
    why = "another process took it over" + (is_known ? " ('" + lease->owner + "')" : std::string());
  }
  return Error{ErrorCode::kUnavailable, "checkpoint directory '" + directory_ + "': " + why +
                                            "; nothing more is published from here"};
}

void DirectoryOwnership::renew_in_time() {
  const std::int64_t begun_ms = clock_.now_ms();
  const auto lease = read_lease(directory_ + "/LEASE");
  const bool is_own = !lease || lease->mark == mark_;
  // Never over another owner's mark: check() must see it. A failed renewal shows as age in
  // check().
  if (is_own) static_cast<void>(renew());
  // A disk that hung for so long may have replaced the mark of who came meanwhile.
  const bool hung = clock_.now_ms() - begun_ms >= kLeaseMs;
  if (is_own && !hung) return timer_.arm_after(kRenewMs);
  lost_.store(true);
  if (when_lost_) when_lost_();
}

}  // namespace slipstream::flow
