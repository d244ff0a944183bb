#include "rocketmq/protocol/codes.h"

#include <algorithm>
#include <array>

namespace slipstream::rocketmq {

namespace {

struct CodeName {
  std::int32_t code;
  std::string_view name;
};

constexpr auto kResponseNames = std::to_array<CodeName>({
    {0, "SUCCESS"},
    {1, "SYSTEM_ERROR"},
    {2, "SYSTEM_BUSY"},
    {3, "REQUEST_CODE_NOT_SUPPORTED"},
    {4, "TRANSACTION_FAILED"},
    {10, "FLUSH_DISK_TIMEOUT"},
    {11, "SLAVE_NOT_AVAILABLE"},
    {12, "FLUSH_SLAVE_TIMEOUT"},
    {13, "MESSAGE_ILLEGAL"},
    {14, "SERVICE_NOT_AVAILABLE"},
    {15, "VERSION_NOT_SUPPORTED"},
    {16, "NO_PERMISSION"},
    {17, "TOPIC_NOT_EXIST"},
    {18, "TOPIC_EXIST_ALREADY"},
    {19, "PULL_NOT_FOUND"},
    {20, "PULL_RETRY_IMMEDIATELY"},
    {21, "PULL_OFFSET_MOVED"},
    {22, "QUERY_NOT_FOUND"},
    {23, "SUBSCRIPTION_PARSE_FAILED"},
    {24, "SUBSCRIPTION_NOT_EXIST"},
    {25, "SUBSCRIPTION_NOT_LATEST"},
    {26, "SUBSCRIPTION_GROUP_NOT_EXIST"},
    {27, "FILTER_DATA_NOT_EXIST"},
    {28, "FILTER_DATA_NOT_LATEST"},
    {29, "INVALID_PARAMETER"},
    {204, "NO_BUYER_ID"},
    {205, "NOT_IN_CURRENT_UNIT"},
    {206, "CONSUMER_NOT_ONLINE"},
    {207, "CONSUME_MSG_TIMEOUT"},
    {208, "NO_MESSAGE"},
    {209, "POLLING_FULL"},
    {210, "POLLING_TIMEOUT"},
    {211, "BROKER_NOT_EXIST"},
    {212, "BROKER_DISPATCH_NOT_COMPLETE"},
    {213, "BROADCAST_CONSUMPTION"},
    {215, "FLOW_CONTROL"},
    {501, "NOT_LEADER_FOR_QUEUE"},
    {604, "ILLEGAL_OPERATION"},
    {1500, "GO_AWAY"},
    {3001, "USER_NOT_EXIST"},
    {3002, "POLICY_NOT_EXIST"},
});

constexpr auto kRequestNames = std::to_array<CodeName>({
    {10, "SEND_MESSAGE"},
    {11, "PULL_MESSAGE"},
    {12, "QUERY_MESSAGE"},
    {14, "QUERY_CONSUMER_OFFSET"},
    {15, "UPDATE_CONSUMER_OFFSET"},
    {17, "UPDATE_AND_CREATE_TOPIC"},
    {21, "GET_ALL_TOPIC_CONFIG"},
    {25, "UPDATE_BROKER_CONFIG"},
    {26, "GET_BROKER_CONFIG"},
    {28, "GET_BROKER_RUNTIME_INFO"},
    {29, "SEARCH_OFFSET_BY_TIMESTAMP"},
    {30, "GET_MAX_OFFSET"},
    {31, "GET_MIN_OFFSET"},
    {32, "GET_EARLIEST_MSG_STORETIME"},
    {33, "VIEW_MESSAGE_BY_ID"},
    {34, "HEART_BEAT"},
    {35, "UNREGISTER_CLIENT"},
    {36, "CONSUMER_SEND_MSG_BACK"},
    {37, "END_TRANSACTION"},
    {38, "GET_CONSUMER_LIST_BY_GROUP"},
    {39, "CHECK_TRANSACTION_STATE"},
    {40, "NOTIFY_CONSUMER_IDS_CHANGED"},
    {41, "LOCK_BATCH_MQ"},
    {42, "UNLOCK_BATCH_MQ"},
    {43, "GET_ALL_CONSUMER_OFFSET"},
    {46, "CHECK_CLIENT_CONFIG"},
    {105, "GET_ROUTEINFO_BY_TOPIC"},
    {106, "GET_BROKER_CLUSTER_INFO"},
    {200, "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP"},
    {201, "GET_ALL_SUBSCRIPTIONGROUP_CONFIG"},
    {202, "GET_TOPIC_STATS_INFO"},
    {203, "GET_CONSUMER_CONNECTION_LIST"},
    {204, "GET_PRODUCER_CONNECTION_LIST"},
    {206, "GET_ALL_TOPIC_LIST_FROM_NAMESERVER"},
    {207, "DELETE_SUBSCRIPTIONGROUP"},
    {208, "GET_CONSUME_STATS"},
    {215, "DELETE_TOPIC_IN_BROKER"},
    {216, "DELETE_TOPIC_IN_NAMESRV"},
    {220, "RESET_CONSUMER_CLIENT_OFFSET"},
    {221, "GET_CONSUMER_STATUS_FROM_CLIENT"},
    {222, "INVOKE_BROKER_TO_RESET_OFFSET"},
    {224, "GET_TOPICS_BY_CLUSTER"},
    {300, "QUERY_TOPIC_CONSUME_BY_WHO"},
    {307, "GET_CONSUMER_RUNNING_INFO"},
    {309, "CONSUME_MESSAGE_DIRECTLY"},
    {310, "SEND_MESSAGE_V2"},
    {320, "SEND_BATCH_MESSAGE"},
    {326, "PUSH_REPLY_MESSAGE_TO_CLIENT"},
    {328, "GET_ALL_PRODUCER_INFO"},
    {351, "GET_TOPIC_CONFIG"},
    {352, "GET_SUBSCRIPTIONGROUP_CONFIG"},
    {361, "LITE_PULL_MESSAGE"},
    {370, "RECALL_MESSAGE"},
    {3001, "AUTH_CREATE_USER"},
    {3003, "AUTH_DELETE_USER"},
    {3005, "AUTH_LIST_USER"},
    {3006, "AUTH_CREATE_ACL"},
    {3008, "AUTH_DELETE_ACL"},
    {3010, "AUTH_LIST_ACL"},
    {200050, "POP_MESSAGE"},
    {200051, "ACK_MESSAGE"},
    {200053, "CHANGE_MESSAGE_INVISIBLETIME"},
    {200151, "BATCH_ACK_MESSAGE"},
});

template <std::size_t N>
std::string name_in(const std::array<CodeName, N>& names, std::int32_t code) {
  for (const CodeName& each : names) {
    if (each.code == code) return std::string(each.name);
  }
  return "code " + std::to_string(code);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool tells_of_access(std::string_view remark) {
  static constexpr auto kParts = std::to_array<std::string_view>(
      {"AclException", "AuthenticationException", "AuthorizationException", "signature",
       "Signature", "accessKey", "No acl", "no acl",
       // brokers 5.x
       "no permission to access", "username cannot be null", "User:", "verify the credentials",
       "verify your access rights", "The request of", "The subject"});
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](std::string_view part) { return contains(remark, part); });
}

// What a broker answers for an exception that its own code let through (RemotingHelper
// .exceptionSimpleDesc, 4.9 and 5.x): one that is starting throws where its statistics are empty yet.
bool tells_of_exception(std::string_view remark) { return remark.starts_with("java."); }

Verdict classify_system_error(CallKind kind, std::string_view remark) {
  if (tells_of_access(remark)) return Verdict::kFatal;
  if (kind == CallKind::kAdmin && tells_of_exception(remark)) return Verdict::kUnknown;
  // 4.9 pulls answer a queue id beyond the topic's queues with code 1: the route decides.
  if (kind == CallKind::kPull)
    return contains(remark, "queueId") ? Verdict::kRetryOther : Verdict::kFatal;
  return kind == CallKind::kSend ? Verdict::kUnknown : Verdict::kFatal;
}

Verdict classify_no_permission(CallKind kind, std::string_view remark) {
  if (kind == CallKind::kAdmin || tells_of_access(remark)) return Verdict::kFatal;
  return Verdict::kRetryOther;
}

ErrorCode error_code_of(std::int32_t code, Verdict verdict, std::string_view remark) {
  if (is_access_refusal(code, remark)) return ErrorCode::kPermissionDenied;
  switch (code) {
    case response_code::kTopicNotExist:
    case response_code::kSubscriptionGroupNotExist:
    case response_code::kQueryNotFound:
    case response_code::kConsumerNotOnline:
      return ErrorCode::kNotFound;
    case response_code::kNoPermission:
      return ErrorCode::kPermissionDenied;
    case response_code::kPullOffsetMoved:
      return ErrorCode::kOutOfRange;
    case response_code::kTopicExistAlready:
      return ErrorCode::kAlreadyExists;
    case response_code::kRequestCodeNotSupported:
      return ErrorCode::kUnsupported;
    case response_code::kMessageIllegal:
    case response_code::kInvalidParameter:
    case response_code::kSubscriptionParseFailed:
      return ErrorCode::kInvalidArgument;
    default:
      break;
  }
  return verdict == Verdict::kFatal ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable;
}

CallKind kind_of(RequestCode request) {
  switch (request) {
    case RequestCode::kSendMessage:
    case RequestCode::kSendMessageV2:
    case RequestCode::kSendBatchMessage:
    case RequestCode::kSendReplyV2:
      return CallKind::kSend;
    case RequestCode::kPullMessage:
    case RequestCode::kLitePullMessage:
    case RequestCode::kPopMessage:
      return CallKind::kPull;
    default:
      return CallKind::kAdmin;
  }
}

}  // namespace

