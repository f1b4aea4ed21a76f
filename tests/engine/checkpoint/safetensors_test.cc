#include "engine/checkpoint/safetensors.h"

#include "tests/engine/checkpoint/fixture.h"

namespace assay::test {
namespace {

Result<SafetensorsFile> open_bytes(const std::string& bytes) {
  Folder folder;
  need(write_file(folder.path() + "/x.safetensors", bytes));
  return SafetensorsFile::open(folder.path() + "/x.safetensors");   // the mapping outlives the name
}

// Padded so that the tensors begin at a multiple of 8.
std::string padded(std::string header) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return header;
}

const std::string kTwo = R"({"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})";

}  // namespace

TEST_CASE("a safetensors file gives its tensors in the order of their bytes, and its metadata") {
  const std::string header = R"({"__metadata__":{"format":"pt"},"late":{"shape":[3],"data_offsets":[12,15],"dtype":"U8"},)"
                             R"("empty":{"dtype":"BF16","shape":[4,0],"data_offsets":[0,0]},"scalar":{"dtype":"F32","shape":[],"data_offsets":[8,12]},)"
                             R"("first":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})";
  const SafetensorsFile file = need(open_bytes(file_of(padded(header), "abcdefghijklmno")));
  REQUIRE(file.tensors().size() == 4);
  const std::vector<std::string> names = {"empty", "first", "scalar", "late"};
  for (size_t i = 0; i < names.size(); ++i) CHECK(file.tensors()[i].name == names[i]);
  const TensorView& first = file.tensors()[1];
  CHECK(shape_text(first.shape) == "[2, 1]");
  CHECK(first.dtype == DType::kF32);
  CHECK(std::string(reinterpret_cast<const char*>(first.data), static_cast<size_t>(first.byte_count())) == "abcdefgh");
  CHECK(file.tensors()[0].element_count() == 0);
  CHECK(file.tensors()[2].element_count() == 1);
  CHECK(file.metadata() == std::map<std::string, std::string>{{"format", "pt"}});
}

TEST_CASE("views stay valid when the file object is moved") {
  SafetensorsFile file = need(open_bytes(file_of(padded(kTwo), "abcdefghijk")));
  const TensorView view = file.tensors()[1];
  const SafetensorsFile moved = std::move(file);
  CHECK(view.name == "b");
  CHECK(std::memcmp(view.data, "ijk", 3) == 0);
}

TEST_CASE("a file without tensors is a file") {
  CHECK(need(open_bytes(file_of("{}      ", ""))).tensors().empty());
}

TEST_CASE("every dtype of whole bytes has its size") {
  const std::vector<std::pair<std::string, size_t>> sizes = {{"BOOL", 1}, {"U8", 1}, {"I8", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1},
                                                             {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},
                                                             {"I64", 8}, {"U64", 8}, {"F64", 8}, {"C64", 8}};
  for (const auto& [name, size] : sizes) {
    const std::string header = R"({"x":{"dtype":")" + name + R"(","shape":[3],"data_offsets":[0,)" + std::to_string(3 * size) + "]}}";
    const SafetensorsFile file = need(open_bytes(file_of(padded(header), std::string(3 * size, 'x'))));
    CHECK(name_of(file.tensors()[0].dtype) == name);
    CHECK(size_of(file.tensors()[0].dtype) == static_cast<int64_t>(size));
  }
}

