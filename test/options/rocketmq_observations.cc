// The options of connector rocketmq: sources and sinks as the engine would make them, on scripted
// brokers.
#include <algorithm>
#include <stop_token>

#include <gtest/gtest.h>

#include "slipstream/connector/element_condition.h"
#include "slipstream/connectors.h"

#include "base/clock.h"
#include "base/testing/temporary_folder.h"
#include "base/testing/wait_until.h"
#include "connector_kit/testing/connector_harness.h"
#include "observation.h"
#include "rocketmq/testing/scripted_broker.h"
#include "tls_proxy.h"

namespace slipstream::test {
namespace {

using io::testing::Identity;
using rocketmq::RequestCode;
using rocketmq::testing::Fault;
using rocketmq::testing::ScriptedBroker;
using slipstream::testing::Counters;
using slipstream::testing::MemoryEpochFile;
using slipstream::testing::ReaderHarness;
using Effect = std::function<std::string(const OptionMap&)>;

// --- sources ---

// A broker, and a table over its topic "T" with one queue.
class SourceSide {
 public:
  explicit SourceSide(const OptionMap& options, Schema schema = Schema({{"n", Type::integer()}}))
      : options_(options), schema_(std::move(schema)) {
    broker.create_topic("T", 1);
    if (!options_.contains("topic-pattern")) options_.insert({"topic", "T"});
    options_.insert({{"nameServerAddress", broker.name_server()},
                     {"consumerGroup", "g"},
                     {"format", "json"},
                     {"scan.startup.mode", "earliest"}});
  }
  void send(int n, std::int64_t store_ms = 0, const std::string& topic = "T") {
    broker.append({topic, "broker-a", 0}, "{\"n\":" + std::to_string(n) + "}", {}, store_ms);
  }
  // A reader that has all splits; null: refused.
  ReaderHarness* reader() {
    auto made = (*registry_->find("rocketmq"))
                    ->make_source(slipstream::testing::source_request(
                        slipstream::testing::table_of(schema_, options_)));
    if (!made.ok()) return nullptr;
    source_ = std::move(*made);
    if (!conditions_.empty()) dynamic_cast<NarrowedByElements&>(*source_).narrow(conditions_);
    // the harness takes it that a reader can be made
    EnumeratorContext context;
    context.clock = &clock_;
    const auto reached = source_->make_enumerator(std::move(context));
    if (!reached.ok()) return nullptr;
    reader_ = std::make_unique<ReaderHarness>(*source_);
    return reader_->discover().ok() ? reader_.get() : nullptr;
  }
  // What WHERE properties['color'] = 'red' says. REQUIRES: nobody reads yet
  void narrow_to_red() {
    ElementCondition red;
    red.kind = ElementCondition::Kind::kEqualsAny;
    red.column = "properties";
    red.is_metadata = true;
    red.key = "color";
    red.texts = {"red"};
    conditions_ = {red};
  }
  // Of a table that ends: "1 2"; or "refused".
  std::string rows() {
    ReaderHarness* harness = reader();
    if (harness == nullptr) return "refused";
    EXPECT_TRUE(wait_until([&] {
      const auto polled = harness->poll();
      return !polled.ok() || *polled == SourceReader::Poll::kEnd;
    }));
    std::string seen;
    for (const std::string& row : harness->rows)
      seen += (seen.empty() ? "" : " ") + row.substr(3, row.size() - 4);
    return seen;
  }

  ScriptedBroker broker;

