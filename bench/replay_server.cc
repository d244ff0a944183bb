// A name server and broker that answer pulls with what a real broker answered once, and count what
// is sent: the engine's cost is seen without a Java machine beside it.
//
// --record DIR --nameserver A --topic T   asks the real servers once
// --serve DIR [--cap N] [--hold MS]       prints its address; ends at the end of its input and
//                                         prints what it counted as JSON
// --hold: each answer to a pull leaves so much later, as from a broker that is far away.
//
// Every other topic exists, has as many queues as the recorded one, takes messages and keeps none.
#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/try.h"
#include "io/event_loop.h"
#include "io/tcp.h"
#include "main.h"
#include "recording.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/protocol/codes.h"

namespace slipstream::bench {
namespace {

using rocketmq::Command;
using rocketmq::FrameHeader;
using rocketmq::RequestCode;
namespace response_code = rocketmq::response_code;

constexpr std::int64_t kBytesPerPullMax = 262'144;  // a broker's own limit for messages in memory
constexpr std::int32_t kSuspendBit = 2;

struct Counts {
  std::map<std::int32_t, long> requests;
  long pulled = 0;
  long sent = 0;
};

struct Reply {
  FrameHeader header;
  std::shared_ptr<const std::string> body;
  std::int64_t delay_ms = 0;
};

// Thread: loop.
class ReplayServer {
 public:
  struct Limits {
    std::int64_t messages_per_pull_max = 32;
    std::int64_t hold_ms = 0;
  };

  ReplayServer(io::EventLoop& loop, Recording recording, Limits limits)
      : loop_(loop), recording_(std::move(recording)), limits_(limits) {}

  Result<std::uint16_t> open() {
    TRY_ASSIGN(listener_, io::TcpListener::listen(
                              loop_, {"127.0.0.1", 0}, [this](const io::TcpListener::Adopt& adopt) {
                                auto session = std::make_unique<Session>(*this, ++last_session_);
                                session->connection = adopt(*session);
                                sessions_.emplace(last_session_, std::move(session));
                              }));
    const std::string own = "127.0.0.1:" + std::to_string(listener_->port());
    for (auto& [name, body] : recording_.bodies) {
      for (auto at = body.find(recording_.address); at != std::string::npos;
           at = body.find(recording_.address, at + own.size()))
        body.replace(at, recording_.address.size(), own);
    }
    return listener_->port();
  }

  void close() {
    sessions_.clear();
    listener_.reset();
  }
  const Counts& counts() const { return counts_; }

 private:
  struct Session final : io::ConnectionHandler {
    Session(ReplayServer& owner, std::uint64_t number) : server(owner), id(number) {}
    ReplayServer& server;
    const std::uint64_t id;
    std::unique_ptr<io::Connection> connection;
    rocketmq::FrameCutter cutter{rocketmq::ReceivePool::create()};

    void on_open() override {}
    std::span<std::uint8_t> read_space() override { return cutter.prepare(); }
    void on_read(std::size_t count) override {
      cutter.commit(count);
      while (true) {
        auto frame = cutter.next();
        if (!frame.ok() || !frame->has_value()) return;
        auto header = rocketmq::decode_header((*frame)->header, (*frame)->type);
        if (header.ok()) server.handle(*this, *header, (*frame)->body);
      }
    }
    void on_closed(const Error&) override {
      server.loop_.post([owner = &server, self = id] { owner->sessions_.erase(self); });
    }
    void write(const Reply& reply) {
      auto head = rocketmq::encode_frame_head(reply.header, reply.body ? reply.body->size() : 0);
      if (head.ok()) static_cast<void>(connection->write(std::move(*head), reply.body));
    }
  };

  void handle(Session& session, const FrameHeader& request, std::span<const std::uint8_t> body) {
    ++counts_.requests[request.code];
    Reply reply = answer(request, body);
    reply.header.opaque = request.opaque;
    reply.header.flag = rocketmq::kResponseFlag;
    reply.header.language = recording_.pull_header.language;
    reply.header.version = recording_.pull_header.version;
    if (request.is_oneway()) return;
    if (reply.delay_ms == 0) return session.write(reply);
    loop_.run_after(reply.delay_ms, [this, id = session.id, reply] {
      const auto found = sessions_.find(id);
      if (found != sessions_.end()) found->second->write(reply);
    });
  }