bool is_access_refusal(std::int32_t code, std::string_view remark) {
  return (code == response_code::kSystemError || code == response_code::kNoPermission) &&
         tells_of_access(remark);
}

Verdict classify(CallKind kind, std::int32_t code, std::string_view remark) {
  switch (code) {
    case response_code::kSuccess:
      return Verdict::kSuccess;
    case response_code::kSystemError:
      return classify_system_error(kind, remark);
    case response_code::kSystemBusy:
    case response_code::kFlowControl:
    case 209:
    case 212:
      return Verdict::kRetrySame;
    case response_code::kRequestCodeNotSupported:
      return Verdict::kUnsupported;
    case response_code::kFlushDiskTimeout:
    case response_code::kSlaveNotAvailable:
    case response_code::kFlushSlaveTimeout:
      return kind == CallKind::kSend ? Verdict::kStored : Verdict::kRetryOther;
    case response_code::kServiceNotAvailable:
    case response_code::kTopicNotExist:
    case response_code::kNotLeaderForQueue:
    case response_code::kGoAway:
    case 204:
    case 205:
    case 211:
    case -1000:
    case -1002:
    case -1004:
    case -1006:
      return Verdict::kRetryOther;
    case response_code::kNoPermission:
      return classify_no_permission(kind, remark);
    case response_code::kTopicExistAlready:
    case response_code::kPullNotFound:
    case response_code::kPullRetryImmediately:
    case response_code::kPullOffsetMoved:
    case response_code::kQueryNotFound:
    case response_code::kNoMessage:
    case response_code::kPollingTimeout:
      return Verdict::kNormal;
    case response_code::kSubscriptionNotExist:
    case response_code::kSubscriptionNotLatest:
    case response_code::kFilterDataNotExist:
    case response_code::kFilterDataNotLatest:
      return Verdict::kResubscribe;
    case response_code::kInvalidParameter:
      return contains(remark, "queueId") || contains(remark, "queue id") ? Verdict::kRetryOther
                                                                         : Verdict::kFatal;
    default:
      return Verdict::kFatal;
  }
}

