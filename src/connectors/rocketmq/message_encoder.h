// Rows to messages.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/batch.h"

#include "connector_kit/row_serializer.h"
#include "connectors/rocketmq/sink_plan.h"

namespace slipstream::rocketmq_connector {

// One message; views are valid until the next call of the encoder.
struct OutMessage {
  std::string_view topic;
  std::string_view body;
  std::string_view properties;
  std::string_view key;  // that 'key.format' makes; empty = none
  std::uint32_t row = 0;
  std::int64_t deliver_at_ms = 0;
  std::int32_t delay_level = 0;

  bool delayed() const { return deliver_at_ms > 0 || delay_level > 0; }  // cannot be in a batch
};

// Owner:   a writer.
// Thread:  task.
// Failure: kDataError naming table and row's fault: what a broker would refuse forever is refused
// here.
class MessageEncoder {
 public:
  // How the writer sends a message that leaves no room for others.
  enum class Largest : std::uint8_t {
    kInBatch,  // as all others
    kAlone,    // by itself, where a body may be a few bytes larger
  };
  static Result<std::unique_ptr<MessageEncoder>> make(std::shared_ptr<const SinkPlan> plan,
                                                      Largest largest);

  // The bodies of all rows of the batch, which must live until the last message() of it.
  // `wall_ms`: when the batch came, for delivery times that count from there.
  Status encode(const Batch& batch, std::int64_t wall_ms);
  std::size_t size() const { return copies_.empty() ? rows_->bodies().size() : copies_.size(); }
  Status message(std::size_t index, std::string_view unique_key, OutMessage& out);

 private:
  MessageEncoder(std::shared_ptr<const SinkPlan> plan, Largest largest,
                 std::unique_ptr<connector_kit::RowSerializer> rows);
  // A body under one of several static tags.
  struct Copy {
    std::size_t body = 0;
    std::size_t tag = 0;  // of the settings; a row with a tag of its own has one copy
  };
  void make_copies();
  void set_delivery_time(std::int64_t at_ms, OutMessage& out);
  Status add_metadata(std::size_t row, std::string_view tag, OutMessage& out);
  Status add_properties(const Column& column, std::size_t row);
  Status add_text(const WriteColumn& column, std::string_view property, std::string_view text);
  Status add_delay_level(const WriteColumn& column, std::int64_t level, OutMessage& out);
  Error refuse(const std::string& text) const;

  const std::shared_ptr<const SinkPlan> plan_;
  const Largest largest_;
  const std::unique_ptr<connector_kit::RowSerializer> rows_;
  const Batch* batch_ = nullptr;
  std::vector<Copy> copies_;  // empty: every body is one message
  std::int64_t wall_ms_ = 0;
  std::string properties_;
  std::string topic_;          // of the row before that names one
  std::string checked_topic_;  // the last topic of a row that was checked
};

}  // namespace slipstream::rocketmq_connector
