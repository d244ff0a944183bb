#include "rocketmq/protocol/frame.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq {
namespace {

FrameHeader sample_header() {
  FrameHeader header;
  header.code = 11;
  header.opaque = 77;
  header.remark = "r\"\\\n\x01 \xE8\xAE\xA2";
  header.ext.add("topic", "T\xE8\xAE\xA2");
  header.ext.add_number("queueOffset", -9223372036854775807LL - 1);
  header.ext.add_flag("order", true);
  return header;
}

void expect_same(const FrameHeader& a, const FrameHeader& b) {
  EXPECT_EQ(a.code, b.code);
  EXPECT_EQ(a.language, b.language);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.opaque, b.opaque);
  EXPECT_EQ(a.flag, b.flag);
  EXPECT_EQ(a.remark, b.remark);
  ASSERT_EQ(a.ext.size(), b.ext.size());
  for (std::size_t i = 0; i < a.ext.size(); ++i) {
    EXPECT_EQ(a.ext.key(i), b.ext.key(i));
    EXPECT_EQ(a.ext.value(i), b.ext.value(i));
  }
}

void feed(FrameCutter& cutter, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::span<std::uint8_t> room = cutter.prepare();
    const std::size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    cutter.commit(count);
    bytes.remove_prefix(count);
  }
}

Result<FrameHeader> decode_json(std::string_view text) {
  return decode_header(as_bytes(text), HeaderType::kJson);
}

TEST(FrameHeader, RoundTripsInBothEncodings) {
  for (const HeaderType type : {HeaderType::kJson, HeaderType::kBinary}) {
    const FrameHeader header = sample_header();
    const Result<std::string> head = encode_frame_head(header, 0, type);
    ASSERT_TRUE(head.ok());
    const Result<FrameHeader> back = decode_header(as_bytes(*head).subspan(8), type);
    ASSERT_TRUE(back.ok()) << back.error().to_string();
    expect_same(header, *back);
  }
}

TEST(FrameHeader, JsonAcceptsNumbersBooleansNullAndUnknownMembers) {
  const Result<FrameHeader> header = decode_json(
      R"( {"code":0,"extFields":{"a":5,"b":true,"c":null,"d":{"x":[1,{}]}},"future":{"deep":[[]]},"opaque":"7",)"
      R"("language":"KOTLIN","remark":null,"serializeTypeCurrentRPC":"JSON"})");
  ASSERT_TRUE(header.ok()) << header.error().to_string();
  EXPECT_EQ(header->opaque, 7);
  EXPECT_EQ(header->language, Language::kOther);
  EXPECT_EQ(header->ext.find("a"), "5");
  EXPECT_EQ(header->ext.find_flag("b"), true);
  EXPECT_FALSE(header->ext.find("c").has_value());
  EXPECT_EQ(header->remark, "");
}

TEST(FrameHeader, JsonWithoutExtFieldsIsLegal) {
  const Result<FrameHeader> header = decode_json(R"({"code":3,"flag":1})");
  ASSERT_TRUE(header.ok());
  EXPECT_TRUE(header->is_response());
  EXPECT_TRUE(header->ext.empty());
}

TEST(FrameHeader, EveryTruncationIsRefusedInBothEncodings) {
  for (const HeaderType type : {HeaderType::kJson, HeaderType::kBinary}) {
    const std::string head = *encode_frame_head(sample_header(), 0, type);
    for (std::size_t size = 0; size + 8 < head.size(); ++size) {
      const Result<FrameHeader> cut =
          decode_header(as_bytes(std::string_view(head).substr(8, size)), type);
      ASSERT_FALSE(cut.ok()) << "type " << static_cast<int>(type) << " size " << size;
      EXPECT_EQ(cut.error().code, ErrorCode::kCorrupt);
    }
  }
}

