// Stored messages as pull answers bring them.
#include <benchmark/benchmark.h>

#include "base/bytes.h"
#include "base/try.h"
#include "bids.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/frame.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::bench {
namespace {

const std::string kProperties =
    "UNIQ_KEY\0017F000001000041414141414100000001\002WAIT\001true\002CLUSTER\001DefaultCluster\002";

// docs of the layout: rocketmq/message/record.h
std::string records() {
  std::string out;
  for (std::size_t i = 0; i < std::size_t{kBids}; ++i) {
    const std::string body = json_bid(static_cast<long>(i));
    const std::string topic = "bench_in";
    ByteWriter writer(out);
    writer.u32(static_cast<std::uint32_t>(91 + body.size() + topic.size() + kProperties.size()));
    writer.u32(0xDAA320A7);
    writer.u32(rocketmq::body_crc(as_bytes(body)));
    writer.i32(0);  // queue
    writer.i32(0);  // flag
    writer.i64(static_cast<std::int64_t>(i));
    writer.i64(0);  // physical offset
    writer.i32(0);  // system flags
    writer.i64(0);  // born
    writer.u32(0x7F000001);
    writer.i32(10'911);
    writer.i64(0);  // stored
    writer.u32(0x7F000001);
    writer.i32(10'911);
    writer.i32(0);
    writer.i64(0);
    writer.i32(static_cast<std::int32_t>(body.size()));
    writer.text(body);
    writer.u8(static_cast<std::uint8_t>(topic.size()));
    writer.text(topic);
    writer.u16(static_cast<std::uint16_t>(kProperties.size()));
    writer.text(kProperties);
  }
  return out;
}

void walk_records(benchmark::State& state, bool check_crc) {
  const std::string bytes = records();
  rocketmq::RecordCursorOptions options;
  options.check_crc = check_crc;
  for ([[maybe_unused]] auto round : state) {
    rocketmq::RecordCursor cursor(as_bytes(bytes), options);
    rocketmq::RecordView record;
    std::size_t count = 0;
    while (cursor.next(record)) ++count;
    CHECK(count == std::size_t{kBids});
  }
  state.SetItemsProcessed(state.iterations() * kBids);
}

void crc(benchmark::State& state) {
  const BidBodies bodies(json_bid);
  for ([[maybe_unused]] auto round : state) {
    for (const std::string_view body : bodies.views())
      benchmark::DoNotOptimize(rocketmq::body_crc(as_bytes(body)));
  }
  state.SetItemsProcessed(state.iterations() * kBids);
}

void encode_batch(benchmark::State& state) {
  const BidBodies bodies(json_bid);
  for ([[maybe_unused]] auto round : state) {
    rocketmq::BatchEncoder encoder;
    for (const std::string_view body : bodies.views()) CHECK(encoder.add(body, kProperties).ok());
    benchmark::DoNotOptimize(encoder.take().data());
  }
  state.SetItemsProcessed(state.iterations() * kBids);
}

void pull_request(benchmark::State& state) {
  const rocketmq::PullRequest request{.group = "bench",
                                      .queue = {"bench_in", "broker-a", 3},
                                      .offset = 123'456,
                                      .messages_max = 32,
                                      .suspend_ms = 0,
                                      .expression = "*",
                                      .sql92 = false,
                                      .subscription_version = 0};
  for ([[maybe_unused]] auto round : state) {
    const rocketmq::Command command = rocketmq::encode_pull(request);
    benchmark::DoNotOptimize(rocketmq::encode_frame_head(command.header, 0));
  }
  state.SetItemsProcessed(state.iterations());
}

void answer_header(benchmark::State& state) {
  static constexpr std::string_view kHeader =
      R"({"code":0,"extFields":{"suggestWhichBrokerId":"0","groupSysFlag":"0","nextBeginOffset":"123456",)"
      R"("maxOffset":"1000000","minOffset":"0","topicSysFlag":"0"},"flag":1,"language":"JAVA","opaque":77777,)"
      R"("remark":"FOUND","serializeTypeCurrentRPC":"JSON","version":513})";
  for ([[maybe_unused]] auto round : state)
    benchmark::DoNotOptimize(
        rocketmq::decode_header(as_bytes(kHeader), rocketmq::HeaderType::kJson));
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(walk_records, without_crc, false);
BENCHMARK_CAPTURE(walk_records, with_crc, true);
BENCHMARK(crc);
BENCHMARK(encode_batch);
BENCHMARK(pull_request);
BENCHMARK(answer_header);

}  // namespace
}  // namespace slipstream::bench

BENCHMARK_MAIN();
