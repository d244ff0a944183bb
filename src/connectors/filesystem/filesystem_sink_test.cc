#include <gmock/gmock.h>
#include <unistd.h>

#include "connector_kit/testing/connector_harness.h"
#include "connectors/filesystem/epoch_handle.h"
#include "connectors/filesystem/filesystem_connector.h"

namespace slipstream::filesystem_connector {
namespace {

using ::testing::AllOf;
using testing::Counters;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MemoryEpochFile;
using ::testing::SizeIs;
using ::testing::StartsWith;

Schema two_columns() { return Schema({{"id", Type::bigint()}, {"name", Type::string()}}); }

Batch rows_of(std::vector<std::pair<int, std::string>> rows) {
  slipstream::testing::Texts ids;
  slipstream::testing::Texts names;
  for (auto& [id, name] : rows) {
    ids.emplace_back(std::to_string(id));
    names.emplace_back(std::move(name));
  }
  return slipstream::testing::batch_of({slipstream::testing::column_of(Type::bigint(), ids),
                                        slipstream::testing::column_of(Type::string(), names)});
}

Result<std::unique_ptr<Sink>> sink_of(const TemporaryFolder& folder, OptionMap options = {},
                                      bool updating = false) {
  options.try_emplace("path", folder.path());
  options.try_emplace("format", "json");
  SinkRequest request = testing::sink_request(testing::table_of(two_columns(), std::move(options)));
  request.updating = updating;
  return make_factory()->make_sink(request);
}

const SystemClock kClock;

WriterContext writer_context(Counters& counters, const Sink& sink, std::uint64_t token = 7) {
  WriterContext context;
  context.attempt_token = token;
  context.guarantee = sink.guarantee();
  context.metrics = counters.metrics();
  context.clock = &kClock;
  return context;
}

// A sink that writes exactly once, its folder, and the folder of its epoch files.
class ExactlyOnce : public ::testing::Test {
 protected:
  ExactlyOnce() { open(); }

  void open(OptionMap options = {}) {
    options["sink.delivery-guarantee"] = "exactly-once";
    sink_ = std::move(*sink_of(out_, std::move(options)));
    writer_ = std::move(*sink_->make_writer(writer_context(counters_, *sink_, ++token_)));
    committer_ = std::move(*sink_->make_committer({counters_.metrics(), &kClock}));
  }
  // Writes the rows as one epoch; nothing is published yet.
  Committable seal(CheckpointId checkpoint, const std::vector<Batch>& batches) {
    MemoryEpochFile file;
    for (const Batch& batch : batches)
      EXPECT_EQ(*writer_->write(batch, &file), SinkWriter::Write::kAccepted);
    Committable committable;
    committable.checkpoint = checkpoint;
    committable.handle = **writer_->prepare(checkpoint, &file);
    const std::string name = "epoch-" + std::to_string(token_) + "-" + std::to_string(checkpoint);
    epochs_.write(name, file.content);
    committable.epoch_file = epochs_ / name;
    return committable;
  }
  Status commit(const Committable& committable, bool recovered = false) {
    CommitContext context;
    context.recovered = recovered;
    context.check_lease = [this] {
      ++leases_;
      return lease_;
    };
    return committer_->commit(std::span(&committable, 1), context);
  }

