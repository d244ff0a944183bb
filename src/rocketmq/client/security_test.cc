// Signed requests, refusals, and credentials that change while connected.
#include "slipstream/rocketmq/security.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "slipstream/rocketmq/admin.h"
#include "slipstream/rocketmq/client.h"
#include "slipstream/rocketmq/consumer.h"
#include "slipstream/rocketmq/producer.h"

#include "rocketmq/testing/scripted_broker.h"

namespace slipstream::rocketmq {
namespace {

using testing::ScriptedBroker;

const Credentials kUser{.access_key = "writer", .secret_key = "s3cret-key", .security_token = {}};

class SecurityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    broker_.create_topic("T", 1);
    broker_.require(kUser);
  }
  std::unique_ptr<Client> connect(const Security& security) {
    auto client = Client::connect(
        {.name_servers = broker_.name_server(), .call_timeout_ms = 2'000, .security = security});
    EXPECT_TRUE(client.ok()) << client.status().to_string();
    return std::move(*client);
  }
  static SendResult send(Client& client) {
    Producer producer(client, {.group = "g", .total_timeout_ms = 2'000});
    Message message;
    message.topic = "T";
    message.body = "body";
    return producer.send_and_wait(std::move(message));
  }
  std::string file(const std::string& text) {
    std::string path = ::testing::TempDir() + "credentials-" +
                       ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ofstream(path, std::ios::trunc) << text;
    return path;
  }
  ScriptedBroker broker_;
};

TEST_F(SecurityTest, SignedSendsPullsAndQuestionsAreTaken) {
  const auto client = connect({.credentials = kUser});
  EXPECT_TRUE(send(*client).stored());
  Producer producer(*client, {.group = "g", .total_timeout_ms = 2'000});
  Message message;
  message.topic = "T";
  message.body = "in a batch";
  EXPECT_TRUE(producer.send_batch_and_wait({message, message}).stored());
  Consumer consumer(*client, {.group = "g"});
  ASSERT_TRUE(consumer.assign({"T", "broker-a", 0}, StartPosition::earliest()).ok());
  std::size_t seen = 0;
  while (seen < 3) {
    const auto messages = consumer.receive(5'000);
    ASSERT_TRUE(messages.ok()) << messages.status().to_string();
    ASSERT_FALSE(messages->empty());
    seen += messages->size();
  }
  Admin admin(*client);
  const auto end = admin.max_offset({"T", "broker-a", 0});
  ASSERT_TRUE(end.ok()) << end.status().to_string();
  EXPECT_EQ(*end, 3);
}

TEST_F(SecurityTest, ARefusalSaysWhoRefusedAndWhatToDoAndIsFinal) {
  const auto client = connect({});
  const SendResult missing = send(*client);
  EXPECT_EQ(missing.outcome, SendOutcome::kRefused);
  EXPECT_EQ(missing.error.code, ErrorCode::kPermissionDenied);
  EXPECT_FALSE(missing.error.retryable);
  EXPECT_NE(missing.error.message.find("refused by 127.0.0.1:"), std::string::npos)
      << missing.error.message;
  EXPECT_NE(missing.error.message.find("SLIPSTREAM_ACCESS_KEY"), std::string::npos);

  Credentials wrong = kUser;
  wrong.secret_key = "an0ther-secret";
  const auto second = connect({.credentials = wrong});
  const SendResult refused = send(*second);
  EXPECT_EQ(refused.outcome, SendOutcome::kRefused);
  EXPECT_NE(refused.error.message.find("check signature failed"), std::string::npos);
  EXPECT_EQ(refused.error.message.find(wrong.secret_key), std::string::npos);
  Consumer consumer(*second, {.group = "g"});
  ASSERT_TRUE(consumer.assign({"T", "broker-a", 0}, StartPosition::offset(0)).ok());
  const auto messages = consumer.receive(5'000);
  ASSERT_FALSE(messages.ok());
  EXPECT_EQ(messages.error().code, ErrorCode::kPermissionDenied);
  EXPECT_FALSE(messages.error().retryable);
}

TEST_F(SecurityTest, ANewTokenInTheFileIsTakenWhenTheOldOneExpires) {
  const std::string text = "accessKey=writer\nsecretKey=s3cret-key\nsecurityToken=";
  Credentials required = kUser;
  required.security_token = "first";
  broker_.require(required);
  const std::string path = file(text + "first\n");
  const auto client = connect({.credentials_file = path});
  ASSERT_TRUE(send(*client).stored());

  required.security_token = "second";
  broker_.require(required);
  const SendResult expired = send(*client);
  EXPECT_EQ(expired.outcome, SendOutcome::kRefused);
  EXPECT_NE(expired.error.message.find(path), std::string::npos) << expired.error.message;
  EXPECT_NE(expired.error.message.find("token"), std::string::npos) << expired.error.message;

  file(text + "second\n");
  EXPECT_TRUE(send(*client).stored());
}

TEST_F(SecurityTest, AFileThatCannotBeReadFailsAtOnce) {
  for (const auto& [text, part] : {std::pair{"accessKey=a\n", "secretKey is missing"},
                                   {"secretKey=topsecret\n", "accessKey is missing"},
                                   {"accessKey=a\ntopsecret\n", "line 2 is not KEY=VALUE"},
                                   {"topsecret=topsecret\n", "line 1 gives neither"}}) {
    const std::string path = file(text);
    const auto client = Client::connect(
        {.name_servers = broker_.name_server(), .security = {.credentials_file = path}});
    ASSERT_FALSE(client.ok());
    EXPECT_NE(client.error().message.find(part), std::string::npos) << client.error().message;
    EXPECT_NE(client.error().message.find(path), std::string::npos) << client.error().message;
    EXPECT_EQ(client.error().message.find("topsecret"), std::string::npos);
  }
  EXPECT_FALSE(Client::connect({.name_servers = broker_.name_server(),
                                .security = {.credentials_file = "/nowhere/at-all"}})
                   .ok());
  EXPECT_FALSE(Client::connect({.name_servers = broker_.name_server(),
                                .security = {.credentials = {.access_key = "only"}}})
                   .ok());
}

TEST_F(SecurityTest, TheFileTakesSpellingsCommentsAndBlanks) {
  const auto read = read_credentials_file(
      file("# by hand\r\n[default]\n\n access_key = a b\t\nsecret-key==x=\nSecurityToken = t"));
  ASSERT_TRUE(read.ok()) << read.status().to_string();
  EXPECT_EQ(*read, (Credentials{.access_key = "a b", .secret_key = "=x=", .security_token = "t"}));
}

TEST(SecurityFromEnvironment, FillsOnlyWhatIsOpen) {
  ::setenv("SLIPSTREAM_ACCESS_KEY", "env-user", 1);
  ::setenv("SLIPSTREAM_SECRET_KEY", "env-secret", 1);
  ::setenv("SLIPSTREAM_TLS_CA_FILE", "/env/ca.pem", 1);
  const Security open = completed_from_environment({});
  EXPECT_EQ(open.credentials.access_key, "env-user");
  EXPECT_EQ(open.credentials.secret_key, "env-secret");
  EXPECT_EQ(open.tls.ca_file, "/env/ca.pem");
  const Security given = completed_from_environment({.credentials = kUser});
  EXPECT_EQ(given.credentials, kUser);
  const Security from_file = completed_from_environment({.credentials_file = "/f"});
  EXPECT_TRUE(from_file.credentials.empty());
  ::setenv("SLIPSTREAM_CREDENTIALS", "/env/file", 1);
  EXPECT_EQ(completed_from_environment({}).credentials_file, "/env/file");
  EXPECT_TRUE(completed_from_environment({}).credentials.empty());
  for (const char* name : {"SLIPSTREAM_ACCESS_KEY", "SLIPSTREAM_SECRET_KEY",
                           "SLIPSTREAM_TLS_CA_FILE", "SLIPSTREAM_CREDENTIALS"}) {
    ::unsetenv(name);
  }
}

}  // namespace
}  // namespace slipstream::rocketmq
