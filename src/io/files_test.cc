#include "io/files.h"

#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/testing/temporary_folder.h"

namespace slipstream::io {
namespace {

class FilesTest : public testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

TEST_F(FilesTest, AtomicWriteReplacesAndLeavesNothingBehind) {
  const auto path = folder_ / "f";
  ASSERT_TRUE(write_file_atomically(path, "one").ok());
  ASSERT_TRUE(write_file_atomically(path, std::string(200'000, 'x')).ok());
  EXPECT_EQ(read_file(path)->size(), 200'000U);
  EXPECT_EQ(*io::file_size(path), 200'000U);
  EXPECT_EQ(*list_directory(folder_), std::vector<std::string>{"f"});
  EXPECT_FALSE(write_file_atomically(folder_ / "missing" / "f", "x").ok());
}

TEST_F(FilesTest, ErrorsNameThePath) {
  const auto missing = read_file(folder_ / "missing");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("missing"), std::string::npos);
  EXPECT_TRUE(remove_file(folder_ / "missing").ok());
}

TEST_F(FilesTest, FoldersAreMadeWithAllAboveThem) {
  const auto deep = folder_ / "a" / "b" / "c";
  EXPECT_TRUE(make_directories(deep / "").ok());
  EXPECT_TRUE(std::filesystem::is_directory(deep));
  EXPECT_TRUE(make_directories(deep).ok());
}

TEST_F(FilesTest, NamesAreSyncedWhereTheyStand) {
  EXPECT_TRUE(sync_name(folder_).ok());
  EXPECT_TRUE(sync_name(folder_ / "").ok());
  EXPECT_TRUE(sync_name("/").ok());
  const Status missing = sync_name(folder_ / "missing" / "f");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("missing'"), std::string::npos) << missing.to_string();
}

TEST_F(FilesTest, WhatHasNoSizeIsReadToItsEnd) {
  const auto path = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string text(200'000, 'x');  // more than a pipe holds
  std::jthread writer([&] { std::ofstream(path) << text; });
  EXPECT_EQ(*read_file(path), text);
  const auto folder = read_file(folder_);
  ASSERT_FALSE(folder.ok());
  EXPECT_NE(folder.error().message.find("Is a directory"), std::string::npos);
}

TEST_F(FilesTest, AppendContinuesAndTruncates) {
  const auto path = folder_ / "log";
  {
    auto file = AppendFile::open(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->append("abc").ok());
    ASSERT_TRUE(file->sync().ok());
  }
  auto again = AppendFile::open(path);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->size(), 3U);
  ASSERT_TRUE(again->append("def").ok());
  EXPECT_EQ(*read_file_range(path, 2, 3), "cde");
  EXPECT_EQ(read_file_range(path, 4, 3).error().code, ErrorCode::kCorrupt);
  ASSERT_TRUE(again->truncate(4).ok());
  ASSERT_TRUE(again->append("X").ok());
  EXPECT_EQ(*read_file(path), "abcdX");
}

TEST_F(FilesTest, ALockIsExclusiveUntilReleased) {
  const auto path = folder_ / "lock";
  {
    auto first = FileLock::acquire(path);
    ASSERT_TRUE(first.ok());
    const auto second = FileLock::acquire(path);
    ASSERT_FALSE(second.ok());
    EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
  }
  EXPECT_TRUE(FileLock::acquire(path).ok());
}

}  // namespace
}  // namespace slipstream::io