  Reply answer(const FrameHeader& request, std::span<const std::uint8_t> body) {
    switch (static_cast<RequestCode>(request.code)) {
      case RequestCode::kPullMessage:
        return pull(request);
      case RequestCode::kSendBatchMessage:
        return sent(request, body, true);
      case RequestCode::kSendMessageV2:
        return sent(request, body, false);
      case RequestCode::kRouteByTopic:
        return with_body("route");
      case RequestCode::kBrokerCluster:
        return with_body("cluster");
      case RequestCode::kBrokerRuntime:
        return with_body("runtime");
      case RequestCode::kTopicConfig:
        return with_body("topic_config");
      case RequestCode::kMaxOffset:
        return offset(bounds(request).second);
      case RequestCode::kMinOffset:
      case RequestCode::kSearchOffsetByTimestamp:
        return offset(bounds(request).first);
      case RequestCode::kQueryConsumerOffset:
        return with_code(response_code::kQueryNotFound);
      case RequestCode::kHeartbeat:
      case RequestCode::kUnregisterClient:
      case RequestCode::kUpdateTopic:
      case RequestCode::kUpdateConsumerOffset:
        return with_code(response_code::kSuccess);
      default:
        if (refused_.insert(request.code).second)
          std::cerr << "request " << request.code << " is not replayed\n";
        return with_code(response_code::kRequestCodeNotSupported);
    }
  }

  static Reply with_code(std::int32_t code) {
    Reply reply;
    reply.header.code = code;
    return reply;
  }
  Reply with_body(const std::string& name) const {
    Reply reply;
    reply.body = std::make_shared<const std::string>(recording_.bodies.at(name));
    return reply;
  }
  static Reply offset(std::int64_t value) {
    Reply reply;
    reply.header.ext.add_number("offset", value);
    return reply;
  }

  static std::string key_of(const FrameHeader& request, std::string_view topic,
                            std::string_view queue) {
    return std::string(request.ext.find(topic).value_or("")) + "/" +
           std::string(request.ext.find(queue).value_or(""));
  }
  const RecordedQueue* recorded(const FrameHeader& request) const {
    if (request.ext.find("topic") != recording_.topic) return nullptr;
    const auto found =
        recording_.queues.find(static_cast<std::int32_t>(*request.ext.find_number("queueId")));
    return found == recording_.queues.end() ? nullptr : &found->second;
  }
  std::pair<std::int64_t, std::int64_t> bounds(const FrameHeader& request) {
    const RecordedQueue* queue = recorded(request);
    if (queue != nullptr) return {queue->min_offset, queue->max_offset()};
    return {0, stored_[key_of(request, "topic", "queueId")]};
  }

