// Sealed epochs of an exactly-once sink: the handle and the epoch file. Format:
// docs/formats/rocketmq-epoch.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/connector.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/status.h"

#include "connectors/rocketmq/stamp.h"

namespace slipstream::rocketmq_connector {

// One queue that an epoch writes to.
struct EpochQueue {
  rocketmq::MessageQueue queue;
  std::int64_t lower = 0;  // nothing of the epoch lies below this offset
};

struct EpochHandle {
  StampSeries series;
  std::uint64_t messages = 0;  // sequences [0, messages)
  std::uint32_t batches = 0;
  std::int64_t sealed_ms = 0;  // wall clock
  bool ordered = false;
  std::vector<EpochQueue> queues;
};
std::string encode_epoch_handle(const EpochHandle& handle);
Result<EpochHandle> decode_epoch_handle(std::string_view bytes);

// Head of one batch in an epoch file; `body_bytes` bytes of a batch for SEND_BATCH_MESSAGE follow.
struct EpochBatchHead {
  std::uint32_t queue = 0;  // index into EpochHandle::queues
  std::uint32_t count = 0;
  std::uint32_t body_bytes = 0;
};
inline constexpr std::size_t kEpochBatchHead = 12;
Status append_epoch_batch(const EpochBatchHead& head, std::string_view body, EpochFile& file);

// Reads an epoch file.
//
// Thread:  one.
// Failure: kCorrupt and what the operating system says, with the path.
class EpochFileReader {
 public:
  static Result<std::unique_ptr<EpochFileReader>> open(const std::string& path);
  ~EpochFileReader();
  EpochFileReader(const EpochFileReader&) = delete;
  EpochFileReader& operator=(const EpochFileReader&) = delete;

  struct Entry {
    EpochBatchHead head;
    std::uint64_t body_at = 0;
  };
  // All batches, in the order in which they were sealed.
  Result<std::vector<Entry>> batches() const;
  // Replaces `out`: where a body of about that size was read before, nothing is cleared first.
  Status read_body(const Entry& entry, std::string& out) const;

 private:
  EpochFileReader(std::string path, int file) : path_(std::move(path)), file_(file) {}
  Status read(std::uint64_t at, char* out, std::size_t size) const;

  const std::string path_;
  const int file_;
};

}  // namespace slipstream::rocketmq_connector
