// Request and response codes, and what an answer means for the caller.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream::rocketmq {

enum class RequestCode : std::int32_t {
  kSendMessage = 10,
  kPullMessage = 11,
  kQueryMessage = 12,
  kQueryConsumerOffset = 14,
  kUpdateConsumerOffset = 15,
  kUpdateTopic = 17,
  kAllTopicConfig = 21,
  kUpdateBrokerConfig = 25,
  kBrokerConfig = 26,
  kBrokerRuntime = 28,
  kSearchOffsetByTimestamp = 29,
  kMaxOffset = 30,
  kMinOffset = 31,
  kEarliestStoreTime = 32,
  kViewMessageById = 33,
  kHeartbeat = 34,
  kUnregisterClient = 35,
  kConsumerSendBack = 36,
  kEndTransaction = 37,
  kConsumerListByGroup = 38,
  kCheckTransactionState = 39,
  kNotifyConsumerIdsChanged = 40,
  kLockQueues = 41,
  kUnlockQueues = 42,
  kAllConsumerOffsets = 43,
  kCheckClientConfig = 46,
  kRouteByTopic = 105,
  kBrokerCluster = 106,
  kUpdateSubscriptionGroup = 200,
  kAllSubscriptionGroups = 201,
  kTopicStats = 202,
  kConsumerConnections = 203,
  kProducerConnections = 204,
  kTopicList = 206,
  kDeleteSubscriptionGroup = 207,
  kConsumeStats = 208,
  kDeleteTopicInBroker = 215,
  kDeleteTopicInNameServer = 216,
  kResetConsumerClientOffset = 220,
  kConsumerStatusFromClient = 221,
  kInvokeBrokerToResetOffset = 222,
  kTopicsByCluster = 224,
  kGroupsOfTopic = 300,
  kConsumerRunningState = 307,
  kConsumeMessageDirectly = 309,
  kSendMessageV2 = 310,
  kSendBatchMessage = 320,
  kSendReplyV2 = 325,
  kPushReplyToClient = 326,
  kAllProducers = 328,
  kTopicConfig = 351,
  kSubscriptionGroupConfig = 352,
  kLitePullMessage = 361,
  kRecallMessage = 370,
  kCreateUser = 3001,  // to 3010: brokers 5.3 and later
  kDeleteUser = 3003,
  kListUsers = 3005,
  kCreateAcl = 3006,
  kDeleteAcl = 3008,
  kListAcls = 3010,
  kPopMessage = 200050,  // to 200151: brokers 5.0 and later
  kAckMessage = 200051,
  kChangeInvisibleTime = 200053,
  kBatchAckMessage = 200151,
};

namespace response_code {
inline constexpr std::int32_t kSuccess = 0;
inline constexpr std::int32_t kSystemError = 1;
inline constexpr std::int32_t kSystemBusy = 2;
inline constexpr std::int32_t kRequestCodeNotSupported = 3;
inline constexpr std::int32_t kFlushDiskTimeout = 10;
inline constexpr std::int32_t kSlaveNotAvailable = 11;
inline constexpr std::int32_t kFlushSlaveTimeout = 12;
inline constexpr std::int32_t kMessageIllegal = 13;
inline constexpr std::int32_t kServiceNotAvailable = 14;
inline constexpr std::int32_t kVersionNotSupported = 15;
inline constexpr std::int32_t kNoPermission = 16;
inline constexpr std::int32_t kTopicNotExist = 17;
inline constexpr std::int32_t kTopicExistAlready = 18;
inline constexpr std::int32_t kPullNotFound = 19;
inline constexpr std::int32_t kPullRetryImmediately = 20;
inline constexpr std::int32_t kPullOffsetMoved = 21;
inline constexpr std::int32_t kQueryNotFound = 22;
inline constexpr std::int32_t kSubscriptionParseFailed = 23;
inline constexpr std::int32_t kSubscriptionNotExist = 24;
inline constexpr std::int32_t kSubscriptionNotLatest = 25;
inline constexpr std::int32_t kSubscriptionGroupNotExist = 26;
inline constexpr std::int32_t kFilterDataNotExist = 27;
inline constexpr std::int32_t kFilterDataNotLatest = 28;
inline constexpr std::int32_t kInvalidParameter = 29;
inline constexpr std::int32_t kConsumerNotOnline = 206;
inline constexpr std::int32_t kNoMessage = 208;
inline constexpr std::int32_t kPollingTimeout = 210;
inline constexpr std::int32_t kFlowControl = 215;
inline constexpr std::int32_t kNotLeaderForQueue = 501;
inline constexpr std::int32_t kGoAway = 1500;
}  // namespace response_code

// What an answer tells the caller to do. The tables are section 1.7 of the protocol notes.
enum class Verdict : std::uint8_t {
  kSuccess,      //
  kStored,       // send only: 10, 11, 12: stored with weaker durability; never send again
  kNormal,       // an ordinary outcome with a code of its own: 18, 19, 20, 21, 22, 208, 210
  kRetrySame,    // nothing was done: again on the same broker after a pause
  kRetryOther,   // another broker or queue, or the same after a route refresh
  kResubscribe,  // heartbeat (or subscription in the request) first, then again
  kUnsupported,  // the peer does not know the request: remember per broker
  kUnknown,      // the broker failed in the middle: the request may or may not have been done
  kFatal,        // will never work as it is
};

enum class CallKind : std::uint8_t { kSend, kPull, kAdmin };

// `remark` decides between an access-control refusal (fatal) and a passing failure for codes 1
// and 16.
Verdict classify(CallKind kind, std::int32_t code, std::string_view remark);

// Whether access control said no: unknown user, wrong signature, no permission. Brokers 4.x answer
// it with code 1, 5.x with 16; the remark tells it from other answers of these codes.
bool is_access_refusal(std::int32_t code, std::string_view remark);

// "SYSTEM_BUSY"; "code 4711" for an unknown one.
std::string response_code_name(std::int32_t code);
std::string request_code_name(std::int32_t code);

// "4.9.3", "5.0.0-SNAPSHOT": what stands behind the number that clients and brokers say of
// themselves; "number 12" for versions before 4.0.
std::string version_text(std::int64_t ordinal);
inline constexpr std::int32_t kVersion5 = 412;  // 5.0.0-SNAPSHOT

// The error of an answer that is not a success: "PULL_MESSAGE answered TOPIC_NOT_EXIST (17):
// <remark>". Retryable when classify() says so. REQUIRES: code != 0
Error answer_error(RequestCode request, std::int32_t code, std::string_view remark);

}  // namespace slipstream::rocketmq
