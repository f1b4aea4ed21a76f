// XML that nobody vouches for, read with expat as a sequence of documents: reports of several runs glued together are one text.
// Characters that XML does not allow, bytes that are no UTF-8 and what a writer's declaration says of its encoding are overlooked.
// A document type declaration is an error, so there are no entities to expand and nothing is ever fetched.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace assay {

inline constexpr int kXmlDepth = 64;

// Names with values, as expat gives them: name, value, …, null.
class XmlAttributes {
 public:
  explicit XmlAttributes(const char** pairs) : pairs_(pairs) {}
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view get(std::string_view name) const { return find(name).value_or(std::string_view()); }

 private:
  const char** pairs_;
};

class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  // Elements; those outermost have depth 0.
  virtual void open(std::string_view name, const XmlAttributes& attributes, int depth) = 0;
  virtual void close(std::string_view name, int depth) = 0;
  virtual void comment(std::string_view text) { (void)text; }
};

// Linear. What was wrong and at which byte, or nothing if all was well-formed and had its end; events up to there have happened.
std::optional<std::string> read_xml(std::string_view bytes, XmlHandler& handler);

}  // namespace assay
