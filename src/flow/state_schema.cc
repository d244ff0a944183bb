#include "flow/state_schema.h"

namespace slipstream::flow {

std::string state_type(const Type& type) {
  const auto& children = type.children();
  if (type.kind() == TypeKind::kArray) return "ARRAY<" + state_type(children[0].type) + ">";
  if (type.kind() == TypeKind::kMultiset) return "MULTISET<" + state_type(children[0].type) + ">";
  if (type.kind() == TypeKind::kMap) {
    return "MAP<" + state_type(children[0].type) + ", " + state_type(children[1].type) + ">";
  }
  if (type.kind() != TypeKind::kRow) return type.with_nullable(true).to_string();
  std::string text = "ROW<";
  for (const Field& field : children)
    text += (text.size() > 4 ? ", " : "") + field.name + " " + state_type(field.type);
  return text + ">";
}

}  // namespace slipstream::flow
