#include "rocketmq/testing/scripted_broker.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/try.h"
#include "io/event_loop.h"
#include "io/tcp.h"
#include "rocketmq/message/batch_encoder.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/frame.h"
#include "rocketmq/protocol/signature.h"
#include "rocketmq/protocol/tolerant_json.h"
#include "rocketmq/testing/broker_store.h"
#include "rocketmq/testing/group_table.h"
#include "rocketmq/testing/operator_requests.h"
#include "rocketmq/testing/pop_table.h"
#include "rocketmq/testing/reply_push.h"
#include "rocketmq/testing/route_json.h"
#include "rocketmq/testing/static_topics.h"

namespace slipstream::rocketmq::testing {
namespace {

constexpr std::size_t kNameServer = 0;  // port index; brokers follow
constexpr const char* kHalfTopic = "RMQ_SYS_TRANS_HALF_TOPIC";

struct Request {
  FrameHeader header;
  std::string body;
  std::size_t port = 0;

  std::string text(std::string_view key) const {
    return std::string(header.ext.find(key).value_or(""));
  }
  std::int64_t number(std::string_view key) const {
    return header.ext.find_number(key).value_or(0);
  }
};

}  // namespace

class ScriptedBroker::Impl {
 public:
  explicit Impl(ScriptedBrokerOptions options)
      : options_(std::move(options)),
        ports_(options_.brokers.size() + 1),
        loop_(clock_, "scripted") {
    loop_.run_and_wait([this] {
      for (std::size_t port = 0; port < ports_.size(); ++port) open(port);
    });
  }

  ~Impl() {
    loop_.run_and_wait([this] {
      sessions_.clear();
      for (Port& port : ports_) port.listener.reset();
    });
    loop_.stop();
  }

  template <typename F>
  auto on_loop(F work) {
    std::optional<decltype(work())> result;
    CHECK(loop_.run_and_wait([&] { result.emplace(work()); }));
    return std::move(*result);
  }
  template <typename F>
  void do_on_loop(F work) {
    CHECK(loop_.run_and_wait(std::move(work)));
  }

  // A name that stands again among those of the brokers is that of a slave.
  bool is_slave(std::size_t broker) const {
    const auto self = options_.brokers.begin() + static_cast<std::ptrdiff_t>(broker);
    return std::find(options_.brokers.begin(), self, *self) != self;
  }
  std::uint16_t port_number(std::size_t port) const { return ports_[port].number; }
  const ScriptedBrokerOptions& options() const { return options_; }
  BrokerStore& store() { return store_; }
  std::int64_t now_ms() const { return clock_.wall_ms(); }
  void set_dispatch_lag(std::int64_t lag_ms) { dispatch_lag_ms_ = lag_ms; }
  std::map<std::int32_t, std::size_t>& seen() { return seen_; }
  const std::string& last_heartbeat() const { return last_heartbeat_; }
  std::string last_field(std::int32_t code, std::string_view field) const {
    const auto last = last_headers_.find(code);
    return last == last_headers_.end() ? std::string()
                                       : std::string(last->second.ext.find(field).value_or(""));
  }
  std::set<std::string>& unregistered() { return unregistered_; }
  std::map<std::int32_t, std::deque<Fault>>& faults() { return faults_; }
  Disturbance& disturbance() { return disturbance_; }
  std::optional<Credentials>& required() { return required_; }
  std::map<std::int32_t, std::size_t>& answers() { return answers_; }
  std::int64_t parked(std::int64_t from_offset) const {
    return std::count_if(parked_.begin(), parked_.end(), [&](const auto& each) {
      return each.second.request.number("queueOffset") >= from_offset;
    });
  }

  void open(std::size_t port) {
    auto listening = io::TcpListener::listen(loop_, {"127.0.0.1", ports_[port].number},
                                             [this, port](const io::TcpListener::Adopt& adopt) {
                                               auto session = std::make_unique<Session>(
                                                   *this, ++last_session_, port);
                                               session->connection = adopt(*session);
                                               sessions_.emplace(last_session_, std::move(session));
                                             });
    CHECK(listening.ok());
    ports_[port].listener = std::move(*listening);
    ports_[port].number = ports_[port].listener->port();
  }

  void close(std::size_t port) {
    ports_[port].listener.reset();
    std::vector<std::uint64_t> lost;
    for (const auto& [id, session] : sessions_) {
      if (session->port == port) lost.push_back(id);
    }
    for (const std::uint64_t id : lost) drop(id);
  }

  void drop(std::uint64_t session) {
    sessions_.erase(session);
    pops_.lost(session);
    notify(groups_.lost(session));
  }

  void ask_clients(std::int32_t code) {
    for (auto& [id, session] : sessions_) {
      if (session->port == kNameServer) continue;
      Command command;
      command.header.code = code;
      command.header.opaque = 1;  // collides with the client's own numbers on purpose
      session->write(command);
    }
  }

