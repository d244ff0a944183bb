// What the connector of RocketMQ keeps in checkpoints: splits, names of splits, sealed epochs. What
// was read is written so that it reads back the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/try.h"
#include "connectors/rocketmq/epoch_codec.h"
#include "connectors/rocketmq/split_codec.h"
#include "connectors/rocketmq/stamp.h"
#include "file_with.h"
#include "rocketmq/message/batch_encoder.h"

namespace {

using namespace slipstream;  // NOLINT: one file
namespace connector = rocketmq_connector;

// A line with the id, then the state.
void read_split(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const Split split{std::string(text.substr(0, end)),
                    std::string(text.substr(std::min(end + 1, text.size())))};
  const auto position = connector::decode_split(split);
  if (!position.ok()) return;
  CHECK(position->queue.id >= 0);
  const auto again = connector::decode_split(connector::encode_split(*position));
  CHECK(again.ok() && again->queue == position->queue);
  CHECK(again->next == position->next && again->end == position->end);
  if (position->end != connector::kNoEnd || !position->last_read) return;
  CHECK(again->last_read && again->last_read->offset == position->last_read->offset);
  CHECK(again->last_read->stored_ms == position->last_read->stored_ms);
}

void read_known_splits(std::string_view text) {
  const auto known = connector::decode_known_splits(text);
  if (known.ok())
    CHECK(*connector::decode_known_splits(connector::encode_known_splits(*known)) == *known);
}

void read_epoch_handle(std::string_view bytes) {
  const auto handle = connector::decode_epoch_handle(bytes);
  if (!handle.ok()) return;
  CHECK(handle->queues.size() <= bytes.size());
  const std::string written = connector::encode_epoch_handle(*handle);
  CHECK(connector::encode_epoch_handle(*connector::decode_epoch_handle(written)) == written);
  CHECK(!connector::stamp_prefix(handle->series).empty());
}

void read_epoch_file(const std::uint8_t* data, std::size_t size) {
  const fuzz::FileWith file(data, size);
  const auto reader = connector::EpochFileReader::open(file.path());
  CHECK(reader.ok());
  const auto batches = (*reader)->batches();
  if (!batches.ok()) return;
  std::size_t bytes = 0;
  std::string body;
  for (const auto& entry : *batches) {
    CHECK((*reader)->read_body(entry, body).ok() && body.size() == entry.head.body_bytes);
    bytes += connector::kEpochBatchHead + body.size();
    std::span<const std::uint8_t> rest = as_bytes(body);
    while (!rest.empty() && rocketmq::decode_batch_entry(rest).ok()) {
    }
  }
  CHECK(bytes == size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  read_split(text);
  read_known_splits(text);
  read_epoch_handle(text);
  read_epoch_file(data, size);
  const auto sequence = connector::stamp_sequence(text);
  if (sequence) {
    std::string stamp;
    connector::make_stamp(text.substr(0, connector::kStampPrefix), *sequence, stamp);
    CHECK(connector::stamp_sequence(stamp) == sequence);
  }
  return 0;
}
