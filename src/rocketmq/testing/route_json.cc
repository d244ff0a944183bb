#include "rocketmq/testing/route_json.h"

namespace slipstream::rocketmq::testing {
namespace {

void write_broker(const RegisteredBroker& broker, JsonWriter& json) {
  json.begin_object().key("brokerAddrs").begin_object();
  int id = 0;
  for (const std::string& address : broker.addresses)
    json.key(std::to_string(id++)).string(address);
  json.end_object().key("brokerName").string(broker.name);
  json.key("cluster").string("ScriptedCluster").end_object();
}

}  // namespace

void write_route(const std::vector<RegisteredBroker>& brokers, std::int32_t queues,
                 JsonWriter& json) {
  json.key("brokerDatas").begin_array();
  for (const RegisteredBroker& broker : brokers) write_broker(broker, json);
  json.end_array().key("filterServerTable").begin_object().end_object();
  json.key("queueDatas").begin_array();
  for (const RegisteredBroker& broker : brokers) {
    json.begin_object().key("brokerName").string(broker.name).key("perm").integer(6);
    json.key("readQueueNums").integer(queues).key("topicSysFlag").integer(0);
    json.key("writeQueueNums").integer(queues).end_object();
  }
  json.end_array();
}

void write_cluster(const std::vector<RegisteredBroker>& brokers, JsonWriter& json) {
  json.begin_object().key("brokerAddrTable").begin_object();
  for (const RegisteredBroker& broker : brokers) {
    json.key(broker.name);
    write_broker(broker, json);
  }
  json.end_object().end_object();
}

}  // namespace slipstream::rocketmq::testing