TEST_CASE("a damaged safetensors file is refused with what is wrong") {
  const std::string good = file_of(padded(kTwo), "abcdefghijk");
  REQUIRE(open_bytes(good).ok());
  const auto with_length = [&](uint64_t length) {
    std::string bytes = good;
    std::memcpy(bytes.data(), &length, sizeof length);
    return bytes;
  };
  const auto with_header = [](const std::string& header) { return file_of(padded(header), "abcdefghijk"); };
  // One tensor "x" of two bytes.
  const auto with_entry = [](const std::string& entry) { return file_of(padded(R"({"x":)" + entry + "}"), "ab"); };

  struct Case {
    std::string bytes, problem;
  };
  const std::vector<Case> cases = {
      {"", "truncated"},
      {good.substr(0, 7), "truncated"},
      {good.substr(0, 40), "truncated"},
      {good.substr(0, good.size() - 1), "tensor \"b\" has bytes 8 to 11, but the file has only 10"},
      {good + "x", "the last 1 bytes belong to no tensor"},
      {with_length(4'294'967'296), "the header claims 4294967296 bytes; the format allows 100000000"},
      {with_length(UINT64_MAX), "the header claims 18446744073709551615 bytes"},
      {with_length(100'000'000), "truncated: the header claims 100000000 bytes"},
      {with_length(0), "does not begin with {"},
      {with_length(60), "not JSON at byte"},
      {with_header(kTwo + "x"), "not JSON at byte"},
      {with_header("[1,2]"), "does not begin with {"},
      {with_header(std::string(200, '{')), "not JSON"},
      {with_header("{\"\xff\":1}"), "not JSON"},
      // Layout.
      {with_header(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],"data_offsets":[7,11]}})"),
       "tensors \"a\" and \"b\" overlap"},
      {with_header(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
                   R"("c":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})"),
       "overlap"},
      {with_header(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[2],"data_offsets":[9,11]}})"),
       "bytes 8 to 9 belong to no tensor"},
      {with_header(R"({"a":{"dtype":"U8","shape":[10],"data_offsets":[1,11]}})"), "bytes 0 to 1 belong to no tensor"},
      {with_header(R"({"a":{"dtype":"U8","shape":[12],"data_offsets":[0,12]}})"), "the file has only 11 bytes"},
      {with_header(R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[8,3]}})"), "ends before it begins"},
      {with_header(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F32","shape":[2],"data_offsets":[3,11]}})"),
       "tensor \"b\" begins at byte"},
      {with_header(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})"),
       "the tensor name \"a\" occurs twice"},
      // One entry.
      {with_entry(R"({"dtype":"BF16","shape":[2],"data_offsets":[0,2]})"), "has 2 bytes, but BF16 of shape [2] takes 4"},
      {with_entry(R"({"dtype":"F4","shape":[4],"data_offsets":[0,2]})"), "unknown dtype \"F4\""},
      {with_entry(R"({"dtype":"bf16","shape":[1],"data_offsets":[0,2]})"), "unknown dtype \"bf16\""},
      {with_entry(R"({"dtype":1,"shape":[1],"data_offsets":[0,2]})"), "has a number where"},
      {with_entry(R"({"dtype":"BF16","shape":1,"data_offsets":[0,2]})"), "has a number where"},
      {with_entry(R"({"dtype":"BF16","shape":[[1]],"data_offsets":[0,2]})"), "has a list where"},
      {with_entry(R"({"dtype":"BF16","shape":["1"],"data_offsets":[0,2]})"), "has a text where"},
      {with_entry(R"({"dtype":"BF16","shape":[-1],"data_offsets":[0,2]})"), "negative number -1"},
      {with_entry(R"({"dtype":"BF16","shape":[1.0],"data_offsets":[0,2]})"), "not a whole number"},
      {with_entry(R"({"dtype":"BF16","shape":[1e0],"data_offsets":[0,2]})"), "not a whole number"},
      {with_entry(R"({"dtype":"BF16","shape":[18446744073709551615],"data_offsets":[0,2]})"), "has the size 18446744073709551615"},
      {with_entry(R"({"dtype":"BF16","shape":[4294967296,4294967296],"data_offsets":[0,2]})"), "too large"},
      {with_entry(R"({"dtype":"BF16","shape":[4294967296,4294967296,0],"data_offsets":[0,0]})"), "too large"},
      {with_entry(R"({"dtype":"U8","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,2]})"), "more than 8 dimensions"},
      {with_entry(R"({"dtype":"BF16","shape":[1],"data_offsets":[0]})"), "no two data_offsets"},
      {with_entry(R"({"dtype":"BF16","shape":[1],"data_offsets":[0,2,4]})"), "more than two data_offsets"},
      {with_entry(R"({"dtype":"BF16","shape":[1]})"), "no two data_offsets"},
      {with_entry(R"({"dtype":"BF16","data_offsets":[0,2]})"), "no shape"},
      {with_entry(R"({"shape":[1],"data_offsets":[0,2]})"), "no dtype"},
      {with_entry(R"({"dtype":"BF16","shape":[1],"data_offsets":[0,2],"stride":[1]})"), "unknown member \"stride\""},
      {with_entry(R"({"dtype":"BF16","dtype":"U8","shape":[1],"data_offsets":[0,2]})"), "dtype twice"},
      {with_entry(R"({"dtype":"BF16","shape":[1],"shape":[1],"data_offsets":[0,2]})"), "shape twice"},
      {with_entry(R"({"dtype":"BF16","shape":[],"data_offsets":[0,2],"data_offsets":[0,2]})"), "data_offsets twice"},
      {with_entry("null"), "has null where"},
      {with_entry("[]"), "has a list where"},
      {with_entry(R"({"dtype":{},"shape":[1],"data_offsets":[0,2]})"), "has an object where"},
      {with_entry("true"), "has a truth value where"},
      {file_of(padded(R"({"":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}})"), "ab"), "a tensor has no name"},
      // Metadata.
      {file_of(padded(R"({"__metadata__":{"a":1}})"), ""), "has a number where"},
      {file_of(padded(R"({"__metadata__":[]})"), ""), "has a list where"},
      {file_of(padded(R"({"__metadata__":{"a":"1","a":"2"}})"), ""), "the key \"a\" twice"},
      {file_of(padded(R"({"__metadata__":{},"__metadata__":{}})"), ""), "__metadata__ twice"},
      {file_of(padded(R"({"__metadata__":{"a":{}}})"), ""), "has an object where"},
  };
  for (const auto& [bytes, problem] : cases) {
    INFO("expected: " << problem);
    const Error error = refused(open_bytes(bytes));
    CHECK(error.boundary == Boundary::kInput);
    CHECK_THAT(error.what, Catch::Contains(problem));
    CHECK_THAT(error.where, Catch::Contains("x.safetensors"));
  }
}

TEST_CASE("what is no file of bytes is refused") {
  Folder folder;
  CHECK_THAT(refused(SafetensorsFile::open(folder.path() + "/none.safetensors")).what, Catch::Contains("cannot open"));
  CHECK_THAT(refused(SafetensorsFile::open(folder.path())).what, Catch::Contains("not a regular file"));
}

TEST_CASE("names from files are shown escaped and bounded") {
  CHECK(shown_name("a\n\x1b[31m\xff") == "\"a\\n\\u001b[31m\xef\xbf\xbd\"");
  CHECK(shown_name(std::string(1000, 'x')).size() < 120);
}

}  // namespace assay::test
