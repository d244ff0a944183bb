#include "rocketmq/protocol/codes.h"

#include <gtest/gtest.h>

namespace slipstream::rocketmq {
namespace {

TEST(Codes, StoredSendsAreNeverSentAgain) {
  for (const int code : {10, 11, 12}) {
    EXPECT_EQ(classify(CallKind::kSend, code, ""), Verdict::kStored);
    EXPECT_NE(classify(CallKind::kAdmin, code, ""), Verdict::kStored);
  }
}

TEST(Codes, SystemErrorOfASendIsUnknownUnlessAccessWasRefused) {
  EXPECT_EQ(classify(CallKind::kSend, 1, "java.lang.IllegalStateException"), Verdict::kUnknown);
  EXPECT_EQ(classify(CallKind::kSend, 1,
                     "org.apache.rocketmq.acl.common.AclException: Check signature failed"),
            Verdict::kFatal);
  EXPECT_EQ(classify(CallKind::kAdmin, 1, ""), Verdict::kFatal);
}

// A broker of 4.9.7 that had just started gave this to a committer, which ended its job.
TEST(Codes, AnExceptionOfTheBrokerIsWorthAnotherTry) {
  const Error error =
      answer_error(RequestCode::kBrokerRuntime, 1,
                   "java.util.NoSuchElementException, java.base/java.util.LinkedList.getLast");
  EXPECT_TRUE(error.retryable);
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_FALSE(answer_error(RequestCode::kBrokerRuntime, 1,
                            "java.lang.RuntimeException, AclException: no accessKey")
                   .retryable);
}

TEST(Codes, BusyMeansNothingWasDone) {
  EXPECT_EQ(classify(CallKind::kSend, 2, "[TIMEOUT_CLEAN_QUEUE]"), Verdict::kRetrySame);
  EXPECT_EQ(classify(CallKind::kPull, 2, "[REJECTREQUEST]"), Verdict::kRetrySame);
}

TEST(Codes, QueueIdBeyondTheTopicAsksForANewRoute) {
  EXPECT_EQ(classify(CallKind::kPull, 29, "queueId[9] is illegal, topic:[T]"),
            Verdict::kRetryOther);
  EXPECT_EQ(classify(CallKind::kPull, 1, "queueId[9] is illegal, topic:[T]"), Verdict::kRetryOther);
  EXPECT_EQ(classify(CallKind::kPull, 29, "topic contains illegal characters"), Verdict::kFatal);
}

TEST(Codes, OrdinaryOutcomesOfAPullAreNotErrors) {
  for (const int code : {19, 20, 21})
    EXPECT_EQ(classify(CallKind::kPull, code, ""), Verdict::kNormal);
}

TEST(Codes, ErrorsNameRequestAnswerAndRemark) {
  const Error error = answer_error(RequestCode::kPullMessage, 17, "the topic[T] not exist");
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_TRUE(error.retryable);
  EXPECT_EQ(error.message,
            "PULL_MESSAGE was answered TOPIC_NOT_EXIST (17): the topic[T] not exist");
  const Error illegal = answer_error(RequestCode::kSendMessageV2, 13, "");
  EXPECT_FALSE(illegal.retryable);
  EXPECT_EQ(illegal.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(response_code_name(4711), "code 4711");
}

TEST(CodesTest, VersionsBehindTheirNumbers) {
  EXPECT_EQ(version_text(399), "4.9.3");
  EXPECT_EQ(version_text(409), "4.9.8");
  EXPECT_EQ(version_text(kVersion5), "5.0.0-SNAPSHOT");
  EXPECT_EQ(version_text(479), "5.3.3");
  EXPECT_EQ(version_text(513), "5.5.0");
  EXPECT_EQ(version_text(121), "number 121");
  EXPECT_EQ(version_text(5'000), "number 5000");
}

}  // namespace
}  // namespace slipstream::rocketmq
