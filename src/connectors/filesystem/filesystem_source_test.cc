#include <gmock/gmock.h>
#include <unistd.h>

#include "connector_kit/testing/connector_harness.h"
#include "connectors/filesystem/filesystem_connector.h"

namespace slipstream::filesystem_connector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ReaderHarness;
using ::testing::SizeIs;
using Poll = SourceReader::Poll;

Schema two_columns() { return Schema({{"id", Type::bigint()}, {"name", Type::string()}}); }

Result<std::unique_ptr<Source>> source_of(
    const TemporaryFolder& folder, OptionMap options = {},
    std::vector<TableDefinition::MetadataColumn> metadata = {}) {
  options.try_emplace("path", folder.path());
  options.try_emplace("format", "json");
  TableDefinition table = testing::table_of(two_columns(), std::move(options));
  table.metadata = std::move(metadata);
  return make_factory()->make_source(testing::source_request(std::move(table)));
}

std::string problem_of(const TemporaryFolder& folder, OptionMap options) {
  const auto source = source_of(folder, std::move(options));
  return source.ok() ? "" : source.error().to_string();
}

// Everything that a bounded read of the folder gives.
std::vector<std::string> rows_of(const TemporaryFolder& folder, OptionMap options = {},
                                 std::size_t batch_rows = 4096) {
  const auto source = source_of(folder, std::move(options));
  EXPECT_TRUE(source.ok()) << source.status().to_string();
  ReaderHarness bench(**source, batch_rows);
  EXPECT_TRUE(bench.discover().ok());
  const auto last = bench.drain();
  EXPECT_TRUE(last.ok()) << last.status().to_string();
  EXPECT_EQ(*last, Poll::kEnd);
  return bench.rows;
}

std::string error_of_reading(const TemporaryFolder& folder, OptionMap options = {}) {
  const auto source = source_of(folder, std::move(options));
  EXPECT_TRUE(source.ok()) << source.status().to_string();
  ReaderHarness bench(**source);
  if (const Status found = bench.discover(); !found.ok()) return found.to_string();
  const auto last = bench.drain();
  return last.ok() ? "" : last.error().to_string();
}

std::string numbered_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text +=
        "{\"id\":" + std::to_string(i) + ",\"name\":\"name of row " + std::to_string(i) + "\"}\n";
  return text;
}

TEST(FilesystemSource, ReadsFilesOfAFolderInOrderOfNames) {
  const TemporaryFolder folder;
  folder.write("b.json", "{\"id\":3,\"name\":\"c\"}\n");
  folder.write("a.json", "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}\n");
  folder.write("deep/er/c.json", "{\"id\":4,\"name\":\"d\"}");
  EXPECT_THAT(rows_of(folder), ElementsAre("+I(1, a)", "+I(2, b)", "+I(3, c)", "+I(4, d)"));
}

TEST(FilesystemSource, ReadsASingleFile) {
  const TemporaryFolder folder;
  folder.write("a.json", "{\"id\":1,\"name\":\"a\"}\n");
  folder.write("b.json", "{\"id\":2,\"name\":\"b\"}\n");
  EXPECT_THAT(rows_of(folder, {{"path", folder / "b.json"}}), ElementsAre("+I(2, b)"));
  EXPECT_THAT(rows_of(folder, {{"path", "file://" + (folder / "b.json")}}),
              ElementsAre("+I(2, b)"));
}

TEST(FilesystemSource, PassesOverHiddenFilesAndFolders) {
  const TemporaryFolder folder;
  folder.write("a.json", "{\"id\":1,\"name\":\"a\"}\n");
  folder.write(".part-1.inprogress", "{\"id\":2,");
  folder.write("_temporary/b.json", "{\"id\":3,");
  folder.write(".git/c.json", "no");
  EXPECT_THAT(rows_of(folder), ElementsAre("+I(1, a)"));
}

