// The RocketMQ client alone: rocketmq_client NAME_SERVER TOPIC TEXT sends one message.
#include <iostream>

#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/producer.h"

namespace rocketmq = slipstream::rocketmq;

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: rocketmq_client NAME_SERVER TOPIC TEXT\n";
    return 2;
  }
  rocketmq::ClientOptions options;
  options.name_servers = argv[1];
  auto client = rocketmq::Client::connect(options);
  if (!client.ok()) {
    std::cerr << "error: " << client.status().to_string() << '\n';
    return 1;
  }
  rocketmq::Producer producer(**client, {});
  rocketmq::Message message;
  message.topic = argv[2];
  message.body = argv[3];
  const rocketmq::SendResult sent = producer.send_and_wait(message);
  if (!sent.stored()) {
    std::cerr << "error: " << sent.error.to_string() << '\n';
    return 1;
  }
  std::cout << sent.queue.to_string() << " @ " << sent.queue_offset << '\n';
  return 0;
}