  TemporaryFolder out_;
  TemporaryFolder epochs_;
  Counters counters_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<SinkWriter> writer_;
  std::unique_ptr<SinkCommitter> committer_;
  std::uint64_t token_ = 100;
  Status lease_;
  int leases_ = 0;
};

TEST_F(ExactlyOnce, PublishesWithTheCommitOnly) {
  EXPECT_EQ(sink_->guarantee(), Guarantee::kExactlyOnce);
  const Committable epoch = seal(5, {rows_of({{1, "a"}, {2, "b"}}), rows_of({{3, "c"}})});
  EXPECT_THAT(out_.files(), IsEmpty());
  ASSERT_TRUE(commit(epoch).ok());
  const auto files = out_.files();
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_THAT(files.begin()->first, AllOf(StartsWith("part-"), HasSubstr("-0-0000000005.json")));
  EXPECT_EQ(files.begin()->second,
            "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}\n{\"id\":3,\"name\":\"c\"}\n");
  EXPECT_EQ(leases_, 1);
}

TEST_F(ExactlyOnce, CommittingAgainChangesNothing) {
  const Committable epoch = seal(5, {rows_of({{1, "a"}})});
  ASSERT_TRUE(commit(epoch).ok());
  const auto files = out_.files();
  ASSERT_TRUE(commit(epoch, true).ok());
  // By a new process, whose writer has another token.
  open();
  ASSERT_TRUE(commit(epoch, true).ok());
  EXPECT_EQ(out_.files(), files);
  EXPECT_EQ(leases_, 1);
}

TEST_F(ExactlyOnce, ACrashBetweenPrepareAndCommitLosesNothing) {
  const Committable epoch = seal(5, {rows_of({{1, "a"}})});
  open();
  ASSERT_TRUE(commit(epoch, true).ok());
  EXPECT_THAT(out_.files(), SizeIs(1));
}

TEST_F(ExactlyOnce, ACrashWhilePublishingLeavesNoHalfFile) {
  open({{"sink.rolling-policy.file-size", "20"}});
  const Committable epoch = seal(5, {rows_of({{1, "a"}, {2, "b"}, {3, "c"}})});
  // The process died after the first file and in the middle of the second.
  ASSERT_TRUE(commit(epoch).ok());
  std::vector<std::string> names;
  for (const auto& [name, content] : out_.files()) names.push_back(name);
  ASSERT_THAT(names, SizeIs(3));
  std::filesystem::remove(out_ / names[1]);
  std::filesystem::remove(out_ / names[2]);
  out_.write(hidden_name(names[1]), "{\"id\":2,\"na and much more than is needed here");
  open();
  ASSERT_TRUE(commit(epoch, true).ok());
  EXPECT_EQ(out_.read(names[1]), "{\"id\":2,\"name\":\"b\"}\n");
  EXPECT_EQ(out_.read(names[2]), "{\"id\":3,\"name\":\"c\"}\n");
  EXPECT_THAT(out_.files(), SizeIs(3));
}

TEST_F(ExactlyOnce, FilesRollBetweenRowsAndBatches) {
  open({{"sink.rolling-policy.file-size", "45"}});
  const Committable epoch =
      seal(5, {rows_of({{1, "a"}, {2, "b"}}), rows_of({{3, "c"}, {4, "d"}, {5, "e"}})});
  ASSERT_TRUE(commit(epoch).ok());
  std::vector<std::string> contents;
  for (const auto& [name, content] : out_.files()) contents.push_back(content);
  EXPECT_THAT(
      contents,
      ElementsAre(
          "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}\n{\"id\":3,\"name\":\"c\"}\n",
          "{\"id\":4,\"name\":\"d\"}\n{\"id\":5,\"name\":\"e\"}\n"));
}

TEST_F(ExactlyOnce, EpochsAndStartsNeverShareNames) {
  ASSERT_TRUE(commit(seal(1, {rows_of({{1, "a"}})})).ok());
  ASSERT_TRUE(commit(seal(2, {rows_of({{2, "b"}})})).ok());
  // A fresh start in the same folder counts its checkpoints from 1 again.
  open();
  ASSERT_TRUE(commit(seal(1, {rows_of({{1, "a"}})})).ok());
  EXPECT_THAT(out_.files(), SizeIs(3));
}

TEST_F(ExactlyOnce, AnEmptyEpochIsNothing) {
  EXPECT_EQ(seal(1, {}).handle, "");
  EXPECT_EQ(seal(2, {rows_of({})}).handle, "");
}

TEST_F(ExactlyOnce, StopsWhenAnotherProcessOwnsTheFolder) {
  const Committable epoch = seal(5, {rows_of({{1, "a"}})});
  lease_ = Error{ErrorCode::kCancelled, "another process took over"};
  EXPECT_THAT(commit(epoch).to_string(), HasSubstr("another process took over"));
  EXPECT_THAT(out_.files(), IsEmpty());
}

TEST_F(ExactlyOnce, RefusesAFileThatWasChanged) {
  const Committable epoch = seal(5, {rows_of({{1, "a"}})});
  ASSERT_TRUE(commit(epoch).ok());
  out_.append(out_.files().begin()->first, "more\n");
  const Status again = commit(epoch, true);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(again.error().message, AllOf(HasSubstr("25 bytes"), HasSubstr("20 were to be")));
}

TEST_F(ExactlyOnce, CutsOfABrokenHandleAreRefused) {
  Committable epoch = seal(5, {rows_of({{1, "a"}})});
  for (const char* handle :
       {"", "2\npart-a\n.json\n5", "1\npart-a\n.json\n", "1\n../x\n.json\n5",
        "1\npart-a\n.json\n5,5", "1\npart-a/b\n.json\n5", "1\npart-a\n.json\n5,"}) {
    epoch.handle = handle;
    EXPECT_EQ(commit(epoch).error().code, ErrorCode::kCorrupt) << handle;
  }
}

TEST(FilesystemSink, AtLeastOncePublishesAtCheckpoints) {
  const TemporaryFolder folder;
  Counters counters;
  const auto sink = sink_of(folder);
  EXPECT_EQ((*sink)->guarantee(), Guarantee::kAtLeastOnce);
  auto writer = std::move(*(*sink)->make_writer(writer_context(counters, **sink)));
  ASSERT_TRUE(writer->write(rows_of({{1, "a"}}), nullptr).ok());
  for (const auto& [name, content] : folder.files()) EXPECT_THAT(name, StartsWith("."));
  EXPECT_EQ(**writer->prepare(1, nullptr), "");
  ASSERT_TRUE(writer->write(rows_of({{2, "b"}}), nullptr).ok());
  EXPECT_EQ(**writer->prepare(2, nullptr), "");
  EXPECT_EQ(**writer->prepare(3, nullptr), "");
  std::vector<std::string> contents;
  for (const auto& [name, content] : folder.files()) {
    EXPECT_THAT(name, StartsWith("part-"));
    contents.push_back(content);
  }
  EXPECT_THAT(contents, ElementsAre("{\"id\":1,\"name\":\"a\"}\n", "{\"id\":2,\"name\":\"b\"}\n"));
  EXPECT_EQ(counters["filesystem_sink_files_total"], 2);
}

TEST(FilesystemSink, PartFilesRollBySize) {
  const TemporaryFolder folder;
  Counters counters;
  const auto sink = sink_of(folder, {{"sink.rolling-policy.file-size", "30"}});
  auto writer = std::move(*(*sink)->make_writer(writer_context(counters, **sink)));
  ASSERT_TRUE(writer->write(rows_of({{1, "a"}, {2, "b"}, {3, "c"}}), nullptr).ok());
  ASSERT_TRUE(writer->write(rows_of({{4, "d"}, {5, "e"}}), nullptr).ok());
  ASSERT_TRUE(writer->prepare(1, nullptr).ok());
  std::vector<std::size_t> sizes;
  for (const auto& [name, content] : folder.files()) sizes.push_back(content.size());
  EXPECT_THAT(sizes, ElementsAre(40, 40, 20));
}

TEST(FilesystemSink, AFailedAttemptLeavesNothing) {
  const TemporaryFolder folder;
  Counters counters;
  const auto sink = sink_of(folder);
  auto writer = std::move(*(*sink)->make_writer(writer_context(counters, **sink)));
  ASSERT_TRUE(writer->write(rows_of({{1, "a"}}), nullptr).ok());
  EXPECT_THAT(folder.files(), SizeIs(1));
  writer.reset();
  EXPECT_THAT(folder.files(), IsEmpty());
}

TEST(FilesystemSink, LeftOversOfDeadProcessesAreRemovedAtStart) {
  const TemporaryFolder folder;
  Counters counters;
  const auto sink = sink_of(folder);
  auto living = std::move(*(*sink)->make_writer(writer_context(counters, **sink)));
  ASSERT_TRUE(living->write(rows_of({{1, "a"}}), nullptr).ok());
  const std::string name = folder.files().begin()->first;
  const std::string dead = ".part-" + hash_of_sink("sink-1") + "-x.inprogress";
  const std::string foreign = ".part-00000000-x.inprogress";
  folder.write(dead, "{\"id");
  folder.write(foreign, "{\"id");
  ASSERT_TRUE((*sink)->check_before_start().ok());
  std::vector<std::string> names;
  for (const auto& [each, content] : folder.files()) names.push_back(each);
  EXPECT_THAT(names, ::testing::UnorderedElementsAre(name, foreign));
}

TEST(FilesystemSink, WritesCsvAndChanges) {
  const TemporaryFolder folder;
  Counters counters;
  const auto sink = sink_of(folder, {{"format", "csv"}});
  auto writer = std::move(*(*sink)->make_writer(writer_context(counters, **sink)));
  ASSERT_TRUE(writer->write(rows_of({{1, "a"}, {2, "x,y"}}), nullptr).ok());
  ASSERT_TRUE(writer->prepare(1, nullptr).ok());
  EXPECT_EQ(folder.files().begin()->second, "1,a\n2,\"x,y\"\n");
  EXPECT_THAT(folder.files().begin()->first, HasSubstr(".csv"));

  EXPECT_THAT(sink_of(folder, {}, true).error().message,
              AllOf(HasSubstr("changes rows that it gave before"), HasSubstr("debezium-json")));
  EXPECT_TRUE(sink_of(folder, {{"format", "debezium-json"}}, true).ok());
}

TEST(FilesystemSink, ARowWithALineBreakIsRefused) {
  const TemporaryFolder folder;
  Counters counters;
  const auto sink = sink_of(folder, {{"format", "csv"}});
  auto writer = std::move(*(*sink)->make_writer(writer_context(counters, **sink)));
  const auto written = writer->write(rows_of({{1, "a\nb"}}), nullptr);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kDataError);
  EXPECT_THAT(written.error().message, HasSubstr("a row holds a line break"));
}

TEST(FilesystemSink, MakesItsFolderOrSaysWhyNot) {
  const TemporaryFolder folder;
  ASSERT_TRUE((*sink_of(folder, {{"path", folder / "new/er"}}))->check_before_start().ok());
  EXPECT_TRUE(std::filesystem::is_directory(folder / "new/er"));
  folder.write("file", "x");
  EXPECT_THAT((*sink_of(folder, {{"path", folder / "file"}}))->check_before_start().to_string(),
              AllOf(HasSubstr("table 't': option 'path'"), HasSubstr("is a file")));
  std::filesystem::create_directory(folder / "locked");
  std::filesystem::permissions(folder / "locked", std::filesystem::perms::none);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  if (::geteuid() == 0) {
    // access() asks for the real user.
    EXPECT_TRUE((*sink_of(folder, {{"path", folder / "locked"}}))->check_before_start().ok());
  } else {
    EXPECT_THAT((*sink_of(folder, {{"path", folder / "locked"}}))->check_before_start().to_string(),
                HasSubstr("cannot be written to"));
  }
}

// What is written below a monitored folder would be read again.
TEST(FilesystemSink, PlacesTellLoops) {
  const TemporaryFolder folder;
  const auto read = [&](OptionMap options) {
    options["path"] = folder.path();
    options["format"] = "json";
    const auto source = make_factory()->make_source(
        testing::source_request(testing::table_of(two_columns(), std::move(options))));
    return (*source)->endpoints();
  };
  const auto sink = sink_of(folder, {{"path", folder / "deep/er"}});
  const std::vector<std::string> written = (*sink)->endpoints();
  const std::vector<std::string> monitored = read({{"source.monitor-interval", "1 s"}});
  ASSERT_THAT(monitored, SizeIs(1));
  EXPECT_THAT(written, ::testing::Contains(monitored[0]));
  EXPECT_THAT(read({}), IsEmpty());
  EXPECT_THAT(read({{"source.monitor-interval", "1 s"}, {"source.path.regex-pattern", ".*\\.in"}}),
              IsEmpty());
}

TEST(FilesystemSink, MetadataCannotBeWritten) {
  const TemporaryFolder folder;
  TableDefinition table =
      testing::table_of(two_columns(), {{"path", folder.path()}, {"format", "json"}});
  table.metadata.push_back({"p", "file.path", Type::string(), false});
  const auto sink = make_factory()->make_sink(testing::sink_request(table));
  EXPECT_THAT(sink.error().message,
              AllOf(HasSubstr("'file.path' cannot be written"), HasSubstr("VIRTUAL")));
}

}  // namespace
}  // namespace slipstream::filesystem_connector
