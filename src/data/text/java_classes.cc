#include "data/text/java_classes.h"

#include <algorithm>
#include <string>

namespace slipstream::text {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

CharacterSet property(std::string_view name) {
  return CharacterSet::property("\\p{" + std::string(name) + "}");
}

CharacterSet properties(std::initializer_list<std::string_view> names) {
  CharacterSet set;
  for (const std::string_view name : names) set.unite(property(name));
  return set;
}

// --- ASCII classes ---

struct AsciiClass {
  std::string_view name;
  std::vector<std::pair<char32_t, char32_t>> ranges;
};

const std::vector<AsciiClass>& ascii_classes() {
  static const std::vector<AsciiClass> kClasses = {
      {"Lower", {{'a', 'z'}}},
      {"Upper", {{'A', 'Z'}}},
      {"ASCII", {{0, 0x7F}}},
      {"Alpha", {{'a', 'z'}, {'A', 'Z'}}},
      {"Digit", {{'0', '9'}}},
      {"Alnum", {{'a', 'z'}, {'A', 'Z'}, {'0', '9'}}},
      {"Punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"Graph", {{'!', '~'}}},
      {"Print", {{' ', '~'}}},
      {"Blank", {{' ', ' '}, {'\t', '\t'}}},
      {"Cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
      {"XDigit", {{'0', '9'}, {'a', 'f'}, {'A', 'F'}}},
      {"Space", {{'\t', '\r'}, {' ', ' '}}}};
  return kClasses;
}

// With the flag U the names of ASCII classes mean properties.
std::optional<CharacterSet> unicode_class(std::string_view name) {
  if (name == "Lower") return property("Lowercase");
  if (name == "Upper") return property("Uppercase");
  if (name == "Alpha") return property("Alphabetic");
  if (name == "Digit") return property("Nd");
  if (name == "Alnum") return properties({"Alphabetic", "Nd"});
  if (name == "Punct") return property("P");
  if (name == "Cntrl") return property("Cc");
  if (name == "Space") return property("White_Space");
  return std::nullopt;
}

// --- \p{IsName} that are neither categories nor scripts ---

std::optional<CharacterSet> binary_property(const std::string& name) {
  struct Named {
    std::string_view java;
    std::string_view property;
  };
  constexpr Named kProperties[] = {{"alphabetic", "Alphabetic"},
                                   {"letter", "L"},
                                   {"ideographic", "Ideographic"},
                                   {"lowercase", "Lowercase"},
                                   {"uppercase", "Uppercase"},
                                   {"titlecase", "Lt"},
                                   {"white_space", "White_Space"},
                                   {"whitespace", "White_Space"},
                                   {"control", "Cc"},
                                   {"punctuation", "P"},
                                   {"hex_digit", "Hex_Digit"},
                                   {"hexdigit", "Hex_Digit"},
                                   {"digit", "Nd"},
                                   {"join_control", "Join_Control"},
                                   {"noncharacter_code_point", "Noncharacter_Code_Point"},
                                   {"noncharactercodepoint", "Noncharacter_Code_Point"}};
  for (const Named& named : kProperties) {
    if (named.java == name) return property(named.property);
  }
  if (name == "assigned") return CharacterSet::property("\\P{Cn}");
  return std::nullopt;
}

// --- blocks ---

struct Block {
  std::string_view name;  // lower case, without blanks, '_' and '-'
  char32_t first;
  char32_t last;
};
constexpr Block kBlocks[] = {{"basiclatin", 0, 0x7F},
                             {"latin1supplement", 0x80, 0xFF},
                             {"latinextendeda", 0x100, 0x17F},
                             {"latinextendedb", 0x180, 0x24F},
                             {"greek", 0x370, 0x3FF},
                             {"greekandcoptic", 0x370, 0x3FF},
                             {"cyrillic", 0x400, 0x4FF},
                             {"armenian", 0x530, 0x58F},
                             {"hebrew", 0x590, 0x5FF},
                             {"arabic", 0x600, 0x6FF},
                             {"devanagari", 0x900, 0x97F},
                             {"thai", 0xE00, 0xE7F},
                             {"generalpunctuation", 0x2000, 0x206F},
                             {"currencysymbols", 0x20A0, 0x20CF},
                             {"cjkradicalssupplement", 0x2E80, 0x2EFF},
                             {"cjksymbolsandpunctuation", 0x3000, 0x303F},
                             {"hiragana", 0x3040, 0x309F},
                             {"katakana", 0x30A0, 0x30FF},
                             {"bopomofo", 0x3100, 0x312F},
                             {"enclosedcjklettersandmonths", 0x3200, 0x32FF},
                             {"cjkcompatibility", 0x3300, 0x33FF},
                             {"cjkunifiedideographsextensiona", 0x3400, 0x4DBF},
                             {"cjkunifiedideographs", 0x4E00, 0x9FFF},
                             {"hangulsyllables", 0xAC00, 0xD7AF},
                             {"cjkcompatibilityideographs", 0xF900, 0xFAFF},
                             {"halfwidthandfullwidthforms", 0xFF00, 0xFFEF},
                             {"emoticons", 0x1F600, 0x1F64F},
                             {"cjkunifiedideographsextensionb", 0x20000, 0x2A6DF}};

NamedClass block(std::string_view name) {
  std::string plain = lower(name);
  plain.erase(std::remove_if(plain.begin(), plain.end(),
                             [](char c) { return c == '_' || c == '-' || c == ' '; }),
              plain.end());
  for (const Block& known : kBlocks) {
    if (known.name == plain) return {CharacterSet::of(known.first, known.last)};
  }
  return {std::nullopt, PropertyFault::kUnsupported};
}

// --- categories and scripts ---

std::optional<CharacterSet> category(std::string_view name) {
  constexpr std::string_view kCategories[] = {
      "C",  "Cc", "Cf", "Cn", "Co", "Cs", "L",  "Ll", "Lm", "Lo", "Lt", "Lu", "M",
      "Mc", "Me", "Mn", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Pe", "Pf", "Pi",
      "Po", "Ps", "S",  "Sc", "Sk", "Sm", "So", "Z",  "Zl", "Zp", "Zs"};
  if (std::find(std::begin(kCategories), std::end(kCategories), name) != std::end(kCategories))
    return property(name);
  if (name == "LC") return properties({"Ll", "Lu", "Lt"});
  if (name == "LD") return properties({"L", "Nd"});
  if (name == "L1") return CharacterSet::of(0, 0xFF);
  if (name == "all") return CharacterSet::of(0, 0x10FFFF);
  return std::nullopt;
}

// As RE2 spells them: "old_ITALIC" -> "Old_Italic".
NamedClass script(std::string_view name) {
  std::string spelled = lower(name);
  bool begins = true;
  for (char& c : spelled) {
    if ((c < 'a' || c > 'z') && c != '_') return {};
    if (begins && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    begins = c == '_';
  }
  if (spelled.empty()) return {};
  return {property(spelled)};
}

NamedClass keyed_class(const std::string& key, std::string_view value) {
  if (key == "sc" || key == "script") return script(value);
  if (key == "blk" || key == "block") return block(value);
  if (key == "gc" || key == "general_category") return {category(value)};
  return {};
}

}  // namespace

CharacterSet line_terminators() {
  return CharacterSet::of({{'\n', '\n'}, {'\r', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}});
}

std::optional<CharacterSet> predefined_class(char letter, bool unicode) {
  CharacterSet set;
  switch (letter | 0x20) {
    case 'd':
      set = unicode ? property("Nd") : CharacterSet::of('0', '9');
      break;
    case 'h':
      set = CharacterSet::of({{' ', ' '},
                              {'\t', '\t'},
                              {0xA0, 0xA0},
                              {0x1680, 0x1680},
                              {0x180E, 0x180E},
                              {0x2000, 0x200A},
                              {0x202F, 0x202F},
                              {0x205F, 0x205F},
                              {0x3000, 0x3000}});
      break;
    case 's':
      set = unicode ? property("White_Space") : CharacterSet::of({{'\t', '\r'}, {' ', ' '}});
      break;
    case 'v':
      set = CharacterSet::of({{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}});
      break;
    case 'w':
      set = unicode ? properties({"Alphabetic", "M", "Nd", "Pc", "Join_Control"})
                    : CharacterSet::of({{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'_', '_'}});
      break;
    default:
      return std::nullopt;
  }
  if ((letter & 0x20) == 0) set.complement();
  return set;
}

NamedClass named_class(std::string_view name, bool unicode) {
  if (const std::size_t equals = name.find('='); equals != std::string_view::npos)
    return keyed_class(lower(name.substr(0, equals)), name.substr(equals + 1));
  if (name.starts_with("java")) return {std::nullopt, PropertyFault::kUnsupported};
  if (name.starts_with("In")) return block(name.substr(2));
  if (name.starts_with("Is")) {
    name.remove_prefix(2);
    if (auto binary = binary_property(lower(name))) return {std::move(binary)};
    if (auto found = category(name)) return {std::move(found)};
    return script(name);
  }
  for (const AsciiClass& ascii : ascii_classes()) {
    if (ascii.name != name) continue;
    auto as_property = unicode ? unicode_class(name) : std::nullopt;
    return {as_property ? std::move(as_property) : CharacterSet::of(ascii.ranges)};
  }
  return {category(name)};
}

}  // namespace slipstream::text
