// The C++ blocks of docs/datastream*.md and docs/client.md, as they stand there
// (cmake/doc_blocks.cmake).
#include <atomic>
#include <iostream>
#include <map>

#include <gmock/gmock.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/group_consumer.h"
#include "slipstream/rocketmq/lite_pull_consumer.h"
#include "slipstream/rocketmq/pop_consumer.h"
#include "slipstream/rocketmq/producer.h"
#include "slipstream/rocketmq/requester.h"
#include "slipstream/rocketmq/transaction_producer.h"
#include "slipstream/stream.h"
#include "slipstream/stream/rocketmq.h"
#include "slipstream/stream/testing.h"

namespace slipstream::stream {
namespace {

using namespace std::chrono_literals;

// What the pages leave to the reader.
namespace given {
#include "stream/blocks/datastream_2.inc"

std::string item_of(const Order& order) { return order.item; }

class Totals final : public KeyedProcessFunction<std::string, Order, Order> {
 public:
  void open(RuntimeContext& context) override { total_ = context.value_state<Order>("total"); }
  void process_element(const Order& order, Context&, Collector<Order>& out) override {
    Order total = total_.value_or({.item = order.item});
    total.price += order.price;
    total_.update(total);
    out.collect(total);
  }

 private:
  ValueState<Order> total_;
};

using Fields = std::map<std::string, std::string>;
struct Resident {
  std::string id;
  std::string province;
};
auto describe_row(const Resident*) {
  return columns(column("id", &Resident::id), column("province", &Resident::province));
}
class ToResident final : public ProcessFunction<Fields, Resident> {
 public:
  void process_element(const Fields& fields, Context&, Collector<Resident>& out) override {
    out.collect({fields.at("id"), fields.at("address")});
  }
};
}  // namespace given

using namespace given;

// Built, not run: they want a broker. The programs of examples/ have one.
[[maybe_unused]] Status a_job() {
#include "stream/blocks/datastream_1.inc"
  return status;
}

[[maybe_unused]] void a_job_in_the_original_shape(Environment& env) {
#include "stream/blocks/datastream-rocketmq_1.inc"
#include "stream/blocks/datastream-rocketmq_2.inc"
}

[[maybe_unused]] Status connecting() {
#include "stream/blocks/client_1.inc"
  return {};
}
[[maybe_unused]] Status sending(rocketmq::Client& client) {
#include "stream/blocks/client_2.inc"
  return {};
}
[[maybe_unused]] Status sending_without_waiting(rocketmq::Client& client) {
#include "stream/blocks/client_3.inc"
  return {};
}
[[maybe_unused]] Status receiving(rocketmq::Client& client, const std::atomic<bool>& running,
                                  void (*handle)(const rocketmq::ReceivedMessage&)) {
#include "stream/blocks/client_4.inc"
  return {};
}
[[maybe_unused]] Status topics(rocketmq::Client& client) {
#include "stream/blocks/client_5.inc"
  return behind > 0 ? Status(Error{ErrorCode::kUnavailable, "behind"}) : Status();
}
struct Ledger {
  bool has(const std::string& id);
  bool pay(const std::string& id, const std::string& what);
};
[[maybe_unused]] Status transactions(rocketmq::Client& client, Ledger& ledger) {
#include "stream/blocks/client_6.inc"
  return result.ended;
}
[[maybe_unused]] Status groups(rocketmq::Client& client,
                               void (*handle)(const rocketmq::ReceivedMessage&)) {
#include "stream/blocks/client_7.inc"
  return {};
}
[[maybe_unused]] Status lite_pull(rocketmq::Client& client, const std::atomic<bool>& running,
                                  void (*handle)(const rocketmq::ReceivedMessage&)) {
#include "stream/blocks/client_8.inc"
  return {};
}
[[maybe_unused]] Status asking(rocketmq::Client& client) {
#include "stream/blocks/client_9.inc"
  return {};
}
[[maybe_unused]] Status answering(rocketmq::Client& client,
                                  const rocketmq::ReceivedMessage& given) {
#include "stream/blocks/client_10.inc"
  return answer_request(given);
}
[[maybe_unused]] Status traces(rocketmq::Client& client) {
#include "stream/blocks/client_11.inc"
  return {};
}
[[maybe_unused]] Status popping(rocketmq::Client& client, const std::atomic<bool>& running,
                                bool (*handle)(const rocketmq::ReceivedMessage&)) {
#include "stream/blocks/client_12.inc"
  return {};
}

TEST(Pages, SeveralJobsOfOneProcess) {
#include "stream/blocks/datastream_3.inc"
  EXPECT_EQ(first.settings().runtime, second.settings().runtime);
}

TEST(Pages, TheTestOfAnOperator) {
#include "stream/blocks/datastream_4.inc"
  EXPECT_FALSE(saved.empty());
}

}  // namespace
}  // namespace slipstream::stream
