// Topics, offsets, groups and brokers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/rocketmq/access.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/message.h"
#include "slipstream/rocketmq/trace.h"
#include "slipstream/status.h"

namespace slipstream::rocketmq {

struct TopicSpec {
  std::string topic{};
  std::int32_t read_queues = 4;  // per broker
  std::int32_t write_queues = 4;
  std::int32_t perm = 6;  // 4 read, 2 write
  bool order = false;
  std::vector<Property> attributes{};  // brokers 5.x, "message.type" = "FIFO"
  std::vector<std::string> brokers{};  // names; empty = every master of the cluster
  // A topic that exists takes all of the above; what queues hold that it has no more of is out of
  // reach then. Else it stays as it is: kAlreadyExists.
  bool change_existing = false;
};

// What the name servers say about a topic, at the moment of asking.
struct TopicDescription {
  struct Broker {
    std::string name{};
    std::string master{};  // address; empty while there is none
    std::int32_t read_queues = 0;
    std::int32_t write_queues = 0;
    std::int32_t perm = 0;
  };
  std::string topic{};
  std::vector<Broker> brokers{};
  // Of 5.x: messages are read from and sent to its logical queues, not to those of brokers.
  bool static_topic = false;
  std::vector<MessageQueue> logical_queues{};

  std::vector<MessageQueue> readable_queues() const;
  std::vector<MessageQueue> writable_queues() const;
};

// The offsets that can be read: min_offset up to, not including, max_offset.
struct OffsetRange {
  MessageQueue queue{};
  std::int64_t min_offset = 0;
  std::int64_t max_offset = 0;
};

struct QueueLag {
  MessageQueue queue{};
  std::int64_t committed = -1;  // -1: the group has no offset here
  std::int64_t max_offset = 0;
};

// A broker process that is registered at the name server.
struct BrokerNode {
  std::string cluster{};
  std::string name{};
  std::int64_t id = 0;  // 0 = master
  std::string address{};
};

// A connection that a broker was told something of.
struct BrokerClient {
  bool producer = false;  // else a consumer
  std::string group{};
  std::string client_id{};
  std::string address{};
  std::string language{};
  std::string version{};
};

// Who is online in a group, and what it reads, as brokers were told.
struct GroupConnections {
  struct Member {
    std::string client_id{};
    std::string address{};
    std::string language{};
    std::string version{};
  };
  struct Subscription {
    std::string topic{};
    std::string filter{};  // "*", "a || b", SQL92 text
    bool sql92 = false;
  };
  std::vector<Member> members{};  // by client id; one that is connected to several brokers is once
  std::vector<Subscription> subscriptions{};  // by topic
  std::string consume_type{};                 // "CONSUME_PASSIVELY", ...
  std::string message_model{};                // "CLUSTERING", "BROADCASTING"
};

// What to look for in the brokers' index.
struct MessageSearch {
  std::string topic{};
  std::string key{};
  std::int32_t messages_max = 32;  // of each broker, which gives 64 at most
  std::int64_t begin_ms = 0;       // by store time
  std::int64_t end_ms = 0;         // 0: now
  bool unique_key = false;         // the producer's UNIQ_KEY, not one of KEYS
};

struct BrokerState {
  std::string version{};                  // "V5_5_0"
  std::optional<std::int64_t> boot_ms{};  // wall clock of the broker
  // Bytes of its log; how many of them its queues do not show yet.
  std::optional<std::int64_t> log_end{};
  std::optional<std::int64_t> dispatch_behind_bytes{};
  std::map<std::string, std::string> counters{};  // everything the broker tells
};

// When the queues of a broker show everything that was in its log at the first look. Max offsets
// asked for before that may miss messages whose sends were acknowledged.
class DispatchGoal {
 public:
  // False: look again. kUnsupported when the broker does not tell. A log that became shorter (the
  // broker lost its end) is the new goal.
  Result<bool> reached(const BrokerState& state);

 private:
  std::int64_t log_end_ = -1;
};

// Owner:   anyone; borrows the Client.
// Thread:  any but the client's own; every call blocks for the time of its requests, each bounded
//          by ClientOptions::call_timeout_ms. Offsets are asked of the master only.
// Failure: errors name topic, queue and server. Lost connections are retried twice; requests that
//          may have been done are only repeated where that changes nothing.
class Admin {
 public:
  explicit Admin(Client& client);

  // --- topics ---
  // Returns once a broker is registered; waits for that up to 10 s, which is logged, then fails with
  // a retryable kUnavailable. Before it, describe_topic cannot tell a missing topic from one whose
  // broker is still starting.
  Status wait_for_brokers();
  // Creates; changes one that exists only with `change_existing`. Returns once the route shows the
  // queues on every broker. Begins with wait_for_brokers().
  Status create_topic(const TopicSpec& spec);
  // More queues per broker, both ways; never fewer. Other settings stay.
  Status widen_topic(std::string_view topic, std::int32_t queues_per_broker);
  // Fewer queues per broker, both ways; never more. Other settings stay. What the queues that go
  // hold cannot be read any more, until the topic is widened again.
  Status shrink_topic(std::string_view topic, std::int32_t queues_per_broker);
  // kNotFound when no name server knows it; a retryable kUnavailable when its brokers are away.
  // Always asks, never from memory.
  Result<TopicDescription> describe_topic(std::string_view topic);
  // Sorted; without system, retry and dead-letter topics.
  Result<std::vector<std::string>> list_topics();
  Status delete_topic(std::string_view topic);
  // Those of brokers 5.x ("cleanup.policy" = "DELETE"), of every broker that tells, by its name.
  Result<std::map<std::string, std::vector<Property>>> topic_attributes(std::string_view topic);