  GroupTable& groups() { return groups_; }
  OperatorRequests& operators() { return operators_; }
  StaticTopics& statics() { return statics_; }
  void set_store_hosts() {
    for (std::size_t i = 0; i < options_.brokers.size(); ++i)
      store_.ports.emplace(options_.brokers[i], ports_[i + 1].number);
  }
  PopTable& pops() { return pops_; }
  std::size_t half_open() const { return half_open_.size(); }

  // To the members of the groups: that there are others now.
  void notify(const std::set<std::string>& groups) {
    for (const std::string& group : groups) {
      Command command;
      command.header.code = static_cast<std::int32_t>(RequestCode::kNotifyConsumerIdsChanged);
      command.header.flag = kOnewayFlag;
      command.header.ext.add("consumerGroup", group);
      for (const std::uint64_t session : groups_.consumer_sessions(group)) answer(session, command);
    }
  }

  void reset_members(const std::string& group, const MessageQueue& queue, std::int64_t offset) {
    Command command;
    command.header.code = static_cast<std::int32_t>(RequestCode::kResetConsumerClientOffset);
    command.header.flag = kOnewayFlag;
    command.header.ext.add("topic", queue.topic);
    command.header.ext.add("group", group);
    JsonWriter json(command.body);
    json.begin_object().key("offsetTable").begin_array().begin_object();
    json.key("topic").string(queue.topic).key("brokerName").string(queue.broker);
    json.key("queueId").integer(queue.id).key("offset").integer(offset);
    json.end_object().end_array().end_object();
    for (const std::uint64_t session : groups_.consumer_sessions(group)) answer(session, command);
  }

  std::size_t check_transactions() {
    std::size_t asked = 0;
    for (const std::int64_t physical : half_open_) {
      const StoredRecord* stored = store_.at(physical);
      Command command;
      command.header.code = static_cast<std::int32_t>(RequestCode::kCheckTransactionState);
      command.header.flag = kOnewayFlag;
      // As brokers send it: the record names its real topic and queue.
      const auto record = decode_record(as_bytes(stored->bytes));
      const std::string real_topic(
          find_property(record->properties, property::kRealTopic).value_or(""));
      BrokerStore real;
      real.append({real_topic, options_.brokers[0], 0}, {.body = as_text(record->body),
                                                         .properties = record->properties,
                                                         .flag = record->flag,
                                                         .sys_flag = record->sys_flags,
                                                         .born_ms = record->born_ms,
                                                         .store_ms = record->store_ms});
      command.body = real.at(0)->bytes;
      ExtFields& ext = command.header.ext;
      ext.add_number("tranStateTableOffset", record->queue_offset);
      ext.add_number("commitLogOffset", physical);
      const auto key = find_property(record->properties, property::kUniqueKey);
      ext.add("msgId", key.value_or("none"));
      ext.add("transactionId", key.value_or("none"));
      const auto sessions = groups_.producer_sessions(
          std::string(find_property(record->properties, property::kProducerGroup).value_or("")));
      if (sessions.empty()) continue;
      answer(sessions.front(), command);
      ++asked;
    }
    return asked;
  }

  // What was stored in the queue becomes visible, now or later.
  void dispatch(const MessageQueue& queue) {
    const std::int64_t end = store_.log_end();
    if (dispatch_lag_ms_ == 0) {
      store_.dispatch(end);
      return loop_.post([this, queue] { wake(queue); });
    }
    loop_.run_after(dispatch_lag_ms_, [this, queue, end] {
      store_.dispatch(end);
      wake(queue);
    });
  }

  void wake(const MessageQueue& queue) {
    pops_.wake();
    const MessageQueue logical = statics_.logical_of(queue);
    auto parked = std::exchange(parked_, {});
    for (auto& each : parked) {
      if (each.second.queue == queue || each.second.queue == logical) {
        run_parked(each.first, each.second.session, each.second.request, false);
      } else {
        parked_.emplace(each.first, std::move(each.second));
      }
    }
  }

 private:
  struct Port {
    std::uint16_t number = 0;
    std::unique_ptr<io::TcpListener> listener;
  };

  struct Session final : io::ConnectionHandler {
    Session(Impl& owner, std::uint64_t number, std::size_t at_port)
        : impl(owner), id(number), port(at_port) {}
    Impl& impl;
    const std::uint64_t id;
    const std::size_t port;
    std::unique_ptr<io::Connection> connection;
    FrameCutter cutter{ReceivePool::create()};