TEST(FilesystemSource, PatternIsOfTheWholePath) {
  const TemporaryFolder folder;
  folder.write("a.json", "{\"id\":1,\"name\":\"a\"}\n");
  folder.write("a.json.bak", "{\"id\":2,\"name\":\"b\"}\n");
  EXPECT_THAT(rows_of(folder, {{"source.path.regex-pattern", ".*/a\\.json"}}),
              ElementsAre("+I(1, a)"));
  // Look-around, which RE2 does not have.
  EXPECT_THAT(rows_of(folder, {{"source.path.regex-pattern", ".*/a(?!.*bak).*"}}),
              ElementsAre("+I(1, a)"));
  EXPECT_THAT(problem_of(folder, {{"source.path.regex-pattern", "("}}),
              HasSubstr("'source.path.regex-pattern': the pattern '('"));
}

TEST(FilesystemSource, LinesMayEndAnyWay) {
  const TemporaryFolder folder;
  folder.write("a.csv",
               "\xEF\xBB\xBF"
               "1,a\r\n\n2,b\n3,c");
  folder.write("b.csv", "");
  folder.write("c.csv", "4,d");
  EXPECT_THAT(rows_of(folder, {{"format", "csv"}}),
              ElementsAre("+I(1, a)", "+I(2, b)", "+I(3, c)", "+I(4, d)"));
}

