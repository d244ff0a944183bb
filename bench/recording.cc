#include "recording.h"

#include <fstream>
#include <iterator>

#include "slipstream/rocketmq/client.h"

#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/requests.h"
#include "rocketmq/protocol/responses.h"

namespace slipstream::bench {
namespace {

using rocketmq::Answer;
using rocketmq::RequestCode;

constexpr std::int32_t kMessagesPerPull = 1'024;
constexpr int kRuntimeTries = 10'000;

std::string text_of(std::span<const std::uint8_t> bytes) { return std::string(as_text(bytes)); }

Status write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!out.flush()) return Error{ErrorCode::kUnavailable, "cannot write " + path.string()};
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{ErrorCode::kNotFound, "no recording: cannot read " + path.string()};
  return std::string(std::istreambuf_iterator<char>(in), {});
}

class Recorder {
 public:
  Recorder(rocketmq::internal::ClientCore& core, std::filesystem::path directory)
      : core_(core), directory_(std::move(directory)) {}

  Status run(const std::string& topic) {
    TRY_ASSIGN(const Answer route, core_.wait_name_server(rocketmq::encode_route(topic)));
    TRY_ASSIGN(const rocketmq::RouteData places, rocketmq::parse_route(route.body()));
    if (places.brokers.size() != 1 || places.brokers[0].master() == nullptr)
      return Error{ErrorCode::kUnsupported, "topic '" + topic + "' is not on exactly one broker"};
    address_ = *places.brokers[0].master();
    TRY(write_file(directory_ / "topic", topic));
    TRY(write_file(directory_ / "address", address_));
    TRY(write_file(directory_ / "route", text_of(route.body())));
    TRY_ASSIGN(const Answer cluster,
               core_.wait_name_server(rocketmq::encode_plain(RequestCode::kBrokerCluster)));
    TRY(write_file(directory_ / "cluster", text_of(cluster.body())));
    TRY(keep("topic_config", rocketmq::encode_topic_config(topic)));
    for (std::int32_t id = 0; id < places.queues[0].read_queues; ++id)
      TRY(record_queue({topic, places.brokers[0].name, id}));
    return keep_runtime();
  }

 private:
  Status keep(const std::string& name, const rocketmq::Command& command) {
    TRY_ASSIGN(const Answer answer, core_.wait_call(address_, command));
    if (answer.header.code != 0) return Error{ErrorCode::kUnavailable, answer.header.remark};
    return write_file(directory_ / name, text_of(answer.body()));
  }

  // The state once the queues have all that is in the log: jobs wait for that before they read, and
  // what is recorded never changes.
  Status keep_runtime() {
    for (int tries = 0; tries < kRuntimeTries; ++tries) {
      TRY(keep("runtime", rocketmq::encode_plain(RequestCode::kBrokerRuntime)));
      TRY_ASSIGN(const std::string text, read_file(directory_ / "runtime"));
      TRY_ASSIGN(const rocketmq::BrokerRuntime runtime,
                 rocketmq::parse_broker_runtime(
                     {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
      if (runtime.dispatch_behind_bytes() == 0) return {};
    }
    return Error::retry(ErrorCode::kTimeout, "the broker's queues do not catch up with its log");
  }

  Status record_queue(const rocketmq::MessageQueue& queue) {
    const auto path = directory_ / ("queue-" + std::to_string(queue.id));
    std::ofstream out(path, std::ios::binary);
    rocketmq::PullRequest request{.group = "slipstream_bench_record",
                                  .queue = queue,
                                  .offset = 0,
                                  .messages_max = kMessagesPerPull,
                                  .suspend_ms = 0,
                                  .expression = "*",
                                  .sql92 = false,
                                  .subscription_version = 0};
    while (true) {
      TRY_ASSIGN(const Answer answer, core_.wait_call(address_, rocketmq::encode_pull(request)));
      TRY_ASSIGN(const rocketmq::PullAnswer pull, rocketmq::parse_pull(answer.header));
      if (pull.status != rocketmq::PullStatus::kFound) break;
      if (request.offset == 0)
        TRY(write_file(directory_ / "pull_header", text_of(answer.frame.header)));
      out.write(reinterpret_cast<const char*>(answer.body().data()),
                static_cast<std::streamsize>(answer.body().size()));
      request.offset = pull.next_offset;
    }
    if (!out.flush()) return Error{ErrorCode::kUnavailable, "cannot write " + path.string()};
    return {};
  }

  rocketmq::internal::ClientCore& core_;
  const std::filesystem::path directory_;
  std::string address_;
};

Status index(RecordedQueue& queue) {
  const auto bytes = as_bytes(queue.records);
  std::size_t position = 0;
  std::int64_t expected = -1;
  while (position < bytes.size()) {
    TRY_ASSIGN(const rocketmq::RecordView record, rocketmq::decode_record(bytes.subspan(position)));
    if (expected < 0) queue.min_offset = expected = record.queue_offset;
    if (record.queue_offset != expected++)
      return Error{ErrorCode::kUnsupported, "a recorded queue has gaps"};
    queue.begins.push_back(position);
    position += static_cast<std::size_t>(record.total_size);
  }
  queue.begins.push_back(position);
  return {};
}

}  // namespace

Status Recording::record(const std::string& name_server, const std::string& topic,
                         const std::filesystem::path& directory) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return Error{ErrorCode::kUnavailable, directory.string() + ": " + failed.message()};
  rocketmq::ClientOptions options;
  options.name_servers = name_server;
  TRY_ASSIGN(const auto client, rocketmq::Client::connect(options));
  return Recorder(rocketmq::internal::core_of(*client), directory).run(topic);
}

Result<Recording> Recording::load(const std::filesystem::path& directory) {
  Recording recording;
  TRY_ASSIGN(recording.topic, read_file(directory / "topic"));
  TRY_ASSIGN(recording.address, read_file(directory / "address"));
  for (const char* name : {"route", "cluster", "runtime", "topic_config"}) {
    TRY_ASSIGN(recording.bodies[name], read_file(directory / name));
  }
  TRY_ASSIGN(const std::string header, read_file(directory / "pull_header"));
  TRY_ASSIGN(recording.pull_header,
             rocketmq::decode_header(as_bytes(header), rocketmq::HeaderType::kJson));
  for (std::int32_t id = 0;; ++id) {
    const auto path = directory / ("queue-" + std::to_string(id));
    if (!std::filesystem::exists(path)) break;
    RecordedQueue& queue = recording.queues[id];
    TRY_ASSIGN(queue.records, read_file(path));
    TRY(index(queue).with_context(path.string()));
  }
  return recording;
}

}  // namespace slipstream::bench