  Reply pull(const FrameHeader& request) {
    const RecordedQueue* queue = recorded(request);
    const std::int64_t first = bounds(request).first;
    const std::int64_t end = bounds(request).second;
    const std::int64_t begin = request.ext.find_number("queueOffset").value_or(0);
    Reply reply;
    reply.header.remark = recording_.pull_header.remark;
    std::int64_t next = begin;
    if (queue == nullptr || begin < first || begin >= end) {
      const bool outside = begin < first || begin > end || (begin < end && queue == nullptr);
      reply.header.code = outside ? response_code::kPullOffsetMoved : response_code::kPullNotFound;
      reply.header.remark = outside ? "OFFSET_ILLEGAL" : "OFFSET_OVERFLOW_ONE";
      if (outside) next = end;
      if (!outside && (request.ext.find_number("sysFlag").value_or(0) & kSuspendBit) != 0)
        reply.delay_ms = request.ext.find_number("suspendTimeoutMillis").value_or(0);
    } else {
      const std::int64_t wanted =
          std::max<std::int64_t>(std::min(request.ext.find_number("maxMsgNums").value_or(1),
                                          limits_.messages_per_pull_max),
                                 1);
      next = std::min(begin + wanted, end);
      const auto at = [&](std::int64_t offset) {
        return queue->begins[static_cast<std::size_t>(offset - first)];
      };
      while (next > begin + 1 && at(next) - at(begin) > kBytesPerPullMax) --next;
      reply.body = std::make_shared<const std::string>(
          std::string_view(queue->records).substr(at(begin), at(next) - at(begin)));
      counts_.pulled += next - begin;
    }
    const rocketmq::ExtFields& real = recording_.pull_header.ext;
    for (std::size_t i = 0; i < real.size(); ++i) {
      const std::string_view name = real.key(i);
      if (name == "nextBeginOffset") {
        reply.header.ext.add_number(name, next);
      } else if (name == "maxOffset") {
        reply.header.ext.add_number(name, end);
      } else if (name == "minOffset") {
        reply.header.ext.add_number(name, first);
      } else {
        reply.header.ext.add(name, real.value(i));
      }
    }
    reply.delay_ms += limits_.hold_ms;
    return reply;
  }

  Reply sent(const FrameHeader& request, std::span<const std::uint8_t> body, bool batch) {
    static constexpr std::uint8_t kLoopback[4] = {127, 0, 0, 1};
    std::int64_t& stored = stored_[key_of(request, "b", "e")];
    std::string ids;
    std::int64_t count = 0;
    while (!body.empty()) {
      if (batch) {
        if (!rocketmq::decode_batch_entry(body).ok())
          return with_code(response_code::kMessageIllegal);
      } else {
        body = {};
      }
      if (!ids.empty()) ids += ',';
      ids += rocketmq::encode_offset_message_id(kLoopback, 10911,
                                                static_cast<std::uint64_t>(counts_.sent + count++));
    }
    Reply reply;
    reply.header.ext.add("queueId", request.ext.find("e").value_or("0"));
    reply.header.ext.add("msgId", ids);
    reply.header.ext.add("TRACE_ON", "true");
    reply.header.ext.add("MSG_REGION", "DefaultRegion");
    reply.header.ext.add_number("queueOffset", stored);
    stored += count;
    counts_.sent += count;
    return reply;
  }

  io::EventLoop& loop_;
  Recording recording_;
  const Limits limits_;
  std::unique_ptr<io::TcpListener> listener_;
  std::uint64_t last_session_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  std::map<std::string, std::int64_t> stored_;  // messages by topic/queue of all but the recorded
  std::set<std::int32_t> refused_;
  Counts counts_;
};

Status serve(const Flags& flags) {
  TRY_ASSIGN(Recording recording, Recording::load(flags.text("serve")));
  const SystemClock clock;
  io::EventLoop loop(clock, "replay");
  ReplayServer server(
      loop, std::move(recording),
      {.messages_per_pull_max = flags.number("cap"), .hold_ms = flags.number("hold")});
  Result<std::uint16_t> port = Error{};
  loop.run_and_wait([&] { port = server.open(); });
  if (!port.ok()) return port.status();
  std::cout << "127.0.0.1:" << *port << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  loop.run_and_wait([&] { server.close(); });
  std::cout << "{\"pulled\":" << server.counts().pulled << ",\"sent\":" << server.counts().sent
            << ",\"requests\":{";
  const char* separator = "";
  for (const auto& [code, count] : server.counts().requests) {
    std::cout << separator << '"' << code << "\":" << count;
    separator = ",";
  }
  std::cout << "}}" << std::endl;
  loop.stop();
  return {};
}

Status run(const Flags& flags) {
  if (flags.text("record").empty()) return serve(flags);
  return Recording::record(flags.text("nameserver"), flags.text("topic"), flags.text("record"));
}

}  // namespace

const Program kProgram{{{"record", ""},
                        {"nameserver", ""},
                        {"topic", ""},
                        {"serve", ""},
                        {"cap", "32"},
                        {"hold", "0"}},
                       run};

}  // namespace slipstream::bench