 private:
  const SystemClock clock_;
  const std::unique_ptr<ConnectorRegistry> registry_ = builtin_connectors();
  OptionMap options_;
  const Schema schema_;
  std::vector<ElementCondition> conditions_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<ReaderHarness> reader_;
};

const OptionMap kToTheEnd = {{"scan.bounded.mode", "latest-offset"}};

std::string read_topic(const OptionMap& options) {
  SourceSide side(options);
  side.broker.create_topic("U", 1);
  side.send(1);
  side.send(2, 0, "U");
  return side.rows();
}

std::string read_cluster(const OptionMap& options) {
  ScriptedBroker other;
  other.create_topic("T", 1);
  other.append({"T", "broker-a", 0}, "{\"n\":2}");
  OptionMap given = options;
  const bool here = given.extract("nameServerAddress").mapped() == "here";
  if (!here) given["nameServerAddress"] = other.name_server();
  SourceSide side(given);
  side.send(1);
  return side.rows();
}

std::string pulls_with(const OptionMap& options) {
  SourceSide side(options);
  side.send(1);
  side.narrow_to_red();
  EXPECT_EQ(side.rows(), "1");
  return side.broker.last_field(RequestCode::kPullMessage, "subscription");
}

std::string read_until(const OptionMap& options) {
  SourceSide side(options);
  for (int n = 1; n <= 3; ++n) side.send(n, 1'000 * n);
  return side.rows();
}

std::string read_recording(const OptionMap& options) {
  const TemporaryFolder folder;
  folder.write("one", R"({"body":"{\"n\":1}"})");
  folder.write("two", R"({"body":"{\"n\":2}"})");
  OptionMap given = options;
  std::string& file = given.at("scan.recording");
  file = folder / file;
  return SourceSide(given).rows();
}

// A topic of three queues, as that table has it.
std::string admin_rows(const OptionMap& options) {
  ScriptedBroker broker;
  broker.create_topic("T", 3);
  OptionMap given = options;
  given["nameServerAddress"] = broker.name_server();
  const auto registry = builtin_connectors();
  const auto made =
      (*registry->find("rocketmq-admin"))
          ->make_source(slipstream::testing::source_request(
              slipstream::testing::table_of(Schema({{"topic", Type::string()}}), given)));
  if (!made.ok()) return "refused";
  ReaderHarness reader(**made);
  EXPECT_TRUE(reader.discover().ok());
  EXPECT_TRUE(wait_until([&] {
    const auto polled = reader.poll();
    return !polled.ok() || *polled == SourceReader::Poll::kEnd;
  }));
  return std::to_string(reader.rows.size()) + " rows";
}

std::string looks_for_queues(const OptionMap& options) {
  SourceSide side(options);
  const ReaderHarness* reader = side.reader();
  if (reader == nullptr) return "refused";
  const auto every = reader->enumerator->discovery_interval();
  return reader->complete ? "once" : "every " + std::to_string(every.count()) + " ms";
}

// A field of the pull that waits at the end of an empty queue.
Effect field_of_pull(const std::string& field) {
  return [field](const OptionMap& options) -> std::string {
    SourceSide side(options);
    if (side.reader() == nullptr) return "refused";
    EXPECT_TRUE(wait_until([&] { return side.broker.parked_pulls() == 1; }));
    return side.broker.last_field(RequestCode::kPullMessage, field);
  };
}

// All answers but the first stay away: how many pulls are under way then. They leave together.
std::string pulls_under_way(const OptionMap& options) {
  SourceSide side(options);
  for (int n = 0; n < 1'000; ++n) side.send(n);
  side.broker.inject(RequestCode::kPullMessage, Fault{.kind = Fault::Kind::kDelay, .delay_ms = 1});
  side.broker.inject(RequestCode::kPullMessage, Fault{.kind = Fault::Kind::kSilence}, 100);
  ReaderHarness* reader = side.reader();
  if (reader == nullptr) return "refused";
  EXPECT_TRUE(wait_until([&] { return side.broker.requests_seen(RequestCode::kPullMessage) > 1; }));
  EXPECT_TRUE(reader->look().ok());  // whatever left before has arrived
  return std::to_string(side.broker.requests_seen(RequestCode::kPullMessage) - 1);
}

// Heartbeats measure the time of pulls, and pulls that of heartbeats.
std::string pauses_when_empty(const OptionMap& options) {
  SourceSide side(options);
  if (side.reader() == nullptr) return "refused";
  const auto pulls = [&] { return side.broker.requests_seen(RequestCode::kPullMessage); };
  EXPECT_TRUE(wait_until(
      [&] { return pulls() > 20 || side.broker.requests_seen(RequestCode::kHeartbeat) > 100; }));
  return pulls() > 20 ? "asks on" : "pauses";
}

std::string sends_heartbeats(const OptionMap& options) {
  SourceSide side(options);
  if (side.reader() == nullptr) return "refused";
  const auto beats = [&] { return side.broker.requests_seen(RequestCode::kHeartbeat); };
  EXPECT_TRUE(wait_until(
      [&] { return beats() > 10 || side.broker.requests_seen(RequestCode::kPullMessage) > 300; }));
  return beats() > 10 ? "again and again" : "at the start";
}

std::string client_id(const OptionMap& options) {
  SourceSide side(options);
  if (side.reader() == nullptr) return "refused";
  EXPECT_TRUE(wait_until([&] { return !side.broker.last_heartbeat().empty(); }));
  for (const char* unit : {"east", "west"}) {
    if (side.broker.last_heartbeat().find(std::string("@") + unit + "\"") != std::string::npos)
      return std::string("is of ") + unit;
  }
  return "is of no unit";
}

// --- access ---

std::string reads_signed(const OptionMap& options) {
  const TemporaryFolder folder;
  folder.write("right", "accessKey=user\nsecretKey=word\nsecurityToken=token\n");
  folder.write("wrong", "accessKey=user\nsecretKey=word\n");
  OptionMap given = options;
  if (const auto file = given.find("credentials.file"); file != given.end())
    file->second = folder / file->second;
  SourceSide side(given);
  side.send(1);
  side.broker.require(
      rocketmq::Credentials{.access_key = "user", .secret_key = "word", .security_token = "token"});
  return side.rows();
}

struct Certificates {
  const Identity ca{"options-ca", nullptr, nullptr, -2, 2};
  const Identity server{"options-server", &ca, "DNS:broker.example", -2, 2};
  const Identity one{"one", &ca, nullptr, -2, 2};
  const Identity two{"two", &ca, nullptr, -2, 2};
};

// How a name server is spoken to that has a certificate for broker.example; nothing: it is not.
// The values of files are "ca", "one", "two" (a certificate or a key), "one-with-key" and
// "two-with-key" (both in one file) and "locked" (the key of one, behind the password "word").
std::string speaks(const OptionMap& options) {
  static const Certificates kAll;
  const TemporaryFolder folder;
  const auto both = [&](const Identity& identity) {
    std::string text;
    for (const std::string& file : {identity.certificate_file, identity.key_file}) {
      std::ostringstream content;
      content << std::ifstream(file).rdbuf();
      text += content.str();
    }
    return text;
  };
  folder.write("one-with-key", both(kAll.one));
  folder.write("two-with-key", both(kAll.two));
  const std::map<std::string, std::pair<std::string, std::string>> files = {
      {"ca", {kAll.ca.certificate_file, ""}},
      {"one", {kAll.one.certificate_file, kAll.one.key_file}},
      {"two", {kAll.two.certificate_file, kAll.two.key_file}},
      {"one-with-key", {folder / "one-with-key", ""}},
      {"two-with-key", {folder / "two-with-key", ""}},
      {"locked", {"", kAll.one.locked_key("word")}}};
  OptionMap given = options;
  for (const char* option : {"tls.ca-file", "tls.cert-file", "tls.key-file"}) {
    const auto named = given.find(option);
    if (named == given.end()) continue;
    const auto& [certificate, key] = files.at(named->second);
    named->second = option == std::string("tls.key-file") ? key : certificate;
  }
  ScriptedBroker behind;
  const std::string address = behind.name_server();
  TlsProxy proxy(kAll.server,
                 static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  given["nameServerAddress"] = proxy.address();
  SourceSide side(given);
  EXPECT_EQ(side.reader(), nullptr) << "its topic is not there, which is found out by asking";
  return proxy.seen();
}

// --- sinks ---

// A broker with topic "out", and a table that is written there.
class SinkSide {
 public:
  SinkSide(const OptionMap& options, const Clock& clock,
           const Schema& schema = Schema({{"n", Type::integer()}}),
           const std::vector<std::string>& primary_key = {})
      : clock_(clock) {
    broker.create_topic("out", 1);
    OptionMap given = options;
    given.insert(
        {{"topic", "out"}, {"nameServerAddress", broker.name_server()}, {"format", "json"}});
    TableDefinition table = slipstream::testing::table_of(schema, std::move(given));
    table.primary_key = primary_key;
    auto made = (*registry_->find("rocketmq"))
                    ->make_sink(slipstream::testing::sink_request(std::move(table)));
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    sink_ = std::move(*made);
    WriterContext context;
    context.attempt_token = 7;
    context.guarantee = sink_->guarantee();
    context.metrics = counters_.metrics();
    context.clock = &clock_;
    context.wake = [this] { ++wakes; };
    auto writer = sink_->make_writer(std::move(context));
    EXPECT_TRUE(writer.ok()) << writer.status().to_string();
    writer_ = std::move(*writer);
  }
  Result<SinkWriter::Write> write() {
    return write({slipstream::testing::column_of(Type::integer(), {"1"})});
  }
  Result<SinkWriter::Write> write(std::vector<ColumnPtr> columns) {
    return writer_->write(slipstream::testing::batch_of(std::move(columns)), &file_);
  }
  // The barrier; the epoch's committable.
  Committable prepare() {
    Committable committable;
    committable.checkpoint = 1;
    EXPECT_TRUE(wait_until([&] {
      const auto handle = writer_->prepare(1, &file_);
      EXPECT_TRUE(handle.ok());
      if (handle.ok() && *handle) committable.handle = **handle;
      return !handle.ok() || handle->has_value();
    }));
    folder_.write("epoch", file_.content);
    committable.epoch_file = folder_ / "epoch";
    return committable;
  }
  // `silent_ms`: since a former process, whose epoch it is, was alive; -1 = it is our own.
  Status commit(const Committable& committable, std::int64_t silent_ms = -1) {
    const auto committer = sink_->make_committer({counters_.metrics(), &clock_});
    EXPECT_TRUE(committer.ok());
    std::stop_source stop;
    CommitContext context;
    context.recovered = silent_ms >= 0;
    context.stop = stop.get_token();
    context.check_lease = [] { return Status(); };
    context.last_lease_ms = clock_.wall_ms() - silent_ms;
    context.progress = [&](std::string_view) { stop.request_stop(); };  // it has to wait
    return (*committer)->commit(std::vector{committable}, context);
  }
  std::size_t stored() const { return broker.messages({"out", "broker-a", 0}).size(); }

  ScriptedBroker broker;
  std::atomic<int> wakes = 0;

 private:
  const std::unique_ptr<ConnectorRegistry> registry_ = builtin_connectors();
  const Clock& clock_;
  const TemporaryFolder folder_;
  Counters counters_;
  MemoryEpochFile file_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<SinkWriter> writer_;
};

std::string producer_group(const OptionMap& options) {
  const SystemClock clock;
  SinkSide side(options, clock);
  EXPECT_TRUE(side.write().ok());
  side.prepare();
  return side.broker.last_field(RequestCode::kSendBatchMessage, "a");
}

std::string written_before_commit(const OptionMap& options) {
  const SystemClock clock;
  SinkSide side(options, clock);
  EXPECT_TRUE(side.write().ok());
  side.prepare();
  return std::to_string(side.stored()) + " sent";
}

// Its broker is away; the writer asks to be called again half a second later.
std::string waits_for_a_broker(const OptionMap& options) {
  const SystemClock clock;
  SinkSide side(options, clock);
  side.broker.set_registered("broker-a", false);
  const auto first = side.write();
  EXPECT_TRUE(first.ok()) << first.status().to_string();
  EXPECT_TRUE(wait_until([&] { return side.wakes > 0; }));
  return side.write().ok() ? "waits" : "fails";
}

std::string group_that_looks(const OptionMap& options) {
  const SystemClock clock;
  SinkSide side(options, clock);
  EXPECT_TRUE(side.write().ok());
  const Committable epoch = side.prepare();
  EXPECT_TRUE(side.commit(epoch).ok());
  EXPECT_TRUE(side.commit(epoch, 60'000).ok());
  return side.broker.last_field(RequestCode::kPullMessage, "consumerGroup");
}

// Ten seconds after the former process was alive.
std::string recovery_waits(const OptionMap& options) {
  const FakeClock clock(1'000'000);
  SinkSide side(options, clock);
  EXPECT_TRUE(side.write().ok());
  return side.commit(side.prepare(), 10'000).ok() ? "looks" : "waits";
}

// A message whose key and body disagree, read as (a, b); then the row (1, x) written: "key body".
std::string keys_read_and_written(const OptionMap& options) {
  const Schema schema({{"a", Type::integer()}, {"b", Type::string()}});
  SourceSide source(options, schema);
  source.broker.append({"T", "broker-a", 0}, R"({"a":1,"b":"body"})",
                       "KEYS\x01{\"b\":\"key\"}\x02");
  OptionMap written = options;
  written.erase("scan.bounded.mode");
  const SystemClock clock;
  SinkSide sink(written, clock, schema);
  EXPECT_TRUE(sink.write({slipstream::testing::column_of(Type::integer(), {"1"}),
                          slipstream::testing::column_of(Type::string(), {"x"})})
                  .ok());
  sink.prepare();
  std::string seen = "(" + source.rows() + ")";
  for (const auto& message : sink.broker.messages({"out", "broker-a", 0})) {
    for (const std::string& key : message.keys) seen += " " + key;
    seen += " " + message.body;
  }
  return seen;
}

// The row 1 of a table with a PRIMARY KEY, and its message.
std::string key_and_body(const OptionMap& options) {
  const SystemClock clock;
  SinkSide side(options, clock, Schema({{"n", Type::integer()}}), {"n"});
  EXPECT_TRUE(side.write().ok());
  side.prepare();
  const auto messages = side.broker.messages({"out", "broker-a", 0});
  EXPECT_EQ(messages.size(), 1U);
  return std::string(messages.front().property("KEYS").value_or("no key")) + ": " +
         messages.front().body;
}

void add_sources(std::vector<Observation>& all) {
  const auto add = [&](const std::string& option, Observation::Side one, Observation::Side other,
                       OptionMap others, Effect effect) {
    all.push_back({"connector rocketmq", option, std::move(one), std::move(other),
                   std::move(others), std::move(effect)});
  };
  add("topic", {"T", "1"}, {"U", "2"}, kToTheEnd, read_topic);
  add("topic-pattern", {"[ST]", "1"}, {"U+", "2"}, kToTheEnd, read_topic);
  const auto add_key = [&](const std::string& option, Observation::Side one,
                           Observation::Side other) {
    OptionMap others{{"key.format", "json"},
                     {"key.fields", "b"},
                     {"value.fields-include", "EXCEPT_KEY"},
                     {"scan.bounded.mode", "latest-offset"}};
    others.erase(option);
    add(option, std::move(one), std::move(other), std::move(others), keys_read_and_written);
  };
  add_key("key.format", {"json", R"((1, key) {"b":"x"} {"a":1})"},
          {"raw", R"((1, {"b":"key"}) x {"a":1})"});
  add_key("key.fields", {"b", R"((1, key) {"b":"x"} {"a":1})"},
          {"a", R"((NULL, body) {"a":1} {"b":"x"})"});
  add_key("value.fields-include", {"EXCEPT_KEY", R"((1, key) {"b":"x"} {"a":1})"},
          {"ALL", R"((1, body) {"b":"x"} {"a":1,"b":"x"})"});
  add("nameServerAddress", {"here", "1"}, {"there", "2"}, kToTheEnd, read_cluster);
  add("scan.bounded.timestamp-millis", {"2000", "1"}, {"3000", "1 2"},
      {{"scan.bounded.mode", "timestamp"}}, read_until);
  add("scan.bounded.specific-offsets", {"broker-a:0:1", "1"}, {"broker-a:0:2", "1 2"},
      {{"scan.bounded.mode", "specific-offsets"}}, read_until);
  all.push_back({"connector rocketmq-admin",
                 "table",
                 {"topics", "1 rows"},
                 {"queues", "3 rows"},
                 {},
                 admin_rows});
  add("scan.recording", {"one", "1"}, {"two", "2"}, {}, read_recording);
  add("scan.topic-partition-discovery.interval", {"250 ms", "every 250 ms"}, {"0 s", "once"}, {},
      looks_for_queues);
  add("pullBatchSize", {"7", "7"}, {"9", "9"}, {}, field_of_pull("maxMsgNums"));
  add("scan.pull.concurrency", {"2", "2"}, {"5", "5"}, {}, pulls_under_way);
  add("scan.pull.wait", {"20 s", "20000"}, {"30 s", "30000"}, {},
      field_of_pull("suspendTimeoutMillis"));
  add("scan.filter.push-down", {"true", "INNER_NUM IS NOT NULL OR (color = 'red')"}, {"false", "*"},
      kToTheEnd, pulls_with);
  add("scan.pull.pause-when-empty", {"0 s", "asks on"}, {"1 h", "pauses"},
      {{"scan.pull.wait", "1 ms"}, {"heartbeat.interval", "20 ms"}}, pauses_when_empty);
  add("heartbeat.interval", {"20 ms", "again and again"}, {"1 h", "at the start"},
      {{"scan.pull.wait", "5 ms"}}, sends_heartbeats);
  add("unit.name", {"east", "is of east"}, {"west", "is of west"}, {}, client_id);
}

void add_access(std::vector<Observation>& all) {
  const auto add = [&](const std::string& option, Observation::Side one, Observation::Side other,
                       OptionMap others, Effect effect) {
    all.push_back({"connector rocketmq", option, std::move(one), std::move(other),
                   std::move(others), std::move(effect)});
  };
  const OptionMap keys = {{"accessKey", "user"}, {"secretKey", "word"}, {"securityToken", "token"}};
  for (const auto& [option, right] : keys) {
    OptionMap others = keys;
    others.erase(option);
    others.insert(kToTheEnd.begin(), kToTheEnd.end());
    add(option, {right, "1"}, {"other", "refused"}, others, reads_signed);
  }
  add("credentials.file", {"right", "1"}, {"wrong", "refused"}, kToTheEnd, reads_signed);

  add("tls.enabled", {"true", "TLS"}, {"false", "plain"}, {{"tls.verify", "none"}}, speaks);
  const OptionMap trusting = {{"tls.enabled", "true"}, {"tls.verify", "none"}};
  add("tls.cert-file", {"one-with-key", "TLS as one"}, {"two-with-key", "TLS as two"}, trusting,
      speaks);
  OptionMap with_certificate = trusting;
  with_certificate["tls.cert-file"] = "one";
  add("tls.key-file", {"one", "TLS as one"}, {"two", ""}, with_certificate, speaks);
  with_certificate["tls.key-file"] = "locked";
  add("tls.key-password", {"word", "TLS as one"}, {"another", ""}, with_certificate, speaks);
  const OptionMap with_ca = {{"tls.enabled", "true"}, {"tls.ca-file", "ca"}};
  add("tls.verify", {"ca", "TLS"}, {"full", ""}, with_ca, speaks);
  add("tls.server-name", {"broker.example", "TLS"}, {"other.example", ""}, with_ca, speaks);
}

void add_sinks(std::vector<Observation>& all) {
  const auto add = [&](const std::string& option, Observation::Side one, Observation::Side other,
                       OptionMap others, Effect effect) {
    all.push_back({"connector rocketmq", option, std::move(one), std::move(other),
                   std::move(others), std::move(effect)});
  };
  add("changelog.mode", {"upsert", R"({"n":1}: {"n":1})"}, {"format", R"(no key: {"n":1})"}, {},
      key_and_body);
  add("produceGroup", {"p", "p"}, {"q", "q"}, {}, producer_group);
  add("sink.delivery-guarantee", {"at-least-once", "1 sent"}, {"exactly-once", "0 sent"}, {},
      written_before_commit);
  add("sink.send-timeout", {"100 ms", "fails"}, {"1 h", "waits"}, {}, waits_for_a_broker);
  OptionMap exactly = {{"sink.delivery-guarantee", "exactly-once"}};
  add("sink.fence-wait", {"0 ms", "looks"}, {"1 h", "waits"}, exactly, recovery_waits);
  exactly["sink.fence-wait"] = "0 ms";
  add("sink.scan-group", {"s", "s"}, {"t", "t"}, exactly, group_that_looks);
}

}  // namespace

std::vector<Observation> rocketmq_observations() {
  std::vector<Observation> all;
  add_sources(all);
  add_access(all);
  add_sinks(all);
  return all;
}

}  // namespace slipstream::test
