#include "rocketmq/client/queue_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/log_limit.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/codes.h"
#include "rocketmq/protocol/requests.h"

namespace slipstream::rocketmq::internal {
namespace {

constexpr std::int64_t kRouteAgeMs = 5'000;
constexpr std::int64_t kBusyWaitMs = 200;
constexpr std::int64_t kTroubleWaitMs = 2'000;
constexpr std::int64_t kNoProgressWaitMs = 20;
// For so long an answer like "no such topic" may come from a server that does not know everything
// yet.
constexpr std::int64_t kRefusalPatienceMs = 60'000;
// A logical queue may move: its former broker tells so when a long poll ends.
constexpr std::int64_t kLogicalSuspendMs = 2'000;
constexpr std::size_t kPullBytesMin = 4'096;
// A queue has left its topic when so many routes, fetched one after another, say so.
constexpr int kAbsentRoutes = 3;
// So many pulls that got no answer, one after another, and a master counts as away.
constexpr int kMasterFailures = 2;
constexpr std::int64_t kLookForMasterMs = 1'000;

bool has_filter(const std::string& tags) { return !tags.empty() && tags != "*"; }

PullConcurrencyLimits pull_limits(int pulls_per_queue, bool filtered) {
  if (filtered) return PullConcurrencyLimits::fixed(1);
  if (pulls_per_queue <= 0) return {};
  return PullConcurrencyLimits::fixed(std::min(pulls_per_queue, PullConcurrencyLimits{}.most));
}

// The broker that served a logical queue before said where its part ends before it had indexed all
// that it stored: it gives records behind that end, again and again. Each is read once.
void pass_records(PullAnswer& pull, BodyBytes records) {
  while (!records.empty()) {
    const auto record = decode_record(records);
    if (!record.ok()) break;
    pull.next_offset = std::max(pull.next_offset, record->queue_offset + pull.offset_delta + 1);
    records = records.subspan(static_cast<std::size_t>(record->total_size));
  }
  pull.max_offset = std::max(pull.max_offset, pull.next_offset);
}

}  // namespace

QueueReader::QueueReader(ClientCore& core, const ConsumerOptions& options, ReaderHost& host,
                         std::uint64_t id, MessageQueue queue, std::uint64_t tag)
    : core_(core),
      options_(options),
      host_(&host),
      id_(id),
      queue_(std::make_shared<const MessageQueue>(std::move(queue))),
      served_(*queue_),
      tag_(tag),
      filtered_(has_filter(options.tags) || !options.sql.empty()),
      window_({.pulls = pull_limits(options.pulls_per_queue_max, filtered_),
               .messages_max = std::max(options.messages_per_pull_max, 1)}),
      retry_({.first_wait_ms = 50, .wait_ms_max = kTroubleWaitMs}, core.clock(), {}, id) {}

void QueueReader::start(StartPosition start) {
  start_ = start;
  if (start.kind == StartPosition::Kind::kOffset) {
    start_at(start.value);
    seen_ = start.last_read;
    seen_before_ = seen_.has_value();
  }
  pump();
}

void QueueReader::stop() {
  if (host_ == nullptr) return;
  host_->release(std::exchange(accounted_, 0) + std::exchange(reserved_, 0));
  host_ = nullptr;
  core_.loop().cancel(std::exchange(timer_, io::TimerId::kNone));
  core_.loop().cancel(std::exchange(master_timer_, io::TimerId::kNone));
}

void QueueReader::set_paused(bool paused) {
  paused_ = paused;
  pump();
}

void QueueReader::start_at(std::int64_t offset) {
  started_ = true;
  window_.reset(offset);
  account();
  host_->note(id_,
              {.position = offset, .max_offset = -1, .empty_at = {}, .asked_ms = 0, .trouble = {}});
}

void QueueReader::pump() {
  while (host_ != nullptr && !paused_ && !asking_ && timer_ == io::TimerId::kNone) {
    if (!resolve()) return;
    if (!started_) return find_start();
    if (left_topic()) return wait(kRouteAgeMs);
    if (seen_before_) return compare_topic(seen_->offset);
    if (was_gone_) return compare_topic(0);
    if (!host_->reserve(id_, pull_bytes_, window_.front_is_blocking())) return;
    const auto pull = window_.plan();
    if (!pull) return host_->release(pull_bytes_);
    std::size_t reserved = pull_bytes_;
    if (pull->suspend && reserved > kParkedPullBytes) {
      host_->release(reserved - kParkedPullBytes);
      reserved = kParkedPullBytes;
    }
    send(*pull, reserved);
  }
}

bool QueueReader::has_more() const {
  return host_ != nullptr && started_ && !paused_ && timer_ == io::TimerId::kNone &&
         !window_.at_end();
}

// --- where to pull ---

bool QueueReader::resolve() {
  if (resolving_) return false;
  if (!address_.empty() && core_.clock().now_ms() - resolved_ms_ < kRouteAgeMs) return true;
  resolving_ = true;
  // May answer at once.
  const std::int64_t age_max_ms = address_.empty() ? 200 : kRouteAgeMs;
  core_.route(queue_->topic, age_max_ms, [self = shared_from_this()](const Result<Route>& route) {
    self->resolving_ = false;
    if (self->host_ != nullptr) self->route_arrived(route);
  });
  return !resolving_ && !address_.empty() && timer_ == io::TimerId::kNone;
}

void QueueReader::route_arrived(const Result<Route>& route) {
  resolved_ms_ = core_.clock().now_ms();
  if (!route.ok()) {
    address_.clear();
    if (route.error().code == ErrorCode::kNotFound) {
      topic_is_gone();
      if (refused_since_ms_ < 0) refused_since_ms_ = resolved_ms_;
      if (!left_topic() && resolved_ms_ - refused_since_ms_ > options_.topic_deleted_ms) {
        if (!options_.deleted_topics_leave) return fail(route.error(), window_.position());
        absent_routes_ = kAbsentRoutes;
        topic_deleted_ = true;
        leave_topic("which does not exist any more");
      }
    }
    return trouble(route.error(), kTroubleWaitMs);
  }
  const BrokerData* broker = (*route)->serving(*queue_);
  const std::string* address = broker == nullptr ? nullptr : choose_address(*broker);
  if (address == nullptr) {
    address_.clear();
    master_.clear();
    const std::string name =
        is_logical(*queue_) ? "that serves the queue" : "'" + queue_->broker + "'";
    return trouble(
        Error::retry(ErrorCode::kUnavailable, "broker " + name + " is not in the route now"),
        kTroubleWaitMs);
  }
  served_.broker = broker->name;
  pull_from(*broker, *address);
  count_absence(*route);
  // When the route did not answer at once, somebody has to go on.
  core_.loop().post([self = shared_from_this()] { self->pump(); });
}

// The topic was shrunk: its broker is there and does not serve the queue. A queue whose broker is
// away is still one of the topic.
void QueueReader::count_absence(const Route& route) {
  if (route == counted_route_) return;
  counted_route_ = route;
  const bool left_before = left_topic();
  const QueueData* queues = nullptr;
  for (const QueueData& each : route->queues) {
    if (each.broker == queue_->broker) queues = &each;
  }
  const bool absent = queues != nullptr && !master_.empty() && queue_->id >= queues->read_queues;
  absent_routes_ = absent ? absent_routes_ + 1 : 0;
  topic_deleted_ = false;
  if (left_topic() == left_before) return;
  if (left_topic()) {
    leave_topic("which has " + std::to_string(queues->read_queues) + " queues to read there now");
  } else {
    log(LogLevel::kInfo, "rocketmq",
        "queue " + queue_->to_string() + " is back in its topic" +
            (was_gone_ ? std::string()
                       : "; reading goes on at offset " + std::to_string(window_.position())));
    host_->note(id_, {.position = {},
                      .max_offset = -1,
                      .empty_at = {},
                      .asked_ms = 0,
                      .trouble = std::string(),
                      .left_topic = false});
  }
}

void QueueReader::leave_topic(const std::string& why) {
  log(LogLevel::kWarn, "rocketmq",
      "queue " + queue_->to_string() + " has left its topic, " + why +
          "; nobody waits for it, and reading goes on at offset " +
          std::to_string(window_.position()) +
          (was_gone_ ? " when the same topic is back" : " when it is back"));
  in_trouble_ = false;
  refused_since_ms_ = -1;
  report_left_topic();
}

bool QueueReader::left_topic() const { return absent_routes_ >= kAbsentRoutes; }

void QueueReader::report_left_topic() {
  host_->note(id_, {.position = {},
                    .max_offset = -1,
                    .empty_at = window_.position(),
                    .asked_ms = core_.clock().now_ms(),
                    .trouble = "it has left its topic",
                    .left_topic = true,
                    .topic_deleted = topic_deleted_});
}

const std::string* QueueReader::choose_address(const BrokerData& broker) const {
  const std::string* master = broker.master();
  if (master == nullptr || master_away_) {
    std::vector<const std::string*> slaves;
    for (const BrokerAddress& each : broker.addresses) {
      if (each.id != 0) slaves.push_back(&each.address);
    }
    if (!slaves.empty()) return slaves[slave_turn_ % slaves.size()];
  }
  const std::string* wanted = broker.address(wanted_broker_);
  return wanted != nullptr ? wanted : master;
}

void QueueReader::pull_from(const BrokerData& broker, const std::string& address) {
  address_ = address;
  if (address_ != known_distance_) {
    known_distance_ = address_;
    window_.forget_distance();
  }
  const std::string* master = broker.master();
  master_ = master == nullptr ? std::string() : *master;
  pulls_from_master_ = !broker.acting_master && address_ == master_;
  const bool stands_in = address_ != master_ && (master_.empty() || master_away_);
  if (stands_in) look_for_master();
  if (std::exchange(stands_in_, stands_in) == stands_in) return;
  const std::string key = "slave of broker " + queue_->broker;
  const std::string reading = "reading " + queue_->to_string() + " ";
  if (stands_in) {
    LogLimit::of_process().log(LogLevel::kWarn, "rocketmq", key,
                               reading + "from slave " + address_ + " while its master is away");
    return;
  }
  LogLimit::of_process().forget(key);
  LogLimit::of_process().log(LogLevel::kInfo, "rocketmq", "master of broker " + queue_->broker,
                             reading + "from its master again");
  window_.pull_front_again();
}

// --- while a master is away ---

void QueueReader::count_master_failure() {
  // All pulls under way fail together: that is one failure.
  if (timer_ == io::TimerId::kNone && ++master_failures_ >= kMasterFailures) master_away_ = true;
}

void QueueReader::look_for_master() {
  if (master_timer_ != io::TimerId::kNone) return;
  master_timer_ = core_.loop().run_after(kLookForMasterMs, [self = shared_from_this()] {
    self->master_timer_ = io::TimerId::kNone;
    self->ask_for_master();
  });
}

void QueueReader::ask_for_master() {
  if (!stands_in_) return;
  if (master_.empty()) {  // only a route can tell
    look_for_master();
    resolved_ms_ = 0;
    return pump();
  }
  core_.call(master_, ChannelRole::kControl, encode_max_offset(served_), nullptr,
             core_.options().call_timeout_ms,
             [self = shared_from_this()](const CallOutcome& outcome) {
               if (self->host_ == nullptr || !self->stands_in_) return;
               const bool back = outcome.answer.ok() &&
                                 parse_offset(RequestCode::kMaxOffset, outcome.answer->header).ok();
               if (!back) return self->look_for_master();
               self->master_away_ = false;
               self->master_failures_ = 0;
               self->resolved_ms_ = 0;
               self->pump();
             });
}

// --- where to begin ---

void QueueReader::find_start() {
  asking_ = true;
  Command command;
  switch (start_.kind) {
    case StartPosition::Kind::kEarliest:
      command = encode_min_offset(served_);
      break;
    case StartPosition::Kind::kTimestamp:
      command = encode_search_offset(served_, start_.value);
      break;
    default:
      command = encode_max_offset(served_);
      break;
  }
  ask_master(std::move(command), [this](std::int64_t offset) {
    asking_ = false;
    fine();
    start_at(std::max<std::int64_t>(offset, 0));
    pump();
  });
}

void QueueReader::ask_master(Command command, std::function<void(std::int64_t)> done) {
  if (master_.empty()) {
    asking_ = false;
    return trouble(
        Error::retry(ErrorCode::kUnavailable, "broker '" + served_.broker + "' has no master now"),
        kTroubleWaitMs);
  }
  const auto code = static_cast<RequestCode>(command.header.code);
  core_.call(master_, ChannelRole::kControl, std::move(command), nullptr,
             core_.options().call_timeout_ms,
             [self = shared_from_this(), code, done = std::move(done)](CallOutcome outcome) {
               if (self->host_ == nullptr) return;
               Result<std::int64_t> offset = outcome.answer.ok()
                                                 ? parse_offset(code, outcome.answer->header)
                                                 : Result<std::int64_t>(outcome.answer.error());
               if (offset.ok()) return done(*offset);
               self->asking_ = false;
               if (self->is_final(offset.error()))
                 return self->fail(offset.error(), self->window_.position());
               self->address_.clear();
               self->trouble(offset.error(), kTroubleWaitMs);
             });
}

// --- pulls and their answers ---

void QueueReader::send(const PlannedPull& pull, std::size_t reserved) {
  reserved_ += reserved;
  const std::int64_t suspend_ms_max =
      is_logical(*queue_) ? std::min(options_.suspend_ms, kLogicalSuspendMs) : options_.suspend_ms;
  const std::int64_t suspend_ms = pull.suspend ? suspend_ms_max : 0;
  const std::string expression = !filtered_             ? "*"
                                 : options_.sql.empty() ? options_.tags
                                                        : options_.sql;
  Command command = encode_pull(PullRequest{.group = options_.group,
                                            .queue = served_,
                                            .offset = pull.offset,
                                            .messages_max = pull.messages_max,
                                            .suspend_ms = static_cast<std::int32_t>(suspend_ms),
                                            .expression = expression,
                                            .sql92 = !options_.sql.empty(),
                                            .subscription_version = 0});
  const Sent sent{.id = pull.id,
                  .offset = pull.offset,
                  .reserved = reserved,
                  .requested_ms = core_.clock().now_ms(),
                  .requested_ns = core_.clock().now_ns(),
                  .suspend = pull.suspend,
                  .from_master = pulls_from_master_,
                  .from_slave = address_ != master_};
  core_.call(address_, ChannelRole::kPull, std::move(command), nullptr,
             std::max(options_.call_timeout_ms, suspend_ms + 5'000),
             [self = shared_from_this(), sent](CallOutcome outcome) {
               self->answered(sent, std::move(outcome));
             });
}

void QueueReader::answered(const Sent& sent, CallOutcome outcome) {
  if (host_ == nullptr) return;
  host_->release(sent.reserved);
  reserved_ -= sent.reserved;
  if (window_.knows(sent.id)) {
    if (!outcome.answer.ok()) {
      window_.failed(sent.id);
      if (is_final(outcome.answer.error())) return fail(outcome.answer.error(), sent.offset);
      if (sent.from_slave)
        ++slave_turn_;
      else
        count_master_failure();
      address_.clear();
      wanted_broker_ = 0;
      trouble(outcome.answer.error(), kTroubleWaitMs);
    } else {
      const Answer& answer = *outcome.answer;
      if (!sent.from_slave) {
        master_away_ = false;
        master_failures_ = 0;
      }
      auto pull = parse_pull(answer.header);
      if (pull.ok()) {
        if (is_logical(*queue_) && pull->status == PullStatus::kFound)
          pass_records(*pull, answer.body());
        pulled(sent, *pull, answer);
      } else {
        window_.failed(sent.id);
        refused(sent.offset, answer.header.code, answer.header.remark, sent.from_slave);
      }
    }
  }
  pump();
}

void QueueReader::pulled(const Sent& sent, const PullAnswer& pull, const Answer& answer) {
  if (pull.suggested_broker != wanted_broker_) {
    wanted_broker_ = pull.suggested_broker;
    resolved_ms_ = 0;
  }
  const bool front = window_.is_front(sent.id);
  if (pull.status == PullStatus::kOffsetMoved) {
    if (front) {
      window_.failed(sent.id);
      return out_of_range(sent.offset);
    }
    return window_.drop_from(sent.id);
  }
  if (front || pull.status == PullStatus::kFound) fine();
  if (pull.status == PullStatus::kFound) {
    pull_bytes_ = std::max(kPullBytesMin, (pull_bytes_ * 3 + answer.body().size()) / 4);
    const auto first = decode_record(answer.body());
    if (first.ok()) seen_ = ReadMessage{first->queue_offset + pull.offset_delta, first->store_ms};
    window_.found(sent.id,
                  PulledFrame{.queue = queue_,
                              .tag = tag_,
                              .begin_offset = sent.offset,
                              .next_offset = pull.next_offset,
                              .min_offset = pull.min_offset,
                              .max_offset = pull.max_offset,
                              .offset_delta = pull.offset_delta,
                              .records = answer.body(),
                              .owner = answer.frame.buffer,
                              .requested_ms = sent.requested_ms,
                              .received_ms = core_.clock().now_ms()},
                  core_.clock().now_ns() - sent.requested_ns);
    take_frames();
    if (sent.from_master && pull.next_offset == pull.max_offset) {
      host_->note(id_, {.position = {},
                        .max_offset = pull.max_offset,
                        .empty_at = pull.next_offset,
                        .asked_ms = sent.requested_ms,
                        .trouble = {}});
    }
    return;
  }
  if (!front) return window_.drop_from(sent.id);
  if (pull.next_offset > sent.offset) return skipped(sent, pull);
  // As in pass_records(), for records that the filter keeps back.
  if (pull.status == PullStatus::kRetryImmediately && filtered_ && is_logical(*queue_) &&
      pull.max_offset > sent.offset) {
    PullAnswer behind = pull;
    behind.next_offset = sent.offset + 1;
    return skipped(sent, behind);
  }
  window_.nothing_there(sent.id, pull.max_offset);
  account();
  if (pull.status == PullStatus::kNotFound && pull.max_offset <= sent.offset) {
    ReaderHost::Note note{.position = {},
                          .max_offset = pull.max_offset,
                          .empty_at = {},
                          .asked_ms = sent.requested_ms,
                          .trouble = {}};
    if (sent.from_master && pull.max_offset == sent.offset) note.empty_at = sent.offset;
    if (options_.pause_when_empty_ms > 0) wait(options_.pause_when_empty_ms);
    return host_->note(id_, note);
  }
  // No progress although there should be some: a slave that lags, or data that just goes away. The
  // master knows.
  wanted_broker_ = 0;
  resolved_ms_ = 0;
  wait(stands_in_ ? kBusyWaitMs : kNoProgressWaitMs);
}

// Messages were filtered out or have expired: the position moves without them.
void QueueReader::skipped(const Sent& sent, const PullAnswer& pull) {
  window_.found(sent.id,
                PulledFrame{.queue = queue_,
                            .tag = tag_,
                            .begin_offset = sent.offset,
                            .next_offset = pull.next_offset,
                            .min_offset = pull.min_offset,
                            .max_offset = pull.max_offset,
                            .offset_delta = 0,
                            .records = {},
                            .owner = nullptr,
                            .requested_ms = sent.requested_ms,
                            .received_ms = core_.clock().now_ms()},
                core_.clock().now_ns() - sent.requested_ns);
  take_frames();
  if (sent.from_master && pull.next_offset == pull.max_offset) {
    host_->note(id_, {.position = {},
                      .max_offset = pull.max_offset,
                      .empty_at = pull.next_offset,
                      .asked_ms = sent.requested_ms,
                      .trouble = {}});
  }
}

void QueueReader::refused(std::int64_t offset, std::int32_t code, const std::string& remark,
                          bool from_slave) {
  const Error error = answer_error(RequestCode::kPullMessage, code, remark);
  // It may be one that must not be read, or that does not know everything yet.
  if (from_slave) {
    ++slave_turn_;
    address_.clear();
    wanted_broker_ = 0;
    return trouble(error, kTroubleWaitMs);
  }
  if (code == response_code::kTopicNotExist) topic_is_gone();
  switch (classify(CallKind::kPull, code, remark)) {
    case Verdict::kRetrySame:
      return trouble(error, kBusyWaitMs);
    case Verdict::kRetryOther:
    case Verdict::kResubscribe:
      break;
    default:
      return fail(error, offset);
  }
  const std::int64_t now_ms = core_.clock().now_ms();
  if (refused_since_ms_ < 0) refused_since_ms_ = now_ms;
  if (code == response_code::kNotLeaderForQueue) moved();
  const bool passing = code == response_code::kServiceNotAvailable ||
                       code == response_code::kGoAway || code == response_code::kNotLeaderForQueue;
  if (!passing && now_ms - refused_since_ms_ > kRefusalPatienceMs) return fail(error, offset);
  address_.clear();
  wanted_broker_ = 0;
  trouble(error, kTroubleWaitMs);
}

void QueueReader::moved() {
  core_.outdate_route(queue_->topic);
  address_.clear();
}

void QueueReader::take_frames() {
  while (auto frame = window_.take()) {
    account();
    host_->deliver(id_, std::move(*frame));
  }
  account();
}

void QueueReader::account() {
  const std::size_t held = window_.held_bytes();
  if (held > accounted_) host_->reserve(id_, held - accounted_, true);
  if (held < accounted_) host_->release(accounted_ - held);
  accounted_ = held;
}

// --- a topic that was gone and is back ---

void QueueReader::topic_is_gone() {
  if (was_gone_ || !seen_) return;
  was_gone_ = true;
  // Topics are deleted at masters: a slave may keep the old one.
  wanted_broker_ = 0;
  address_.clear();
  // What pulls under way still bring may be of another topic.
  window_.reset(window_.position());
  account();
}

void QueueReader::compare_topic(std::int64_t offset) {
  if (master_.empty()) {
    address_.clear();
    return trouble(
        Error::retry(ErrorCode::kUnavailable, "broker '" + served_.broker + "' has no master now"),
        kTroubleWaitMs);
  }
  asking_ = true;
  Command command = encode_pull(PullRequest{.group = options_.group,
                                            .queue = served_,
                                            .offset = offset,
                                            .messages_max = 1,
                                            .suspend_ms = 0,
                                            .expression = "*",
                                            .sql92 = false,
                                            .subscription_version = 0});
  core_.call(master_, ChannelRole::kPull, std::move(command), nullptr, options_.call_timeout_ms,
             [self = shared_from_this(), offset,
              from_master = pulls_from_master_](const CallOutcome& outcome) {
               if (self->host_ == nullptr) return;
               self->asking_ = false;
               self->compared(offset, outcome, from_master);
               self->pump();
             });
}

// Messages are stored one after the other: when the first one is younger than one that was read,
// it is another queue. One that only lost its end is not.
void QueueReader::compared(std::int64_t offset, const CallOutcome& outcome, bool from_master) {
  if (!outcome.answer.ok()) {
    address_.clear();
    return trouble(outcome.answer.error(), kTroubleWaitMs);
  }
  const Answer& answer = *outcome.answer;
  const auto pull = parse_pull(answer.header);
  if (!pull.ok()) return refused(offset, answer.header.code, answer.header.remark, false);
  if (seen_before_) return compare_seen(*pull, answer);
  if (pull->status != PullStatus::kFound && pull->min_offset > offset &&
      pull->min_offset <= seen_->offset)
    return compare_topic(pull->min_offset);
  fine();
  was_gone_ = false;
  bool other = from_master && pull->max_offset == 0;
  if (pull->status == PullStatus::kFound) {
    const auto first = decode_record(answer.body());
    other = first.ok() && first->queue_offset + pull->offset_delta <= seen_->offset &&
            first->store_ms > seen_->stored_ms;
  }
  if (other) begin_anew(offset);
}

// Another message in the place of one that was read: only the first one of the queue tells whether
// it is another queue, or lost its end and was written on.
void QueueReader::compare_seen(const PullAnswer& pull, const Answer& answer) {
  fine();
  seen_before_ = false;
  if (pull.status != PullStatus::kFound) return;
  const auto there = decode_record(answer.body());
  if (there.ok() && there->queue_offset + pull.offset_delta <= seen_->offset)
    was_gone_ = there->store_ms != seen_->stored_ms;
}

void QueueReader::begin_anew(std::int64_t first) {
  log(LogLevel::kWarn, "rocketmq",
      "topic '" + queue_->topic + "' was deleted and made anew: queue " + queue_->to_string() +
          ", read up to offset " + std::to_string(window_.position()) +
          " of the old topic, is read from its first message, offset " + std::to_string(first));
  seen_.reset();
  window_.reset(first);
  account();
  // An empty frame: the position moves back behind what was received of the old topic.
  host_->deliver(id_, PulledFrame{.queue = queue_,
                                  .tag = tag_,
                                  .begin_offset = first,
                                  .next_offset = first,
                                  .min_offset = first,
                                  .max_offset = first,
                                  .received_ms = core_.clock().now_ms()});
}

// --- offsets that do not exist ---

void QueueReader::out_of_range(std::int64_t offset) {
  asking_ = true;
  // Also an operator's reset answers this way, and a queue without any data: only the bounds tell.
  ask_master(encode_min_offset(served_), [this, offset](std::int64_t min_offset) {
    ask_master(encode_max_offset(served_), [this, offset, min_offset](std::int64_t max_offset) {
      asking_ = false;
      decide_out_of_range(offset, min_offset, max_offset);
    });
  });
}

void QueueReader::decide_out_of_range(std::int64_t offset, std::int64_t min_offset,
                                      std::int64_t max_offset) {
  if (offset >= min_offset && offset <= max_offset) {
    window_.reset(offset);
    account();
    return wait(kNoProgressWaitMs * 5);
  }
  host_->count_out_of_range();
  const std::string bounds = "offset " + std::to_string(offset) + " of " + queue_->to_string() +
                             " is outside [" + std::to_string(min_offset) + ", " +
                             std::to_string(max_offset) + "]";
  std::int64_t target = min_offset;
  switch (options_.out_of_range) {
    case OffsetOutOfRange::kFail:
      return fail(Error{ErrorCode::kOutOfRange,
                        bounds +
                            (offset < min_offset ? ": the messages between have expired"
                                                 : ": the queue lost its end or was made anew") +
                            ". Choose what to do with the option scan.offset-out-of-range "
                            "(earliest, latest, nearest)"},
                  offset);
    case OffsetOutOfRange::kEarliest:
      break;
    case OffsetOutOfRange::kLatest:
      target = max_offset;
      break;
    case OffsetOutOfRange::kNearest:
      target = offset < min_offset ? min_offset : max_offset;
      break;
  }
  log(LogLevel::kWarn, "rocketmq", bounds + "; going on at " + std::to_string(target));
  start_at(target);
  pump();
}

// --- proofs of emptiness ---

void QueueReader::renew_proof() {
  if (host_ != nullptr && started_ && left_topic()) return report_left_topic();
  if (host_ == nullptr || !started_ || proof_under_way_ || master_.empty() || !window_.at_end())
    return;
  proof_under_way_ = true;
  const std::int64_t asked_ms = core_.clock().now_ms();
  core_.call(
      master_, ChannelRole::kControl, encode_max_offset(served_), nullptr,
      core_.options().call_timeout_ms, [self = shared_from_this(), asked_ms](CallOutcome outcome) {
        self->proof_under_way_ = false;
        if (self->host_ == nullptr || !outcome.answer.ok()) return;
        if (outcome.answer->header.code == response_code::kNotLeaderForQueue) {
          // A long poll at the broker that served it would sleep on.
          self->window_.pull_front_again();
          self->moved();
          return self->pump();
        }
        const auto max_offset = parse_offset(RequestCode::kMaxOffset, outcome.answer->header);
        if (!max_offset.ok()) return;
        ReaderHost::Note note{.position = {},
                              .max_offset = *max_offset,
                              .empty_at = *max_offset,
                              .asked_ms = asked_ms,
                              .trouble = {}};
        if (*max_offset > self->window_.position()) {
          // A long poll with a filter sleeps on while other messages arrive: look without waiting.
          self->window_.learn_max(*max_offset);
          if (self->filtered_) self->window_.pull_front_again();
          self->pump();
        }
        self->host_->note(self->id_, note);
      });
}

// --- trouble ---

void QueueReader::trouble(const Error& error, std::int64_t wait_ms_max) {
  if (left_topic()) return wait(kRouteAgeMs);
  if (!std::exchange(in_trouble_, true)) {
    LogLimit::of_process().log(
        LogLevel::kWarn, "rocketmq", trouble_key(),
        "reading " + queue_->to_string() + ": " + error.message + "; trying again until it works");
  }
  host_->note(id_, {.position = {},
                    .max_offset = -1,
                    .empty_at = {},
                    .asked_ms = 0,
                    .trouble = error.to_string()});
  // All pulls under way fail together: that is one failure.
  if (timer_ != io::TimerId::kNone) return;
  const auto wait_ms = retry_.next_wait_ms(Error::retry(error.code, {}));
  wait(std::min(wait_ms.value_or(kTroubleWaitMs), wait_ms_max));
}

// All queues of a broker have the same trouble.
std::string QueueReader::trouble_key() const { return "reading from broker " + queue_->broker; }

// A refused certificate is a mistake at first, and an outage later.
bool QueueReader::is_final(const Error& error) const {
  return error.code == ErrorCode::kPermissionDenied && !error.retryable && !worked_;
}

void QueueReader::fine() {
  worked_ = true;
  refused_since_ms_ = -1;
  if (!std::exchange(in_trouble_, false)) return;
  retry_.reset();
  LogLimit::of_process().forget(trouble_key());
  LogLimit::of_process().log(LogLevel::kInfo, "rocketmq", "again " + trouble_key(),
                             "reading " + queue_->to_string() + " works again");
  host_->note(
      id_,
      {.position = {}, .max_offset = -1, .empty_at = {}, .asked_ms = 0, .trouble = std::string()});
}

void QueueReader::wait(std::int64_t wait_ms) {
  if (timer_ != io::TimerId::kNone) return;
  timer_ = core_.loop().run_after(wait_ms, [self = shared_from_this()] {
    self->timer_ = io::TimerId::kNone;
    self->pump();
  });
}

void QueueReader::fail(const Error& error, std::int64_t offset) {
  host_->fail(error.with_context("reading " + queue_->to_string() + " at offset " +
                                 std::to_string(offset)));
  stop();
}

}  // namespace slipstream::rocketmq::internal