std::string response_code_name(std::int32_t code) { return name_in(kResponseNames, code); }

std::string request_code_name(std::int32_t code) { return name_in(kRequestNames, code); }

std::string version_text(std::int64_t ordinal) {
  // Ordinals of an enumeration with a snapshot and a release for each of x.0.0 to x.9.9.
  constexpr std::int64_t kFirst = 212;  // 4.0.0-SNAPSHOT
  constexpr std::int64_t kEnd = kFirst + std::int64_t{2} * 2 * 100;
  if (ordinal < kFirst || ordinal >= kEnd) return "number " + std::to_string(ordinal);
  const std::int64_t release = 400 + (ordinal - kFirst) / 2;
  return std::to_string(release / 100) + "." + std::to_string(release / 10 % 10) + "." +
         std::to_string(release % 10) + (ordinal % 2 == 0 ? "-SNAPSHOT" : "");
}

Error answer_error(RequestCode request, std::int32_t code, std::string_view remark) {
  const Verdict verdict = classify(kind_of(request), code, remark);
  Error error;
  error.code = error_code_of(code, verdict, remark);
  error.retryable = verdict == Verdict::kRetrySame || verdict == Verdict::kRetryOther ||
                    verdict == Verdict::kResubscribe || verdict == Verdict::kUnknown;
  error.message = request_code_name(static_cast<std::int32_t>(request)) + " was answered " +
                  response_code_name(code) + " (" + std::to_string(code) + ")";
  if (!remark.empty()) error.message.append(": ").append(remark);
  return error;
}

}  // namespace slipstream::rocketmq