    void on_open() override {}
    std::span<std::uint8_t> read_space() override { return cutter.prepare(); }
    void on_read(std::size_t count) override {
      cutter.commit(count);
      Impl& owner = impl;
      const std::uint64_t self = id;
      while (owner.sessions_.contains(self)) {
        auto frame = cutter.next();
        CHECK(frame.ok());
        if (!frame->has_value()) return;
        auto header = decode_header((*frame)->header, (*frame)->type);
        CHECK(header.ok());
        Request request{std::move(*header), std::string(as_text((*frame)->body)), port};
        // Later: the session may be closed by what the request does.
        owner.loop_.post(
            [&owner, self, request = std::move(request)] { owner.handle(self, request); });
      }
    }
    void on_closed(const Error&) override {
      impl.loop_.post([this_impl = &impl, self = id] { this_impl->drop(self); });
    }
    void write(const Command& command) {
      auto frame = encode_frame(command);
      CHECK(frame.ok());
      static_cast<void>(connection->write(std::move(*frame), nullptr));
    }
  };

  struct Parked {
    std::uint64_t session = 0;
    Request request;
    MessageQueue queue;
  };

  void answer(std::uint64_t session, const Command& command) {
    const auto found = sessions_.find(session);
    if (found != sessions_.end()) found->second->write(command);
  }

  void handle(std::uint64_t session, const Request& request) {
    if (request.header.is_response()) {
      ++answers_[request.header.code];
      return;
    }
    ++seen_[request.header.code];
    last_headers_[request.header.code] = request.header;
    if (const char* refusal = refusal_of(request)) {
      return answer(session, make_answer(request.header, response_code::kNoPermission, refusal));
    }
    std::optional<Fault> fault;
    auto& planned = faults_[request.header.code];
    const auto next = std::find_if(planned.begin(), planned.end(), [&](const Fault& each) {
      return each.broker.empty() || each.broker == broker_of(request);
    });
    if (next != planned.end()) {
      fault = *next;
      planned.erase(next);
    } else if (disturbance_) {
      fault = disturbance_(static_cast<RequestCode>(request.header.code));
    }
    if (!fault) {
      if (auto done = execute(session, request)) answer(session, *done);
      return;
    }
    disturbed(session, request, *fault);
  }

  const char* refusal_of(const Request& request) const {
    if (!required_ || request.port == kNameServer) return nullptr;
    const std::string user = request.text("AccessKey");
    if (user.empty()) return "username cannot be null.";
    if (user != required_->access_key) return "User:x is not found.";
    const bool valid = request.text("SecurityToken") == required_->security_token &&
                       request.text("Signature") ==
                           signature_of(request.header, request.body, required_->secret_key);
    return valid ? nullptr : "check signature failed.";
  }

  void disturbed(std::uint64_t session, const Request& request, const Fault& fault) {
    switch (fault.kind) {
      case Fault::Kind::kDropBefore:
        drop(session);
        return;
      case Fault::Kind::kCode:
        answer(session, make_answer(request.header, fault.code, fault.remark));
        return;
      case Fault::Kind::kDropLate:
        drop(session);
        [[fallthrough]];
      case Fault::Kind::kLate:
        loop_.run_after(fault.delay_ms, [this, session, request] {
          if (auto done = execute(session, request)) answer(session, *done);
        });
        return;
      default:
        break;
    }
    const auto done = execute(session, request);
    switch (fault.kind) {
      case Fault::Kind::kDropAfter:
        drop(session);
        return;
      case Fault::Kind::kCodeAfter:
        if (done) {
          Command changed = *done;
          // What was refused was not done.
          if (done->header.code != response_code::kSystemError) {
            changed.header.code = fault.code;
            changed.header.remark = fault.remark;
          }
          answer(session, changed);
        }
        return;
      case Fault::Kind::kDelay:
        if (done)
          loop_.run_after(fault.delay_ms, [this, session, late = *done] { answer(session, late); });
        return;
      case Fault::Kind::kTwice:
        if (done) answer(session, *done);
        if (done) answer(session, *done);
        return;
      default:
        return;
    }
  }

