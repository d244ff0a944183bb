#include "rocketmq/net/channel.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/log_limit.h"
#include "base/retry.h"
#include "base/try.h"
#include "rocketmq/protocol/codes.h"

namespace slipstream::rocketmq {
namespace {

// Deadlines are checked this often: a time-out may come so much late.
constexpr std::int64_t kSweepMs = 50;

}  // namespace

class Channel::State final : public io::ConnectionHandler,
                             public std::enable_shared_from_this<State> {
 public:
  State(io::Loop& loop, io::Net& net, std::shared_ptr<ReceivePool> pool, io::Endpoint endpoint,
        ChannelOptions options)
      : loop_(loop),
        net_(net),
        pool_(std::move(pool)),
        endpoint_(std::move(endpoint)),
        options_(std::move(options)),
        name_(endpoint_.to_string()),
        retry_({.first_wait_ms = options_.reconnect_first_ms,
                .wait_ms_max = options_.reconnect_max_ms},
               loop.clock(), {}, std::hash<std::string>{}(name_)) {}

  void call(Command command, std::shared_ptr<const std::string> body, std::int64_t timeout_ms,
            CallDone done, std::int64_t leave_by_ms) {
    if (calls_.size() >= options_.calls_max) {
      return refuse(Error::retry(ErrorCode::kResourceExhausted,
                                 "too many calls are waiting for " + name_ + " (" +
                                     std::to_string(calls_.size()) + ")"),
                    std::move(done));
    }
    command.header.opaque = next_opaque();
    if (!body && !command.body.empty())
      body = std::make_shared<const std::string>(std::move(command.body));
    if (options_.signer) options_.signer->sign(command.header, body ? *body : std::string_view());
    auto head = encode_frame_head(command.header, body ? body->size() : 0);
    if (!head.ok()) return refuse(head.error(), std::move(done));
    const std::int64_t now_ms = loop_.clock().now_ms();
    const std::int32_t opaque = command.header.opaque;
    if (connection_ != nullptr) {
      const Status written = connection_->write(std::move(*head), std::move(body), leave_by_ms);
      if (!written.ok()) return refuse(written.error(), std::move(done));
    } else {
      held_.push_back(Held{opaque, std::move(*head), std::move(body), leave_by_ms});
    }
    if (calls_.empty()) last_received_ms_ = now_ms;
    calls_.emplace(opaque, Call{.done = std::move(done),
                                .request_code = command.header.code,
                                .timeout_ms = timeout_ms,
                                .deadline_ms = now_ms + timeout_ms});
    if (connection_ == nullptr) connect_later();
    start_sweep();
  }

  void shut_down() {
    shut_down_ = true;
    loop_.cancel(std::exchange(connect_timer_, io::TimerId::kNone));
    loop_.cancel(std::exchange(sweep_timer_, io::TimerId::kNone));
    connected_ = {};
    request_callback_ = {};
    lose(Error::retry(ErrorCode::kCancelled, "the connection to " + name_ + " was closed"));
  }

  void set_connected_callback(std::function<void()> connected) {
    connected_ = std::move(connected);
  }
  void set_request_callback(RequestCallback asked) { request_callback_ = std::move(asked); }
  bool connected() const { return open_; }
  std::size_t calls_waiting() const { return calls_.size(); }
  const io::Endpoint& endpoint() const { return endpoint_; }

  void on_open() override {
    open_ = true;
    failure_.clear();
    if (retry_.attempts() > 0) {
      LogLimit::of_process().log(LogLevel::kInfo, "rocketmq", "connected to " + name_,
                                 "connected to " + name_ + " again");
    }
    retry_.reset();
    last_received_ms_ = loop_.clock().now_ms();
    // Callbacks may destroy the channel.
    const auto alive = shared_from_this();
    if (connected_) connected_();
  }

  std::span<std::uint8_t> read_space() override { return cutter_->prepare(); }

  void on_read(std::size_t count) override {
    const auto alive = shared_from_this();
    last_received_ms_ = loop_.clock().now_ms();
    received_ = true;
    cutter_->commit(count);
    while (connection_ != nullptr) {
      auto frame = cutter_->next();
      if (!frame.ok()) return broken(frame.error());
      if (!frame->has_value()) return;
      auto header = decode_header((*frame)->header, (*frame)->type);
      if (!header.ok()) return broken(header.error());
      if (header->is_response()) {
        answered(Answer{std::move(*header), std::move(**frame)});
      } else {
        asked(Answer{std::move(*header), std::move(**frame)});
      }
    }
  }

  void on_closed(const Error& error) override {
    if (!open_ || received_ || options_.connection.tls != nullptr ||
        error.code != ErrorCode::kUnavailable)
      return closed(error);
    closed(Error::retry(error.code, error.message +
                                        " before it answered anything; does it demand TLS "
                                        "(tls.enabled)?"));
  }

 private:
  void closed(const Error& error) {
    const auto alive = shared_from_this();
    if (open_)
      LogLimit::of_process().log(LogLevel::kInfo, "rocketmq", "lost " + name_, error.message);
    failure_ = error.message;
    // Before the calls end: their callbacks may call again.
    const auto wait_ms = retry_.next_wait_ms(error);
    not_before_ms_ = loop_.clock().now_ms() + wait_ms.value_or(options_.reconnect_max_ms);
    lose(error);
  }

  struct Call {
    CallDone done;
    std::int32_t request_code = 0;
    std::int64_t timeout_ms = 0;
    std::int64_t deadline_ms = 0;
  };
  struct Held {
    std::int32_t opaque = 0;
    std::string head;
    std::shared_ptr<const std::string> body;
    std::int64_t leave_by_ms = 0;
  };

  std::int32_t next_opaque() {
    do {
      last_opaque_ =
          last_opaque_ == std::numeric_limits<std::int32_t>::max() ? 1 : last_opaque_ + 1;
    } while (calls_.contains(last_opaque_));
    return last_opaque_;
  }

  void refuse(const Error& error, CallDone done) {
    loop_.post([error, done = std::move(done)] { done(CallOutcome{error, false}); });
  }

  void connect_later() {
    if (shut_down_ || connection_ != nullptr || connect_timer_ != io::TimerId::kNone) return;
    const std::int64_t wait_ms = not_before_ms_ - loop_.clock().now_ms();
    if (wait_ms <= 0) return connect();
    connect_timer_ = loop_.run_after(wait_ms, [self = shared_from_this()] {
      self->connect_timer_ = io::TimerId::kNone;
      if (!self->calls_.empty()) self->connect();
    });
  }

  void connect() {
    cutter_ = std::make_unique<FrameCutter>(pool_);
    received_ = false;
    connection_ = net_.connect(endpoint_, options_.connection, *this);
    for (Held& held : std::exchange(held_, {})) {
      const auto call = calls_.find(held.opaque);
      if (call == calls_.end()) continue;  // timed out while waiting
      const Status written =
          connection_->write(std::move(held.head), std::move(held.body), held.leave_by_ms);
      if (!written.ok()) {
        refuse(written.error(), std::move(call->second.done));
        calls_.erase(call);
      }
    }
  }

  void answered(Answer answer) {
    const auto call = calls_.find(answer.header.opaque);
    if (call == calls_.end()) return;  // late
    CallDone done = std::move(call->second.done);
    calls_.erase(call);
    if (options_.signer && is_access_refusal(answer.header.code, answer.header.remark)) {
      answer.header.remark +=
          " (refused by " + name_ + "; " + options_.signer->advice(answer.header.remark) + ")";
    }
    done(CallOutcome{std::move(answer), false});
  }

  void asked(const Answer& request) {
    std::optional<Command> reply;
    if (request_callback_) reply = request_callback_(request);
    if (request.header.is_oneway() || connection_ == nullptr) return;
    if (!reply) {
      reply = make_answer(request.header, response_code::kRequestCodeNotSupported,
                          "not supported by this client");
    }
    auto frame = encode_frame(*reply);
    if (frame.ok()) static_cast<void>(connection_->write(std::move(*frame), nullptr));
  }

  void broken(const Error& error) {
    closed(Error::retry(ErrorCode::kCorrupt,
                        "dropping the connection to " + name_ + ": " + error.message));
  }

  // Ends the connection and all calls.
  void lose(const Error& error) {
    const bool was_open = std::exchange(open_, false);
    retired_ = std::move(connection_);  // not destroyed inside its own callback
    if (retired_) {
      retired_->close();
      loop_.post([self = shared_from_this()] { self->retired_.reset(); });
    }
    held_.clear();
    auto calls = std::exchange(calls_, {});
    for (auto& [opaque, call] : calls) {
      const bool maybe_done = was_open;
      Error reason = error;
      reason.message = request_code_name(call.request_code) + ": " + reason.message;
      call.done(CallOutcome{std::move(reason), maybe_done});
    }
  }

  void start_sweep() {
    if (sweep_timer_ != io::TimerId::kNone || shut_down_) return;
    sweep_timer_ = loop_.run_after(kSweepMs, [self = shared_from_this()] {
      self->sweep_timer_ = io::TimerId::kNone;
      self->sweep();
    });
  }

  void sweep() {
    const std::int64_t now_ms = loop_.clock().now_ms();
    std::vector<Call> expired;
    for (auto call = calls_.begin(); call != calls_.end();) {
      if (call->second.deadline_ms > now_ms) {
        ++call;
        continue;
      }
      expired.push_back(std::move(call->second));
      calls_.erase(call++);
    }
    const auto alive = shared_from_this();
    const bool drop = connection_ != nullptr && !expired.empty() && options_.drop_on_timeout;
    // What a connection in the making was given leaves as soon as it is made.
    const bool maybe_done = open_ || (connection_ != nullptr && !drop);
    const std::string why = open_ || failure_.empty() ? std::string() : " (" + failure_ + ")";
    // Before the calls end: their callbacks may call again.
    if (drop) {
      closed(Error::retry(ErrorCode::kUnavailable,
                          "dropping the connection to " + name_ + ": a request timed out"));
    }
    for (Call& call : expired) {
      Error error = Error::retry(
          ErrorCode::kTimeout, request_code_name(call.request_code) + ": no answer from " + name_ +
                                   " within " + std::to_string(call.timeout_ms) + " ms" + why);
      call.done(CallOutcome{std::move(error), maybe_done});
    }
    if (open_ && !expired.empty() && now_ms - last_received_ms_ > options_.silence_max_ms) {
      closed(Error::retry(ErrorCode::kUnavailable,
                          "dropping the connection to " + name_ + ": nothing received for " +
                              std::to_string(now_ms - last_received_ms_) + " ms"));
    }
    if (!calls_.empty()) start_sweep();
  }

  io::Loop& loop_;
  io::Net& net_;
  const std::shared_ptr<ReceivePool> pool_;
  const io::Endpoint endpoint_;
  const ChannelOptions options_;
  const std::string name_;
  Retry retry_;
  std::int64_t not_before_ms_ = 0;
  std::unique_ptr<FrameCutter> cutter_;
  std::unique_ptr<io::Connection> connection_;
  std::unique_ptr<io::Connection> retired_;
  bool open_ = false;
  std::string failure_;    // why the last connection was not made or ended; empty while open
  bool received_ = false;  // something came on this connection
  bool shut_down_ = false;
  std::int32_t last_opaque_ = 0;
  absl::flat_hash_map<std::int32_t, Call> calls_;
  std::deque<Held> held_;
  io::TimerId connect_timer_ = io::TimerId::kNone;
  io::TimerId sweep_timer_ = io::TimerId::kNone;
  std::int64_t last_received_ms_ = 0;
  std::function<void()> connected_;
  RequestCallback request_callback_;
};

Channel::Channel(io::Loop& loop, io::Net& net, std::shared_ptr<ReceivePool> pool,
                 io::Endpoint endpoint, ChannelOptions options)
    : state_(std::make_shared<State>(loop, net, std::move(pool), std::move(endpoint),
                                     std::move(options))) {}

Channel::~Channel() { state_->shut_down(); }

void Channel::call(Command command, std::shared_ptr<const std::string> body,
                   std::int64_t timeout_ms, CallDone done, std::int64_t leave_by_ms) {
  state_->call(std::move(command), std::move(body), timeout_ms, std::move(done), leave_by_ms);
}

void Channel::set_connected_callback(std::function<void()> connected) {
  state_->set_connected_callback(std::move(connected));
}

void Channel::set_request_callback(RequestCallback asked) {
  state_->set_request_callback(std::move(asked));
}

bool Channel::connected() const { return state_->connected(); }

std::size_t Channel::calls_waiting() const { return state_->calls_waiting(); }

const io::Endpoint& Channel::endpoint() const { return state_->endpoint(); }

}  // namespace slipstream::rocketmq
