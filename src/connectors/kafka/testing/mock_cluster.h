// librdkafka's own mock of a cluster, inside the process: for tests only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

struct rd_kafka_s;
struct rd_kafka_mock_cluster_s;

namespace slipstream::kafka_connector::testing {

struct MockMessage {
  std::string body;
  std::optional<std::string> key{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::int64_t time_ms = 0;  // 0 = now
  std::int32_t partition = 0;
  bool tombstone = false;
};

// One broker. It knows no isolation level, no retention and no access control.
// Thread: that of the test.
class MockCluster {
 public:
  MockCluster();
  ~MockCluster();
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  std::string servers() const;
  void create_topic(const std::string& topic, int partitions);
  // Returns when it is stored.
  void write(const std::string& topic, const MockMessage& message);
  // All messages of all partitions, each partition in its order.
  std::vector<MockMessage> messages(const std::string& topic) const;
  // -1 = none.
  std::int64_t group_offset(const std::string& group, const std::string& topic,
                            std::int32_t partition) const;
  // The next `count` requests of a kind (Kafka's number) are answered with an error (its number).
  void fail_requests(int kind, int error, int count);
  // Whoever asks for the topic gets an error; without it the mock makes topics by itself.
  void fail_topic(const std::string& topic, int error);
  void set_down(bool down);

 private:
  rd_kafka_s* handle_ = nullptr;
  rd_kafka_mock_cluster_s* cluster_ = nullptr;  // the handle's
};

}  // namespace slipstream::kafka_connector::testing