  // The answer; nothing for a parked pull.
  std::optional<Command> execute(std::uint64_t session, const Request& request) {
    if (statics_.covers(request.header)) return serve_logical(session, request, true);
    switch (static_cast<RequestCode>(request.header.code)) {
      case RequestCode::kRouteByTopic:
        return route(request);
      case RequestCode::kBrokerCluster:
        return cluster(request);
      case RequestCode::kUpdateTopic:
        store_.create_topic(request.text("topic"),
                            static_cast<std::int32_t>(request.number("readQueueNums")),
                            options_.brokers);
        return make_answer(request.header, 0);
      case RequestCode::kDeleteTopicInBroker:
      case RequestCode::kDeleteTopicInNameServer:
        return delete_topic(request);
      case RequestCode::kSendMessageV2:
        return send(request, false);
      case RequestCode::kSendBatchMessage:
        return send(request, true);
      case RequestCode::kSendReplyV2:
        return push_reply(request);
      case RequestCode::kPullMessage:
        return pull(session, request, true);
      case RequestCode::kMaxOffset:
        return offset_answer(request,
                             queue_of(request) ? store_.visible_end(*queue_of(request)) : 0);
      case RequestCode::kMinOffset:
        return offset_answer(request, queue_of(request) ? queue_of(request)->min_offset : 0);
      case RequestCode::kSearchOffsetByTimestamp:
        return search(request);
      case RequestCode::kQueryConsumerOffset:
        return query_group(request);
      case RequestCode::kUpdateConsumerOffset:
        store_.group_offsets[{request.text("consumerGroup"), queue_name(request)}] =
            request.number("commitOffset");
        return make_answer(request.header, 0);
      case RequestCode::kHeartbeat:
        last_heartbeat_ = request.body;
        return heartbeat(session, request);
      case RequestCode::kUnregisterClient:
        notify(groups_.unregister(session, request.text("consumerGroup"),
                                  request.text("producerGroup")));
        return make_answer(request.header, 0);
      case RequestCode::kConsumerListByGroup:
        return consumer_list(request);
      case RequestCode::kLockQueues: {
        Command done = make_answer(request.header, 0);
        done.body = groups_.lock(request.body);
        return done;
      }
      case RequestCode::kUnlockQueues:
        groups_.unlock(request.body);
        return make_answer(request.header, 0);
      case RequestCode::kConsumerSendBack:
        return send_back(request);
      case RequestCode::kEndTransaction:
        return end_transaction(request);
      default:
        if (PopTable::knows(request.header))
          return pops_.answer({session, request.header, request.body, broker_of(request)});
        if (auto done = operators_.answer({request.header, request.body, broker_of(request)}))
          return done;
        return make_answer(request.header, response_code::kRequestCodeNotSupported,
                           "scripted broker");
    }
  }

  Command push_reply(const Request& request) {
    const auto session = groups_.producer_session_of(asker_of(request.header));
    if (session) answer(*session, make_reply_push(request.header, request.body));
    return make_reply_answer(request.header, session.has_value());
  }

  Command heartbeat(std::uint64_t session, const Request& request) {
    const std::set<std::string> changed = groups_.heartbeat(session, request.body);
    if (request.body.find("CONSUME_PASSIVELY") != std::string::npos) {
      for (const std::string& group : changed)
        store_.create_topic("%RETRY%" + group, 1, options_.brokers);
    }
    notify(changed);
    return make_answer(request.header, 0);
  }

  Command consumer_list(const Request& request) {
    const auto members = groups_.members(request.text("consumerGroup"));
    if (members.empty()) {
      return make_answer(request.header, response_code::kSystemError, "no consumer for this group");
    }
    Command done = make_answer(request.header, 0);
    JsonWriter json(done.body);
    json.begin_object().key("consumerIdList").begin_array();
    for (const std::string& member : members) json.string(member);
    json.end_array().end_object();
    return done;
  }

  Command send_back(const Request& request) {
    const StoredRecord* stored = store_.at(request.number("offset"));
    if (stored == nullptr)
      return make_answer(request.header, response_code::kSystemError, "look message failed");
    const std::string bytes = stored->bytes;
    const RecordView record = *decode_record(as_bytes(bytes));
    const std::string group = request.text("group");
    const bool dead = request.number("delayLevel") < 0 ||
                      record.reconsume_times >= request.number("maxReconsumeTimes");
    const MessageQueue queue{(dead ? "%DLQ%" : "%RETRY%") + group, broker_of(request), 0};
    store_.create_topic(queue.topic, 1, options_.brokers);
    std::string properties(record.properties);
    if (!find_property(properties, property::kRetryTopic)) {
      properties.append(property::kRetryTopic).append("\x01");
      properties.append(record.topic).append("\x02");
    }
    store_.append_again(queue, record, properties, now_ms());
    dispatch(queue);
    return make_answer(request.header, 0);
  }

  Command end_transaction(const Request& request) {
    const std::int64_t physical = request.number("commitLogOffset");
    const StoredRecord* stored = store_.at(physical);
    const std::string bytes = stored == nullptr ? std::string() : stored->bytes;
    const auto record = decode_record(as_bytes(bytes));
    if (!record.ok() || record->topic != kHalfTopic ||
        record->queue_offset != request.number("tranStateTableOffset")) {
      return make_answer(request.header, response_code::kSystemError,
                         "Find prepared transaction message failed");
    }
    if (find_property(record->properties, property::kProducerGroup) !=
        request.text("producerGroup")) {
      return make_answer(request.header, response_code::kSystemError, "The producer group wrong");
    }
    half_open_.erase(physical);
    if (request.number("commitOrRollback") != 8) return make_answer(request.header, 0);
    const MessageQueue queue{
        std::string(find_property(record->properties, property::kRealTopic).value_or("")),
        broker_of(request),
        std::atoi(
            std::string(find_property(record->properties, property::kRealQueueId).value_or("0"))
                .c_str())};
    store_.append(queue, {.body = as_text(record->body),
                          .properties = record->properties,
                          .flag = record->flag,
                          .sys_flag = 8,
                          .born_ms = record->born_ms,
                          .store_ms = now_ms()});
    dispatch(queue);
    return make_answer(request.header, 0);
  }

