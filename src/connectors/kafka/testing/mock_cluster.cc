#include "connectors/kafka/testing/mock_cluster.h"

#include <array>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/try.h"
#include "connectors/kafka/client.h"

namespace slipstream::kafka_connector::testing {
namespace {

constexpr int kWaitMs = 10'000;

MockMessage read(const rd_kafka_message_t& message) {
  MockMessage seen;
  seen.body.assign(static_cast<const char*>(message.payload), message.len);
  seen.tombstone = message.payload == nullptr;
  if (message.key != nullptr)
    seen.key.emplace(static_cast<const char*>(message.key), message.key_len);
  seen.partition = message.partition;
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  seen.time_ms = rd_kafka_message_timestamp(&message, &type);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return seen;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    seen.headers.emplace_back(name, std::string(static_cast<const char*>(value), size));
  return seen;
}

}  // namespace

MockCluster::MockCluster() {
  rd_kafka_conf_t* config = rd_kafka_conf_new();
  std::array<char, 512> reason{};
  for (const auto& [name, value] : {std::pair("test.mock.num.brokers", "1"),
                                    std::pair("linger.ms", "0"), std::pair("log_level", "2")})
    CHECK(rd_kafka_conf_set(config, name, value, reason.data(), reason.size()) == RD_KAFKA_CONF_OK);
  handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, config, reason.data(), reason.size());
  CHECK(handle_ != nullptr);
  cluster_ = rd_kafka_handle_mock_cluster(handle_);
}

MockCluster::~MockCluster() { rd_kafka_destroy(handle_); }

std::string MockCluster::servers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }

void MockCluster::create_topic(const std::string& topic, int partitions) {
  CHECK(rd_kafka_mock_topic_create(cluster_, topic.c_str(), partitions, 1) ==
        RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockCluster::write(const std::string& topic, const MockMessage& message) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(message.headers.size());
  for (const auto& [name, value] : message.headers)
    rd_kafka_header_add(headers, name.c_str(), -1, value.data(),
                        static_cast<ssize_t>(value.size()));
  const void* key = message.key ? message.key->data() : nullptr;
  const std::size_t key_size = message.key ? message.key->size() : 0;
  const void* body = message.tombstone ? nullptr : message.body.data();
  const auto err = rd_kafka_producev(
      handle_, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(message.partition),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_VALUE(const_cast<void*>(body), message.body.size()), RD_KAFKA_V_KEY(key, key_size),
      RD_KAFKA_V_TIMESTAMP(message.time_ms), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
  CHECK(err == RD_KAFKA_RESP_ERR_NO_ERROR);
  CHECK(rd_kafka_flush(handle_, kWaitMs) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

std::vector<MockMessage> MockCluster::messages(const std::string& topic) const {
  const auto client =
      Client::make(ClientRole::kConsumer, {"test", servers()}, {{"bootstrap.servers", servers()}});
  CHECK(client.ok());
  const auto partitions = (*client)->partitions_of(topic);
  CHECK(partitions.ok());
  rd_kafka_topic_t* handle = rd_kafka_topic_new((*client)->handle(), topic.c_str(), nullptr);
  std::vector<MockMessage> all;
  for (std::int32_t id = 0; id < *partitions; ++id) {
    CHECK(rd_kafka_consume_start(handle, id, RD_KAFKA_OFFSET_BEGINNING) == 0);
    bool end = false;
    while (!end) {
      rd_kafka_message_t* message = rd_kafka_consume(handle, id, kWaitMs);
      CHECK(message != nullptr);
      end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) all.push_back(read(*message));
      rd_kafka_message_destroy(message);
    }
    rd_kafka_consume_stop(handle, id);
  }
  rd_kafka_topic_destroy(handle);
  return all;
}

std::int64_t MockCluster::group_offset(const std::string& group, const std::string& topic,
                                       std::int32_t partition) const {
  const auto client = Client::make(ClientRole::kConsumer, {"test", servers()},
                                   {{"bootstrap.servers", servers()}, {"group.id", group}});
  CHECK(client.ok());
  const Partition asked{topic, partition};
  const auto offsets = (*client)->group_offsets({&asked, 1});
  CHECK(offsets.ok());
  return offsets->empty() ? -1 : offsets->begin()->second;
}

void MockCluster::fail_requests(int kind, int error, int count) {
  const std::vector<rd_kafka_resp_err_t> errors(static_cast<std::size_t>(count),
                                                static_cast<rd_kafka_resp_err_t>(error));
  rd_kafka_mock_push_request_errors_array(cluster_, static_cast<std::int16_t>(kind), errors.size(),
                                          errors.data());
}

void MockCluster::fail_topic(const std::string& topic, int error) {
  rd_kafka_mock_topic_set_error(cluster_, topic.c_str(), static_cast<rd_kafka_resp_err_t>(error));
}

void MockCluster::set_down(bool down) {
  if (down)
    rd_kafka_mock_broker_set_down(cluster_, 1);
  else
    rd_kafka_mock_broker_set_up(cluster_, 1);
}

}  // namespace slipstream::kafka_connector::testing
