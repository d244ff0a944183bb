// Records of separated values: the syntax, apart from types.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipstream::format {

struct CsvSyntax {
  char delimiter = ',';
  char quote = '"';       // '\0': quotes are ordinary characters
  char escape = '\0';     // '\0': none
  bool comments = false;  // lines that begin with '#' are skipped
};

// One field of a record.
struct CsvField {
  std::string_view
      text;  // points into the input, or into the scanner's memory when `copied`: until next()
  bool quoted = false;
  bool copied = false;
};

// Cuts a text into records and fields. Quoted fields may hold line breaks; "" inside quotes is one
// quote; records end at \n, \r\n or the end. Empty lines are no records.
class CsvScanner {
 public:
  explicit CsvScanner(const CsvSyntax& syntax) : syntax_(syntax) {}

  // REQUIRES: `text` lives while it is scanned
  void start(std::string_view text);
  // The next record's fields; false at the end or after an error, which broken() tells apart.
  bool next(std::vector<CsvField>& fields);
  bool broken() const { return broken_; }
  // The text of the record that next() read.
  std::string_view record() const { return record_; }

 private:
  bool is_one_plain_record(std::string_view text) const;
  void split(std::vector<CsvField>& fields);
  bool skip_lines();
  bool at_end_of_field() const;
  bool scan_quoted(CsvField& field);
  std::size_t plain_prefix() const;
  void scan_plain(CsvField& field);

  CsvSyntax syntax_;
  std::string_view rest_;
  std::string_view record_;
  std::string unescaped_;  // of the record's fields; never grows while they point into it
  bool broken_ = false;
  bool plain_ = false;  // what is left is a record without quotes and escapes
};

// Appends one value, quoted as Jackson's CSV writer does: when it is longer than 24 bytes or holds
// a character up to the greatest of delimiter, quote and line breaks.
void append_csv_field(const CsvSyntax& syntax, std::string_view text, bool force_quotes,
                      std::string& out);

}  // namespace slipstream::format
