// The JSON texts that a JSON Schema accepts, as a regular language.
#pragma once

#include <string>

#include "engine/grammar/language.h"
#include "envs/base/json.h"

namespace assay {

// Understood: type (one or a list of them), enum, const, properties, required, additionalProperties, items, minItems, maxItems, minLength,
// maxLength; minimum and maximum of integers. $schema, title, description, default and examples are passed over; any other keyword is an error (kInput) that names it, because what
// is not enforced must not look as if it were.
//
// Every text of the language is strict JSON that the schema accepts. Where the schema accepts more than a finite automaton can tell, or
// more than a tool should be sent, the language is narrower:
//   - one space or none after each comma and colon, and no other white space between things
//   - members in any order, each once; none that the schema does not declare
//   - integers of at most 18 digits; numbers of at most 18 digits before and after the point, exponents of at most two
//   - without a type any value of at most three levels, in which objects have at most one member
Result<Language> json_language(Languages& languages, const Json& schema, const std::string& where);

// The characters of a string that such a schema (of type string) accepts, as they are: well-formed UTF-8, without quotes or escapes.
// nothing() for a schema that accepts no string.
Result<Language> raw_string_language(Languages& languages, const Json& schema, const std::string& where);

// The schema without its strings: what json_language may write where strings are written raw. Null where nothing is left.
Json without_strings(const Json& schema);

// Any number of well-formed characters of UTF-8.
Language utf8_characters(Languages& languages, uint64_t least = 0, uint64_t most = Languages::kUnbounded);

}  // namespace assay