  const std::string& broker_of(const Request& request) const {
    return options_.brokers[std::max<std::size_t>(request.port, 1) - 1];
  }
  MessageQueue queue_name(const Request& request) const {
    const bool logical = statics_.covers(request.header);
    return {request.text("topic"), logical ? std::string(kLogicalBroker) : broker_of(request),
            static_cast<std::int32_t>(request.number("queueId"))};
  }
  bool beyond_topic(const MessageQueue& queue) const {
    const auto topic = store_.topics.find(queue.topic);
    return topic != store_.topics.end() && queue.id >= topic->second;
  }
  StoredQueue* queue_of(const Request& request) { return store_.find(queue_name(request)); }

  Command offset_answer(const Request& request, std::int64_t offset) {
    Command done = make_answer(request.header, 0);
    done.header.ext.add_number("offset", offset);
    return done;
  }

  Command route(const Request& request) {
    const auto topic = store_.topics.find(request.text("topic"));
    const std::vector<RegisteredBroker> brokers = registered();
    if (topic == store_.topics.end() || brokers.empty())
      return make_answer(request.header, response_code::kTopicNotExist, "no topic route");
    Command done = make_answer(request.header, 0);
    JsonWriter json(done.body);
    json.begin_object();
    write_route(brokers, topic->second, json);
    if (statics_.has(topic->first)) statics_.write(topic->first, json);
    json.end_object();
    return done;
  }
  Command cluster(const Request& request) {
    Command done = make_answer(request.header, 0);
    JsonWriter json(done.body);
    write_cluster(registered(), json);
    return done;
  }
  std::vector<RegisteredBroker> registered() const {
    std::vector<RegisteredBroker> brokers;
    for (std::size_t i = 0; i < options_.brokers.size(); ++i) {
      const std::string& name = options_.brokers[i];
      if (unregistered_.contains(name)) continue;
      if (!is_slave(i)) brokers.push_back({name, {}});
      for (RegisteredBroker& each : brokers) {
        if (each.name == name) each.addresses.push_back(address(i + 1));
      }
    }
    return brokers;
  }
  std::string address(std::size_t port) const {
    return "127.0.0.1:" + std::to_string(ports_[port].number);
  }

  Command delete_topic(const Request& request) {
    const std::string topic = request.text("topic");
    if (request.port == kNameServer) store_.topics.erase(topic);
    std::erase_if(store_.queues, [&](const auto& each) {
      return each.first.topic == topic && each.first.broker == broker_of(request);
    });
    return make_answer(request.header, 0);
  }

  Command send(const Request& request, bool batch) {
    MessageQueue queue{request.text("b"), broker_of(request),
                       static_cast<std::int32_t>(request.number("e"))};
    if (store_.find(queue) == nullptr) {
      return make_answer(request.header, response_code::kTopicNotExist,
                         "topic[" + queue.topic + "] not exist");
    }
    if (beyond_topic(queue)) {
      return make_answer(request.header, response_code::kSystemError,
                         "request queueId[" + std::to_string(queue.id) + "] is illegal");
    }
    NewMessage message{.body = request.body,
                       .properties = {},
                       .flag = static_cast<std::int32_t>(request.number("h")),
                       .sys_flag = static_cast<std::int32_t>(request.number("f")),
                       .born_ms = request.number("g"),
                       .store_ms = now_ms()};
    std::string properties = request.text("i");
    const bool half = find_property(properties, property::kTransactionPrepared).has_value();
    if (half) {
      properties.append(property::kRealTopic).append("\x01").append(queue.topic).append("\x02");
      properties.append(property::kRealQueueId).append("\x01");
      properties.append(std::to_string(queue.id)).append("\x02");
      queue = {kHalfTopic, queue.broker, 0};
    }
    std::int64_t first = -1;
    std::string ids;
    const auto store_one = [&] {
      const std::int64_t offset = store_.append(queue, message);
      if (first < 0) first = offset;
      const std::uint8_t ip[4] = {127, 0, 0, 1};
      ids += (ids.empty() ? "" : ",") +
             encode_offset_message_id(ip, 10911,
                                      static_cast<std::uint64_t>(store_.last_physical_offset()));
    };
    if (batch) {
      std::span<const std::uint8_t> rest = as_bytes(request.body);
      while (!rest.empty()) {
        const auto entry = decode_batch_entry(rest);
        if (!entry.ok())
          return make_answer(request.header, response_code::kMessageIllegal, entry.error().message);
        message.body = as_text(entry->body);
        message.properties = entry->properties;
        message.flag = entry->flag;
        store_one();
      }
    } else {
      message.properties = properties;
      store_one();
      if (half) half_open_.insert(store_.last_physical_offset());
    }
    dispatch(queue);
    Command done = make_answer(request.header, 0);
    done.header.ext.add("msgId", ids);
    if (!options_.region.empty()) done.header.ext.add(property::kRegion, options_.region);
    if (!options_.trace_on) done.header.ext.add(property::kTraceOn, "false");
    done.header.ext.add_number("queueId", queue.id);
    done.header.ext.add_number("queueOffset", first);
    return done;
  }

