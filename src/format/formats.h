// The formats that registry.cc knows, one function each, and what they share.
#pragma once

#include "format/format.h"

namespace slipstream::format {

Format csv_format();
Format debezium_json_format();
Format delimited_format();
Format json_format();
Format raw_format();

// The fields of `schema` that `projection` wants, in its order.
std::vector<Field> projected_fields(const Schema& schema, std::span<const std::size_t> projection);
// Makes the text columns among `columns`, nested ones too, keep `buffer`.
void pin_text(std::span<ColumnBuilder* const> columns, const BufferPtr& buffer);
// Decodes \n \t \r \b \f \\ \" \' \0 and \uXXXX (to UTF-8); other backslashes stay.
std::string decode_escapes(std::string_view text);
// "expected ..., found ...", at most 64 characters of the body: for failures.
std::string shown_text(std::string_view text);

}  // namespace slipstream::format
