#include "flow/checkpoint/epoch_file.h"

#include <string_view>
#include <utility>

#include "base/try.h"
#include "flow/checkpoint/storage.h"

namespace slipstream::flow {
namespace {
// All writes but the last are of that size: they begin and end where the large pages of the page
// cache do.
constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
}  // namespace

EpochLog::EpochLog(CheckpointStorage& storage, std::string name)
    : storage_(storage), name_(std::move(name)) {}

EpochLog::~EpochLog() = default;

Status EpochLog::append(std::span<const std::byte> bytes) {
  if (!failure_.ok()) return failure_;
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  size_ += rest.size();
  while (!rest.empty() && failure_.ok()) {
    const std::string_view next = rest.substr(0, kBufferBytes - buffer_.size());
    buffer_.append(next);
    rest.remove_prefix(next.size());
    if (buffer_.size() == kBufferBytes) failure_ = flush();
  }
  return failure_;
}

Status EpochLog::flush() {
  if (file_ == nullptr) {
    TRY_ASSIGN(file_, storage_.create(name_));
  }
  TRY(file_->append(buffer_));
  buffer_.clear();
  return {};
}

Result<EpochLog::Sealed> EpochLog::seal() {
  TRY(failure_);
  if (size_ == 0) return Sealed{};
  TRY(flush());
  TRY(file_->sync());
  Sealed sealed{name_, size_, file_->checksum()};
  file_.reset();
  return sealed;
}

void EpochLog::discard() {
  if (file_ == nullptr) return;
  file_.reset();
  // What stays behind after a failure here is collected at the next start.
  static_cast<void>(storage_.remove(name_));
}

}  // namespace slipstream::flow