  void run_parked(std::uint64_t id, std::uint64_t session, const Request& request, bool timed_out) {
    const bool logical = statics_.covers(request.header);
    const auto done = logical ? serve_logical(session, request, !timed_out, id)
                              : pull(session, request, !timed_out, id);
    if (done) answer(session, *done);
  }

  void park(std::uint64_t session, const Request& request, std::optional<std::uint64_t> known) {
    const std::uint64_t id = known.value_or(++last_parked_);
    parked_[id] = Parked{session, request, queue_name(request)};
    if (known) return;
    loop_.run_after(request.number("suspendTimeoutMillis"), [this, id] {
      const auto parked = parked_.find(id);
      if (parked == parked_.end()) return;
      const Parked each = std::move(parked->second);
      parked_.erase(parked);
      run_parked(id, each.session, each.request, true);
    });
  }

  std::optional<Command> serve_logical(std::uint64_t session, const Request& request, bool may_park,
                                       std::optional<std::uint64_t> known = {}) {
    auto done = statics_.answer(request.header, broker_of(request),
                                [&](const std::string& broker, const FrameHeader& physical) {
                                  std::size_t port = 1;
                                  while (options_.brokers[port - 1] != broker) ++port;
                                  return execute(session, Request{physical, request.body, port});
                                });
    const bool suspend = (request.number("sysFlag") & 2) != 0;
    if (!done || done->header.code != response_code::kPullNotFound || !suspend || !may_park)
      return done;
    park(session, request, known);
    return std::nullopt;
  }

  std::optional<Command> pull(std::uint64_t session, const Request& request, bool may_park,
                              std::optional<std::uint64_t> known = {}) {
    const StoredQueue* queue = queue_of(request);
    if (queue == nullptr)
      return make_answer(request.header, response_code::kTopicNotExist, "topic not exist");
    if (beyond_topic(queue_name(request))) {
      return make_answer(request.header, response_code::kSystemError,
                         "queueId[" + request.text("queueId") + "] is illegal, topic:[" +
                             request.text("topic") + "]");
    }
    const std::int64_t offset = request.number("queueOffset");
    const std::int64_t end = store_.visible_end(*queue);
    Command done = make_answer(request.header, 0);
    std::int64_t next = offset;
    if (offset < queue->min_offset || offset > end) {
      done.header.code = response_code::kPullOffsetMoved;
      next = offset < queue->min_offset ? queue->min_offset : end;
    } else if (offset == end) {
      done.header.code = response_code::kPullNotFound;
    } else {
      next = fill(request, *queue, done.body);
      if (done.body.empty()) done.header.code = response_code::kPullRetryImmediately;
    }
    const bool suspend = (request.number("sysFlag") & 2) != 0;
    if (done.header.code == response_code::kPullNotFound && suspend && may_park) {
      park(session, request, known);
      return std::nullopt;
    }
    done.header.ext.add_number("nextBeginOffset", next);
    done.header.ext.add_number("minOffset", queue->min_offset);
    done.header.ext.add_number("maxOffset", end);
    done.header.ext.add_number("suggestWhichBrokerId", 0);
    return done;
  }

  std::int64_t fill(const Request& request, const StoredQueue& queue, std::string& body) const {
    ReadLimits limits{.records_max = std::min<std::int64_t>(request.number("maxMsgNums"),
                                                            options_.pull_count_max),
                      .bytes_max = options_.pull_bytes_max};
    const bool tags = request.text("expressionType") != "SQL92";
    for (const std::string& tag :
         tags ? parse_tag_expression(request.text("subscription")) : std::vector<std::string>())
      limits.tag_hashes.push_back(tag_hash(tag));
    return store_.read(queue, request.number("queueOffset"), limits, body);
  }

  Command search(const Request& request) {
    const StoredQueue* queue = queue_of(request);
    if (queue == nullptr) return offset_answer(request, 0);
    std::int64_t offset = queue->min_offset;
    while (offset < queue->max_offset() && queue->at(offset).store_ms < request.number("timestamp"))
      ++offset;
    if (options_.last_for_later_times && offset == queue->max_offset() && !queue->records.empty())
      --offset;
    return offset_answer(request, offset);
  }

  Command query_group(const Request& request) {
    const auto found =
        store_.group_offsets.find({request.text("consumerGroup"), queue_name(request)});
    if (found == store_.group_offsets.end())
      return make_answer(request.header, response_code::kQueryNotFound, "not found");
    return offset_answer(request, found->second);
  }