  // --- offsets ---
  Result<std::int64_t> min_offset(const MessageQueue& queue);
  // committed=false counts what is appended and not yet replicated (brokers 5.x).
  Result<std::int64_t> max_offset(const MessageQueue& queue, bool committed = true);
  // Does not wait: `done` runs on the client's thread, kCancelled when the client is closed before.
  void max_offset_async(const MessageQueue& queue, std::function<void(Result<std::int64_t>)> done);
  // First message stored at or after the time; the max offset when there is none. Brokers 4.x
  // answer the last message instead: one message too early is possible, never one too late.
  Result<std::int64_t> offset_at(const MessageQueue& queue, std::int64_t timestamp_ms);
  // What was acknowledged before counts: waits for await_dispatch(), up to 10 s, then logs that it
  // may not.
  Result<std::vector<OffsetRange>> bounds(std::string_view topic);
  // Until the queues of every broker of the topic show what it had stored when this began. Brokers
  // acknowledge what is in their log; max offsets, times and pulls see it when the broker has
  // dispatched it to the queue, milliseconds later, on a busy machine seconds. kTimeout after
  // limit_ms; kUnsupported when a broker does not tell.
  Status await_dispatch(std::string_view topic, std::int64_t limit_ms);

  // Whether every broker of the topic can parse the filter: kInvalidArgument when it is wrong,
  // kUnsupported when the broker does not filter by properties.
  Status check_filter(std::string_view topic, std::string_view group, std::string_view sql);

  // --- groups ---
  // Nothing when the group has none.
  Result<std::optional<std::int64_t>> group_offset(std::string_view group,
                                                   const MessageQueue& queue);
  // Of each queue, in their order. Cheaper than one after the other where brokers are 4.x: each is
  // asked once for what tells whether its zeros are offsets.
  Result<std::vector<std::optional<std::int64_t>>> group_offsets(
      std::string_view group, std::span<const MessageQueue> queues);
  Status set_group_offset(std::string_view group, const MessageQueue& queue, std::int64_t offset);
  // The max offset as of bounds().
  Result<std::vector<QueueLag>> lag(std::string_view group, std::string_view topic);
  // Groups that have offsets or members, each with the topics it reads; both sorted.
  Result<std::map<std::string, std::vector<std::string>>> list_groups();
  // Where brokers keep what each of these groups is to be given again, of those that there are:
  // %RETRY%group, and for each of its topics that it pops %RETRY%group_topic or
  // %RETRY%group+topic; sorted. The first of the two is also the %RETRY%group of a group with such
  // a name: it counts where this group has offsets, which brokers give it when they create it.
  Result<std::map<std::string, std::vector<std::string>>> retry_topics(
      const std::map<std::string, std::vector<std::string>>& groups);
  // Client ids that are online now, of all brokers of the topic; sorted.
  Result<std::vector<std::string>> group_members(std::string_view group, std::string_view topic);
  // As every broker of the cluster tells; without members when nobody is online.
  Result<GroupConnections> group_connections(std::string_view group);

  // --- reading without a Consumer ---
  // One pull without waiting: a trial, or a scan by hand. An empty frame when nothing is there.
  // kOutOfRange when the offset is outside [min, max].
  Result<PulledFrame> pull_once(std::string_view group, const MessageQueue& queue,
                                std::int64_t offset, std::int32_t messages_max);

  // --- single messages ---
  // By its offset message id, of the broker that the id names. `topic` helps brokers 5.x to decide
  // whether it may be read. kInvalidArgument: no such id; kNotFound: no broker is there, or no
  // message (any more).
  Result<ReceivedMessage> message_at(std::string_view offset_id, std::string_view topic = {});
  // On every broker of the topic; the broker's index lags by milliseconds.
  Result<std::vector<ReceivedMessage>> find_messages(const MessageSearch& search);
  Result<std::vector<ReceivedMessage>> find_by_unique_key(std::string_view topic,
                                                          std::string_view key);
  // What clients reported of the message with this id (or key), by time; it comes some seconds
  // late. kNotFound when there is no such trace topic.
  Result<TraceRecords> trace(std::string_view id, std::string_view trace_topic = kTraceTopic);

  // --- brokers ---
  Result<BrokerState> broker_state(std::string_view topic, std::string_view broker);
  // Masters and slaves, by cluster, name and id.
  Result<std::vector<BrokerNode>> brokers();
  Result<BrokerState> broker_state_at(std::string_view address);
  // All settings with their values, secrets among them.
  Result<std::map<std::string, std::string>> broker_config(std::string_view address);
  // The broker writes them to its configuration file, and passes over names that it does not know.
  // kInvalidArgument: a name or value that its file cannot hold.
  Status set_broker_config(std::string_view address, const std::vector<Property>& settings);
  // Producers and members of groups, by role, group and client id.
  Result<std::vector<BrokerClient>> broker_clients(std::string_view address);

  // --- access control: brokers 5.3 and later, each master of the cluster ---
  // kUnsupported: a broker does not know such requests. Passwords in answers stay behind.
  Result<std::vector<AccessUser>> users();
  // On brokers that do not have the user. The names of those that had it: its password and kind
  // there stay as they are. kAlreadyExists when all had it. A request whose answer is lost is
  // repeated only where the user is not there then.
  Result<std::vector<std::string>> create_user(const AccessUser& user, std::string_view password);
  Status delete_user(std::string_view name);
  Result<std::vector<AccessRule>> access_rules(std::string_view user = {});  // empty: of all users
  // Adds a rule; replaces the one that the user has for the same resource.
  Status grant(const AccessRule& rule);
  Status revoke(std::string_view user, std::string_view resource);

 private:
  void await_dispatch_or_log(std::string_view topic);

  internal::ClientCore* core_;
};

}  // namespace slipstream::rocketmq
