#include "cli/row_printer.h"

#include <gtest/gtest.h>

#include "data/testing/columns.h"

namespace slipstream::cli {
namespace {

std::string printed(OutputFormat format) {
  ColumnBuilder bytes(Type::bytes());
  bytes.append_text(std::string_view("\xff\0a", 3));
  ColumnBuilder text(Type::string());
  text.append_text("\xff\x1b[2J");
  const Batch batch = testing::batch_of({bytes.finish(), text.finish()});
  RowPrinter printer(format, Schema({{"b", Type::bytes()}, {"s", Type::string()}}), false,
                     TimeZone());
  ::testing::internal::CaptureStdout();
  const Status status = printer.print(batch);
  EXPECT_TRUE(status.ok());
  return ::testing::internal::GetCapturedStdout();
}

// As the formats of the same names write them.
TEST(RowPrinter, BytesAreBase64ForPrograms) {
  EXPECT_EQ(printed(OutputFormat::kJson), "{\"b\":\"/wBh\",\"s\":\"\xef\xbf\xbd\\u001B[2J\"}\n");
  EXPECT_EQ(printed(OutputFormat::kCsv), "b,s\n/wBh,\xff\x1b[2J\n");
}

TEST(RowPrinter, WhatMessagesHoldDoesNotSteerTheTerminal) {
  const std::string table = printed(OutputFormat::kTable);
  EXPECT_NE(table.find("\xef\xbf\xbd\\u0000a"), std::string::npos) << table;
  EXPECT_NE(table.find("\xef\xbf\xbd\\u001B[2J\n"), std::string::npos) << table;
}

}  // namespace
}  // namespace slipstream::cli