  const ScriptedBrokerOptions options_;
  const SystemClock clock_{};
  std::vector<Port> ports_;
  BrokerStore store_;
  OperatorRequests operators_{store_};
  StaticTopics statics_{store_};
  PopTable pops_{
      store_,
      clock_,
      {.send = [this](std::uint64_t session, const Command& command) { answer(session, command); },
       .run_after =
           [this](std::int64_t delay_ms, std::function<void()> work) {
             loop_.run_after(delay_ms, std::move(work));
           }}};
  std::map<std::int32_t, std::size_t> seen_;
  std::map<std::int32_t, FrameHeader> last_headers_;  // by code
  std::string last_heartbeat_;
  GroupTable groups_;
  std::set<std::int64_t> half_open_;    // half messages that were not ended, by physical offset
  std::set<std::string> unregistered_;  // brokers that the name server does not know now
  std::map<std::int32_t, std::size_t> answers_;
  std::map<std::int32_t, std::deque<Fault>> faults_;
  Disturbance disturbance_;
  std::int64_t dispatch_lag_ms_ = 0;
  std::optional<Credentials> required_;
  std::map<std::uint64_t, Parked> parked_;
  std::uint64_t last_parked_ = 0;
  std::uint64_t last_session_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  io::EventLoop loop_;
};

ScriptedBroker::ScriptedBroker(ScriptedBrokerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
ScriptedBroker::~ScriptedBroker() = default;

std::string ScriptedBroker::name_server() const {
  return "127.0.0.1:" + std::to_string(impl_->port_number(kNameServer));
}

void ScriptedBroker::create_topic(const std::string& topic, std::int32_t queues) {
  impl_->do_on_loop([&] { impl_->store().create_topic(topic, queues, impl_->options().brokers); });
}

void ScriptedBroker::create_static_topic(const std::string& topic, std::int32_t queues) {
  impl_->do_on_loop([&] {
    impl_->set_store_hosts();
    impl_->statics().create(topic, queues, impl_->options().brokers);
  });
}

void ScriptedBroker::move_queue(const MessageQueue& queue, const std::string& broker,
                                std::int64_t offset, std::int64_t unseen) {
  impl_->do_on_loop([&] { impl_->statics().move(queue.topic, queue.id, broker, offset, unseen); });
}

MessageQueue ScriptedBroker::part_of(const MessageQueue& queue) const {
  return impl_->on_loop([&] { return impl_->statics().last_part(queue); });
}

void ScriptedBroker::shrink_topic(const std::string& topic, std::int32_t queues) {
  impl_->do_on_loop([&] { impl_->store().topics[topic] = queues; });
}

std::int64_t ScriptedBroker::append(const MessageQueue& queue, std::string_view body,
                                    std::string_view properties, std::int64_t store_ms) {
  return append_stored(
      queue, {.body = body, .properties = properties, .born_ms = store_ms, .store_ms = store_ms});
}

std::int64_t ScriptedBroker::append_stored(const MessageQueue& queue, NewMessage message) {
  return impl_->on_loop([&] {
    if (message.store_ms == 0) message.born_ms = message.store_ms = impl_->now_ms();
    const std::int64_t offset = impl_->store().append(queue, message);
    impl_->dispatch(queue);
    return offset;
  });
}

std::int64_t ScriptedBroker::min_offset(const MessageQueue& queue) const {
  return impl_->on_loop([&] { return impl_->store().queues[queue].min_offset; });
}
std::int64_t ScriptedBroker::max_offset(const MessageQueue& queue) const {
  return impl_->on_loop([&] { return impl_->store().queues[queue].max_offset(); });
}

std::vector<ReceivedMessage> ScriptedBroker::messages(const MessageQueue& queue) const {
  return impl_->on_loop([&] {
    std::vector<ReceivedMessage> all;
    for (const StoredRecord& record : impl_->store().queues[queue].records) {
      const auto view = decode_record(as_bytes(record.bytes));
      CHECK(view.ok());
      auto message = to_received_message(*view, queue.broker);
      CHECK(message.ok());
      all.push_back(std::move(*message));
    }
    return all;
  });
}

void ScriptedBroker::expire(const MessageQueue& queue, std::int64_t min_offset) {
  impl_->do_on_loop([&] {
    StoredQueue& stored = impl_->store().queues[queue];
    while (stored.min_offset < min_offset && !stored.records.empty()) {
      stored.records.pop_front();
      ++stored.min_offset;
    }
  });
}

void ScriptedBroker::damage_body(const MessageQueue& queue, std::int64_t offset) {
  impl_->do_on_loop([&] { impl_->store().damage_body(queue, offset); });
}

void ScriptedBroker::lose_tail(const MessageQueue& queue, std::int64_t max_offset) {
  impl_->do_on_loop([&] {
    StoredQueue& stored = impl_->store().queues[queue];
    while (stored.max_offset() > max_offset) stored.records.pop_back();
  });
}

std::int64_t ScriptedBroker::group_offset(const std::string& group,
                                          const MessageQueue& queue) const {
  return impl_->on_loop([&]() -> std::int64_t {
    const MessageQueue place = impl_->statics().first_part(queue);
    const auto found = impl_->store().group_offsets.find({group, place});
    return found == impl_->store().group_offsets.end() ? -1 : found->second;
  });
}

void ScriptedBroker::set_group_offset(const std::string& group, const MessageQueue& queue,
                                      std::int64_t offset) {
  impl_->do_on_loop([&] { impl_->store().group_offsets[{group, queue}] = offset; });
}

void ScriptedBroker::inject(RequestCode code, Fault fault, int count) {
  impl_->do_on_loop([&] {
    for (int i = 0; i < count; ++i)
      impl_->faults()[static_cast<std::int32_t>(code)].push_back(fault);
  });
}

void ScriptedBroker::with_pops(const std::function<void(PopTable&)>& use) const {
  impl_->do_on_loop([&] { use(impl_->pops()); });
}

void ScriptedBroker::set_dispatch_lag(std::int64_t lag_ms) {
  impl_->do_on_loop([&] { impl_->set_dispatch_lag(lag_ms); });
}

void ScriptedBroker::set_answer(RequestCode code, std::string body) {
  set_answers(code, {std::move(body)});
}
void ScriptedBroker::set_answers(RequestCode code, std::deque<std::string> bodies) {
  impl_->do_on_loop([&] { impl_->operators().set_answers(code, std::move(bodies)); });
}

void ScriptedBroker::disturb(Disturbance disturbance) {
  impl_->do_on_loop([&] { impl_->disturbance() = std::move(disturbance); });
}

std::size_t ScriptedBroker::requests_seen(RequestCode code) const {
  return impl_->on_loop([&] { return impl_->seen()[static_cast<std::int32_t>(code)]; });
}
std::string ScriptedBroker::last_field(RequestCode code, std::string_view field) const {
  return impl_->on_loop([&] { return impl_->last_field(static_cast<std::int32_t>(code), field); });
}
std::string ScriptedBroker::last_heartbeat() const {
  return impl_->on_loop([&] { return impl_->last_heartbeat(); });
}
std::size_t ScriptedBroker::parked_pulls(std::int64_t from_offset) const {
  return static_cast<std::size_t>(impl_->on_loop([&] { return impl_->parked(from_offset); }));
}

std::size_t ScriptedBroker::check_transactions() {
  return impl_->on_loop([&] { return impl_->check_transactions(); });
}
std::size_t ScriptedBroker::half_messages_open() const {
  return impl_->on_loop([&] { return impl_->half_open(); });
}
void ScriptedBroker::reset_members(const std::string& group, const MessageQueue& queue,
                                   std::int64_t offset) {
  impl_->do_on_loop([&] { impl_->reset_members(group, queue, offset); });
}
void ScriptedBroker::add_member(const std::string& group, const std::string& client_id) {
  impl_->do_on_loop([&] {
    impl_->groups().add_member(group, client_id);
    impl_->notify({group});
  });
}
void ScriptedBroker::remove_member(const std::string& group, const std::string& client_id) {
  impl_->do_on_loop([&] {
    impl_->groups().remove_member(group, client_id);
    impl_->notify({group});
  });
}
std::vector<std::string> ScriptedBroker::members(const std::string& group) const {
  return impl_->on_loop([&] {
    const auto members = impl_->groups().members(group);
    return std::vector<std::string>(members.begin(), members.end());
  });
}
std::string ScriptedBroker::lock_holder(const std::string& group, const MessageQueue& queue) const {
  return impl_->on_loop([&] { return impl_->groups().holder(group, queue); });
}
void ScriptedBroker::set_lock_holder(const std::string& group, const MessageQueue& queue,
                                     const std::string& client_id) {
  impl_->do_on_loop([&] { impl_->groups().set_holder(group, queue, client_id); });
}

void ScriptedBroker::require(std::optional<Credentials> credentials) {
  impl_->do_on_loop([&] { impl_->required() = credentials; });
}

void ScriptedBroker::set_brokers_up(bool up) {
  impl_->do_on_loop([&] {
    for (std::size_t port = 1; port <= impl_->options().brokers.size(); ++port) {
      if (!impl_->is_slave(port - 1)) up ? impl_->open(port) : impl_->close(port);
    }
  });
}
void ScriptedBroker::set_name_server_up(bool up) {
  impl_->do_on_loop([&] { up ? impl_->open(kNameServer) : impl_->close(kNameServer); });
}

void ScriptedBroker::set_registered(const std::string& broker, bool registered) {
  impl_->do_on_loop([&] {
    if (registered)
      impl_->unregistered().erase(broker);
    else
      impl_->unregistered().insert(broker);
  });
}

void ScriptedBroker::ask_clients(std::int32_t code) {
  impl_->do_on_loop([&] { impl_->ask_clients(code); });
}
std::size_t ScriptedBroker::client_answers(std::int32_t code) const {
  return impl_->on_loop([&] { return impl_->answers()[code]; });
}

}  // namespace slipstream::rocketmq::testing