TEST(FrameHeader, NumbersOutsideTheirTypeAreRefused) {
  EXPECT_FALSE(decode_json(R"({"code":4294967296})").ok());
  EXPECT_FALSE(decode_json(R"({"code":"x"})").ok());
  EXPECT_FALSE(decode_json(R"({"code":1)").ok());
  EXPECT_FALSE(decode_json("[]").ok());
  EXPECT_FALSE(decode_json(std::string(100'000, '[')).ok());
}

TEST(FrameHeader, BinaryRefusesCodesAboveSixteenBits) {
  FrameHeader header;
  header.code = 200050;
  const Result<std::string> head = encode_frame_head(header, 0, HeaderType::kBinary);
  ASSERT_FALSE(head.ok());
  EXPECT_EQ(head.error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(encode_frame_head(header, 0, HeaderType::kJson).ok());
}

TEST(Frame, AboveTheProtocolLimitIsRefusedBeforeSending) {
  const std::size_t head = encode_frame_head(FrameHeader(), 0)->size();
  EXPECT_TRUE(encode_frame_head(FrameHeader(), kFrameBytesMax - head).ok());
  const Result<std::string> over = encode_frame_head(FrameHeader(), kFrameBytesMax - head + 1);
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, ErrorCode::kResourceExhausted);
}

TEST(Frame, AnswerKeepsOpaqueAndSetsTheResponseFlag) {
  FrameHeader request;
  request.opaque = 12;
  request.flag = 0;
  const Command answer = make_answer(request, 3, "not supported");
  EXPECT_EQ(answer.header.opaque, 12);
  EXPECT_TRUE(answer.header.is_response());
  EXPECT_EQ(answer.header.code, 3);
}

TEST(FrameCutter, CutsFramesFromAnyPieces) {
  std::string stream;
  std::vector<std::string> bodies;
  for (int i = 0; i < 40; ++i) {
    Command command;
    command.header.opaque = i;
    command.body = std::string(static_cast<std::size_t>(i * 37), static_cast<char>('a' + i % 26));
    bodies.push_back(command.body);
    stream += *encode_frame(command, i % 2 == 0 ? HeaderType::kJson : HeaderType::kBinary);
  }
  for (const std::size_t piece : {1UL, 3UL, 64UL, 1000UL, stream.size()}) {
    FrameCutter cutter(ReceivePool::create(512, 2));
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      feed(cutter, std::string_view(stream).substr(at, piece));
      for (;;) {
        Result<std::optional<Frame>> next = cutter.next();
        ASSERT_TRUE(next.ok());
        if (!next->has_value()) break;
        frames.push_back(std::move(**next));
      }
    }
    ASSERT_EQ(frames.size(), bodies.size()) << "piece " << piece;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      EXPECT_EQ(as_text(frames[i].body), bodies[i]);
      EXPECT_EQ(decode_header(frames[i].header, frames[i].type)->opaque, static_cast<int>(i));
    }
  }
}

TEST(FrameCutter, FramesOutliveCutterAndPool) {
  Frame kept;
  {
    FrameCutter cutter(ReceivePool::create(256, 1));
    Command command;
    command.body = "kept";
    feed(cutter, *encode_frame(command));
    kept = **cutter.next();
  }
  EXPECT_EQ(as_text(kept.body), "kept");
}

TEST(FrameCutter, ReleasedBuffersAreUsedAgain) {
  const std::shared_ptr<ReceivePool> pool = ReceivePool::create(4096, 1);
  const ReceiveBuffer* first = pool->take(1).get();
  EXPECT_EQ(pool->take(1).get(), first);
}

TEST(FrameCutter, RefusesAFrameAboveTheLimitAndStaysFailed) {
  FrameCutter cutter(ReceivePool::create(256, 1), 1000);
  feed(cutter, std::string("\x00\x00\x03\xE5", 4));  // 997 + 4 = 1001
  const Result<std::optional<Frame>> next = cutter.next();
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(cutter.next().ok());
}

TEST(FrameCutter, RefusesWhatIsNotAFrame) {
  for (const std::string& bytes :
       {std::string("HTTP/1.1 400 Bad Request\r\n"), std::string("\x00\x00\x00\x03\x00\x00\x00", 7),
        std::string("\x00\x00\x00\x04\x02\x00\x00\x00", 8),
        std::string("\x00\x00\x00\x05\x00\x00\x00\x02{", 9), std::string("\xFF\xFF\xFF\xFF", 4)}) {
    FrameCutter cutter(ReceivePool::create(256, 1));
    feed(cutter, bytes);
    EXPECT_FALSE(cutter.next().ok()) << to_hex(as_bytes(bytes));
  }
}

}  // namespace
}  // namespace slipstream::rocketmq
