// The job of the original connector's README: customers' addresses from one topic, their provinces
// as JSON to another.  rocketmq_readme NAME_SERVERS SOURCE_TOPIC SINK_TOPIC CHECKPOINTS
//
// A message's key is the customer's id, its body the address, province last:
// "12 Lake Road, Hangzhou, Zhejiang".
#include <iostream>
#include <map>

#include "slipstream/stream.h"
#include "slipstream/stream/rocketmq.h"

#include "until_signal.h"

using namespace slipstream::stream;
using namespace std::chrono_literals;

namespace {

struct Customer {
  std::string id;
  std::string address;
};
auto describe_row(const Customer*) {
  return columns(column("id", &Customer::id), column("address", &Customer::address));
}

struct Resident {
  std::string id;
  std::string province;
};
auto describe_row(const Resident*) {
  return columns(column("id", &Resident::id), column("province", &Resident::province));
}

using Fields = std::map<std::string, std::string>;

class ToCustomer final : public ProcessFunction<Fields, Customer> {
 public:
  void open(RuntimeContext& context) override {
    without_id_ = context.counter("customers_without_id_total");
  }
  void process_element(const Fields& fields, Context&, Collector<Customer>& out) override {
    const auto id = fields.find("id");
    if (id == fields.end()) {
      without_id_.add();
      return;
    }
    out.collect({id->second, fields.at("address")});
  }

 private:
  Counter without_id_;
};

class ToResident final : public ProcessFunction<Customer, Resident> {
 public:
  void process_element(const Customer& customer, Context&, Collector<Resident>& out) override {
    const std::size_t comma = customer.address.rfind(", ");
    out.collect(
        {customer.id, comma == std::string::npos ? "unknown" : customer.address.substr(comma + 2)});
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: rocketmq_readme NAME_SERVERS SOURCE_TOPIC SINK_TOPIC CHECKPOINTS\n";
    return 2;
  }
  const Properties consumer{{RocketMQConfig::kNameServerAddress, argv[1]},
                            {RocketMQConfig::kConsumerGroup, "readme_consumers"},
                            {RocketMQConfig::kConsumerTopic, argv[2]}};
  const Properties producer{{RocketMQConfig::kNameServerAddress, argv[1]}};

  RocketMQSourceFunction source(SimpleKeyValueDeserializationSchema("id", "address"), consumer);
  source.set_start_from_group_offsets(OffsetResetStrategy::kLatest);

  Environment env({.name = "readme",
                   .parallelism = 2,
                   .checkpoint_dir = argv[4],
                   .checkpoint_interval = 3s,
                   .on_message = [](std::string_view text) { std::cerr << text << '\n'; }});
  env.add_source(source, "rocketmq-source")
      .uid("source")
      .process(ToCustomer())
      .process(ToResident())
      .add_sink(
          RocketMQSink(JsonSerializationSchema<Resident>([](const Resident& r) { return r.id; }),
                       DefaultTopicSelector(argv[3]), producer)
              .with_batch_flush_on_checkpoint(true)
              .with_batch_size(32))
      .name("rocketmq-sink")
      .uid("sink");

  auto job = env.execute_async();
  if (job.ok()) return wait_until_signal(*job);
  std::cerr << "error: " << job.status().to_string() << '\n';
  return 1;
}