TEST(FilesystemSource, CutsLinesAcrossBuffersAndBatches) {
  const TemporaryFolder folder;
  const std::string big(700'000, 'x');  // longer than one buffer
  folder.write("a.json", numbered_lines(20'000) + "{\"id\":-1,\"name\":\"" + big + "\"}\n" +
                             numbered_lines(3));
  for (const std::size_t batch : {std::size_t{7}, std::size_t{4096}}) {
    const std::vector<std::string> rows = rows_of(folder, {}, batch);
    ASSERT_THAT(rows, SizeIs(20'004));
    EXPECT_EQ(rows[0], "+I(0, name of row 0)");
    EXPECT_EQ(rows[19'999], "+I(19999, name of row 19999)");
    EXPECT_EQ(rows[20'000], "+I(-1, " + big + ")");
    EXPECT_EQ(rows[20'003], "+I(2, name of row 2)");
  }
}

TEST(FilesystemSource, BatchesHoldTheirRowsAndEvents) {
  const TemporaryFolder folder;
  folder.write("a.json", numbered_lines(10));
  folder.write("b.json", numbered_lines(1));
  const auto source = source_of(folder);
  ReaderHarness bench(**source, 4);
  ASSERT_TRUE(bench.discover().ok());
  EXPECT_TRUE(bench.complete);
  ASSERT_EQ(*bench.drain(), Poll::kEnd);
  EXPECT_THAT(bench.batch_sizes, ElementsAre(4, 4, 3));
  std::vector<std::string> events;
  for (const SplitEvent& event : bench.events) events.push_back(testing::event_text(event));
  EXPECT_THAT(events, ElementsAre("0 added", "1 added", "0 ended", "1 ended"));
  EXPECT_THAT(bench.runs, SizeIs(4));
  EXPECT_EQ(bench.runs.back().split, 1U);
  EXPECT_EQ(bench.runs.back().begin, 2U);
  EXPECT_EQ(bench.counters["filesystem_source_lines_total"], 11);
  EXPECT_EQ(bench.counters["filesystem_source_files_total"], 2);
}

TEST(FilesystemSource, RestoresAtTheExactLine) {
  const TemporaryFolder folder;
  folder.write("a.json", numbered_lines(10));
  folder.write("b.json", numbered_lines(2));
  const auto source = source_of(folder);
  ReaderHarness before(**source, 3);
  ASSERT_TRUE(before.discover().ok());
  ASSERT_TRUE(before.poll().ok());
  ASSERT_TRUE(before.poll().ok());
  EXPECT_THAT(before.rows, SizeIs(6));
  const auto state = before.reader->snapshot(1);
  ASSERT_TRUE(state.ok());
  const std::string files = before.enumerator->snapshot();

  // A bounded table does not look for files again, and what is appended is not read.
  folder.write("c.json", numbered_lines(5));
  folder.append("a.json", numbered_lines(5));
  ReaderHarness after(**source, 3);
  ASSERT_TRUE(after.discover(files, true).ok());
  EXPECT_EQ(after.next_index, 0U);
  ASSERT_TRUE(after.add(*state).ok());
  ASSERT_EQ(*after.drain(), Poll::kEnd);
  EXPECT_THAT(after.rows,
              ElementsAre("+I(6, name of row 6)", "+I(7, name of row 7)", "+I(8, name of row 8)",
                          "+I(9, name of row 9)", "+I(0, name of row 0)", "+I(1, name of row 1)"));

  // Read to the end: nothing is left, whatever became of the files.
  const auto ended = after.reader->snapshot(2);
  std::filesystem::remove(folder / "a.json");
  ReaderHarness later(**source);
  ASSERT_TRUE(later.add(*ended).ok());
  ASSERT_EQ(*later.drain(), Poll::kEnd);
  EXPECT_THAT(later.rows, SizeIs(0));
}

TEST(FilesystemSource, NoticesThatAFileChanged) {
  const TemporaryFolder folder;
  folder.write("a.json", numbered_lines(1'000));
  const auto source = source_of(folder);
  ReaderHarness before(**source, 600);
  ASSERT_TRUE(before.discover().ok());
  ASSERT_TRUE(before.poll().ok());
  const auto state = before.reader->snapshot(1);
  ASSERT_TRUE(state.ok());
  const auto error_with = [&](const std::string& content) {
    folder.write("a.json", content);
    ReaderHarness after(**source);
    EXPECT_TRUE(after.add(*state).ok());
    const auto last = after.drain();
    return last.ok() ? "" : last.error().message;
  };
  const std::string content = numbered_lines(1'000);
  EXPECT_THAT(error_with(content.substr(0, content.size() - 1)),
              AllOf(HasSubstr("table 't'"), HasSubstr(folder / "a.json"), HasSubstr("it has"),
                    HasSubstr("start anew")));
  EXPECT_THAT(error_with("X" + content), HasSubstr("its first bytes are others"));
  std::string middle = content;
  middle[content.find("row 599")] = 'R';
  EXPECT_THAT(error_with(middle), HasSubstr("where reading stood, are others"));
  EXPECT_EQ(error_with(content + content), "");
  std::filesystem::remove(folder / "a.json");
  ReaderHarness gone(**source);
  EXPECT_TRUE(gone.add(*state).ok());
  EXPECT_EQ(gone.drain().error().code, ErrorCode::kNotFound);
}

TEST(FilesystemSource, NoticesAFileThatBecomesShorterWhileItIsRead) {
  const TemporaryFolder folder;
  folder.write("a.json", numbered_lines(40'000));
  const auto source = source_of(folder);
  ReaderHarness bench(**source);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(bench.poll().ok());
  std::filesystem::resize_file(folder / "a.json", 600'000);
  const auto last = bench.drain();
  ASSERT_FALSE(last.ok());
  EXPECT_THAT(last.error().message, HasSubstr("it became shorter and ends at byte 600000"));
}

TEST(FilesystemSource, MonitorsForNewFiles) {
  const TemporaryFolder folder;
  folder.write("a.json", numbered_lines(1));
  folder.write("empty.json", "");
  const auto source = source_of(folder, {{"source.monitor-interval", "200 ms"}});
  EXPECT_FALSE((*source)->bounded());
  ReaderHarness bench(**source);
  ASSERT_TRUE(bench.discover().ok());
  EXPECT_FALSE(bench.complete);
  EXPECT_EQ(bench.enumerator->discovery_interval(), std::chrono::milliseconds(200));
  ASSERT_TRUE(bench.drain().ok());
  EXPECT_THAT(bench.rows, SizeIs(1));
  const std::string state = bench.enumerator->snapshot();

  folder.write("0.json", numbered_lines(2));
  folder.write("empty.json", numbered_lines(3));
  ASSERT_TRUE(bench.look().ok());
  ASSERT_TRUE(bench.look().ok());
  ASSERT_TRUE(bench.drain().ok());
  EXPECT_THAT(bench.rows, SizeIs(6));
  // A restored enumerator finds what came since.
  ReaderHarness restored(**source);
  ASSERT_TRUE(restored.discover(state, true).ok());
  ASSERT_TRUE(restored.drain().ok());
  EXPECT_THAT(restored.rows, SizeIs(5));
  // The folder may be away for a while.
  std::filesystem::remove_all(folder.path());
  const Status away = bench.look();
  ASSERT_FALSE(away.ok());
  EXPECT_TRUE(away.error().retryable);
}

TEST(FilesystemSource, PausedFilesAreLeftForOthers) {
  const TemporaryFolder folder;
  folder.write("a.json", numbered_lines(4));
  folder.write("b.json", numbered_lines(1));
  const auto source = source_of(folder);
  ReaderHarness bench(**source, 2);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(bench.poll().ok());
  const std::vector<std::uint32_t> paused{0};
  bench.reader->pause(paused);
  EXPECT_EQ(*bench.drain(), Poll::kNothing);
  EXPECT_THAT(bench.rows,
              ElementsAre("+I(0, name of row 0)", "+I(1, name of row 1)", "+I(0, name of row 0)"));
  bench.reader->pause({});
  EXPECT_EQ(*bench.drain(), Poll::kEnd);
  EXPECT_EQ(bench.rows.back(), "+I(3, name of row 3)");
  EXPECT_THAT(bench.rows, SizeIs(5));
}

TEST(FilesystemSource, BadLinesFailOrAreSkipped) {
  const TemporaryFolder folder;
  folder.write("a.json", "{\"id\":1,\"name\":\"a\"}\n{\"id\":\"x\"}\n{\"id\":3,\"name\":\"c\"}\n");
  EXPECT_THAT(error_of_reading(folder),
              AllOf(HasSubstr("table 't': line 2 (byte 20) of file '" + (folder / "a.json") + "'"),
                    HasSubstr("id"), HasSubstr("'decode.errors' = 'skip'")));
  const auto source = source_of(folder, {{"decode.errors", "skip"}});
  ReaderHarness bench(**source);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(bench.drain().ok());
  EXPECT_THAT(bench.rows, ElementsAre("+I(1, a)", "+I(3, c)"));
  EXPECT_EQ(bench.counters["filesystem_source_decode_errors_total"], 1);
}

TEST(FilesystemSource, LineNumbersGoOnAfterARestore) {
  const TemporaryFolder folder;
  folder.write("a.json", numbered_lines(5) + "bad\n");
  const auto source = source_of(folder);
  ReaderHarness before(**source, 5);
  ASSERT_TRUE(before.discover().ok());
  ASSERT_TRUE(before.poll().ok());
  ReaderHarness after(**source, 5);
  ASSERT_TRUE(after.add(*before.reader->snapshot(1)).ok());
  EXPECT_THAT(after.drain().error().message, HasSubstr("line 6 (byte "));
}

TEST(FilesystemSource, LongLinesAreAnError) {
  const TemporaryFolder folder;
  folder.write("a.json", numbered_lines(1) + std::string(100, 'x') + "\n");
  EXPECT_THAT(error_of_reading(folder, {{"source.line-bytes-max", "99"}}),
              AllOf(HasSubstr("the line at byte "), HasSubstr("longer than 99 bytes"),
                    HasSubstr("'source.line-bytes-max'")));
  folder.write("a.json", numbered_lines(1) + std::string(2'000'000, 'x'));
  EXPECT_THAT(error_of_reading(folder, {{"source.line-bytes-max", "1 mb"}}),
              HasSubstr("longer than 1048576 bytes"));
}

TEST(FilesystemSource, MetadataOfTheFile) {
  const TemporaryFolder folder;
  folder.write("in/a.json", "{\"id\":1,\"name\":\"a\"}\n");
  using Column = TableDefinition::MetadataColumn;
  const auto source =
      source_of(folder, {},
                {Column{"p", "file.path", Type::string(), true},
                 Column{"file.name", "file.name", Type::string(), true},
                 Column{"s", "file.size", Type::bigint(), true},
                 Column{"m", "file.modification-time", Type::timestamp_ltz(3), true}});
  ASSERT_TRUE(source.ok()) << source.status().to_string();
  const auto when = std::filesystem::file_time_type::clock::from_sys(
      std::chrono::sys_seconds(std::chrono::sys_days(std::chrono::year(2024) / 2 / 3)));
  std::filesystem::last_write_time(folder / "in/a.json", when);
  ReaderHarness bench(**source);
  ASSERT_TRUE(bench.discover().ok());
  ASSERT_TRUE(bench.drain().ok());
  ASSERT_THAT(bench.rows, SizeIs(1));
  EXPECT_THAT(bench.rows[0], HasSubstr("+I(1, a, " + (folder / "in/a.json") +
                                       ", a.json, 20, 2024-02-03 00:00:00"));
  const auto error = [&](const char* key, Type type) {
    return source_of(folder, {}, {Column{"c", key, std::move(type), true}}).error().message;
  };
  EXPECT_THAT(error("file.nam", Type::string()), HasSubstr("did you mean 'file.name'"));
  EXPECT_THAT(error("file.size", Type::string()), HasSubstr("declare it BIGINT"));
}

TEST(FilesystemSource, SaysWhatIsWrongWithThePath) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of_reading(folder, {{"path", folder / "none"}}),
              AllOf(HasSubstr("not found: table 't'"), HasSubstr(folder / "none"),
                    HasSubstr("correct the option 'path'")));
  EXPECT_THAT(error_of_reading(folder, {{"path", "/dev/null"}}),
              HasSubstr("neither a file nor a folder"));
  EXPECT_EQ(error_of_reading(folder), "");  // empty folder: no rows
  EXPECT_THAT(problem_of(folder, {{"path", "hdfs://host/x"}}),
              HasSubstr("is in the file system 'hdfs'; only local files"));
  EXPECT_THAT(problem_of(folder, {{"path", ""}}), HasSubstr("option 'path' is empty"));
  EXPECT_THAT(problem_of(folder, {{"format", "jsonl"}}), HasSubstr("did you mean 'json'"));
  EXPECT_THAT(problem_of(folder, {{"source.monitor-intervall", "1 s"}}),
              HasSubstr("source.monitor-interval"));
  EXPECT_THAT(problem_of(folder, {{"source.monitor-interval", "0"}}),
              HasSubstr("must be at least 1 ms"));
  const auto no_format = make_factory()->make_source(
      testing::source_request(testing::table_of(two_columns(), {{"path", "/tmp"}})));
  EXPECT_THAT(no_format.error().message, HasSubstr("missing option 'format'"));
}

TEST(FilesystemSource, UnreadableFilesAreNamed) {
  const TemporaryFolder folder;
  folder.write("a.json", numbered_lines(1));
  std::filesystem::permissions(folder / "a.json", std::filesystem::perms::none);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  // The superuser may read everything: be somebody else for the moment.
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::seteuid(65'534), 0);
  }
  const std::string error = error_of_reading(folder);
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_THAT(error,
              AllOf(HasSubstr("permission denied: table 't'"), HasSubstr(folder / "a.json")));
}

TEST(FilesystemSource, StateOfAnotherVersionIsRefused) {
  const TemporaryFolder folder;
  const auto source = source_of(folder);
  ReaderHarness bench(**source);
  for (const char* state :
       {"", "2,0,1,0,0,0,0", "1,0,1,0,0,0", "1,5,1,0,0,0,0", "1,0,1,0,0,0,0,9", "1,a"})
    EXPECT_EQ(bench.add({Split{"a.json", state}}).error().code, ErrorCode::kCorrupt) << state;
  EXPECT_EQ(bench.discover("9", true).error().code, ErrorCode::kCorrupt);
}

TEST(FilesystemSource, ReadsChanges) {
  const TemporaryFolder folder;
  folder.write(
      "a.json",
      "{\"before\":null,\"after\":{\"id\":1,\"name\":\"a\"},\"op\":\"c\"}\n"
      "{\"before\":{\"id\":1,\"name\":\"a\"},\"after\":{\"id\":1,\"name\":\"b\"},\"op\":\"u\"}\n");
  const auto source = source_of(folder, {{"format", "debezium-json"}});
  EXPECT_TRUE((*source)->updating());
  EXPECT_THAT(rows_of(folder, {{"format", "debezium-json"}}),
              ElementsAre("+I(1, a)", "-U(1, a)", "+U(1, b)"));
}

}  // namespace
}  // namespace slipstream::filesystem_connector
