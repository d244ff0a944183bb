// A client of librdkafka: its configuration, its errors, and questions about topics and offsets.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/options.h"
#include "slipstream/status.h"

#include "base/mutex.h"

struct rd_kafka_s;
struct rd_kafka_topic_partition_list_s;

namespace slipstream::kafka_connector {

// Offsets that stand for a place.
inline constexpr std::int64_t kEarliestOffset = -2;
inline constexpr std::int64_t kLatestOffset = -1;

struct Partition {
  std::string topic;
  std::int32_t id = 0;

  std::string to_string() const { return topic + "/" + std::to_string(id); }
  friend auto operator<=>(const Partition&, const Partition&) = default;
};

using PartitionOffsets = std::map<Partition, std::int64_t>;

enum class ClientRole : std::uint8_t { kConsumer, kProducer };

// Whether librdkafka takes them; asks no server. kInvalidArgument names the property, and the one of
// librdkafka for those of Java's client.
Status check_properties(ClientRole role, const OptionMap& properties);

// How an error of librdkafka is told. `err`: rd_kafka_resp_err_t.
Error error_of(int err, const std::string& text);

// One connection to a cluster, with librdkafka's threads behind it.
//
// Owner:   a reader, a writer, or a source for its questions.
// Thread:  any; questions wait for brokers, kWaitMs at most.
// Failure: errors name the table, what librdkafka said and what to do. kUnavailable is retryable.
class Client {
 public:
  static constexpr int kWaitMs = 5'000;

  struct Endpoint {
    std::string table;    // for errors
    std::string servers;  // bootstrap.servers
  };
  static Result<std::shared_ptr<Client>> make(ClientRole role, Endpoint endpoint,
                                              const OptionMap& properties);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  rd_kafka_s* handle() const { return handle_; }
  // Serves callbacks: errors, and what was asked for without waiting.
  void serve() const;
  // Nobody answers, or not in time: the last thing that the client complained about says why.
  Error unreachable(const std::string& what) const;
  // An error that no retry can mend: the server refuses the user. None: nothing of that kind.
  std::optional<Error> refused() const;

  // Number of partitions; kNotFound when there is no such topic.
  Result<std::int32_t> partitions_of(const std::string& topic) const;
  Result<std::map<std::string, std::int32_t>> all_topics() const;
  // Of each partition: the first offset at or after a time in milliseconds, kEarliestOffset or kLatestOffset;
  // kLatestOffset when there is none.
  Result<PartitionOffsets> offsets_at(std::span<const Partition> partitions, std::int64_t time_ms,
                                      int wait_ms = kWaitMs) const;
  // Those that the group has.
  Result<PartitionOffsets> group_offsets(std::span<const Partition> partitions) const;

  // Without waiting: serve() counts what became of it. REQUIRES: a consumer with a group
  void commit(const PartitionOffsets& offsets);
  // Thread: that of serve().
  struct Commits {
    std::int64_t under_way = 0;
    std::int64_t succeeded = 0;
    std::int64_t failed = 0;
  };
  const Commits& commits() const { return commits_; }

 private:
  explicit Client(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
  static void on_error(rd_kafka_s* handle, int err, const char* reason, void* self);
  static void on_commit(rd_kafka_s* handle, int err, rd_kafka_topic_partition_list_s* offsets,
                        void* self);
  Error failure(int err, const std::string& what) const;

  const Endpoint endpoint_;
  rd_kafka_s* handle_ = nullptr;
  Commits commits_;
  mutable Mutex mutex_;
  std::string last_complaint_ SLIPSTREAM_GUARDED_BY(mutex_);
  std::optional<Error> refused_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace slipstream::kafka_connector
