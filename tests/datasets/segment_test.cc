#include "datasets/segment.h"

#include <catch2/catch.hpp>

#include "envs/base/rng.h"
#include "tests/datasets/sample.h"

namespace assay {
namespace {

std::string record_of(const std::string& text, RecordKind kind = RecordKind::kTask) {
  std::string record;
  REQUIRE(append_record(kind, text, record).ok());
  return record;
}

TEST_CASE("a record gives back its text") {
  Rng rng(1, "segment");
  for (const size_t size : {0, 1, 15, 4096, 1'000'000}) {
    std::string text(size, 'x');
    for (size_t i = 0; i < size; i += 1 + rng.below(7)) text[i] = static_cast<char>(rng.below(256));
    CHECK(record_text(record_of(text), RecordKind::kTask, "here").value() == text);
  }
}

TEST_CASE("records stand end to end") {
  std::string both = record_of("first");
  const size_t first = both.size();
  REQUIRE(append_record(RecordKind::kRollout, "second", both).ok());
  CHECK(record_text(both.substr(0, first), RecordKind::kTask, "").value() == "first");
  CHECK(record_text(both.substr(first), RecordKind::kRollout, "").value() == "second");
}

TEST_CASE("every changed bit of a record is noticed, or changes nothing that is read") {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "hotel number " + std::to_string(i * i) + "; ";
  const std::string record = record_of(text);
  int noticed = 0;
  for (size_t bit = 0; bit < 8 * record.size(); ++bit) {
    std::string changed = record;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    const auto read = record_text(changed, RecordKind::kTask, "segment 7");
    if (read.ok()) {
      CHECK(*read == text);
      continue;
    }
    ++noticed;
    CHECK(read.error().boundary == Boundary::kStore);
    CHECK(read.error().where == "segment 7");
  }
  CHECK(noticed > static_cast<int>(8 * record.size()) * 9 / 10);
}

TEST_CASE("a cut record, a longer one, another kind and an impossible size are refused") {
  const std::string record = record_of("some text that is long enough to be compressed, compressed, compressed");
  for (size_t size = 0; size < record.size(); ++size) CHECK_FALSE(record_text(record.substr(0, size), RecordKind::kTask, "").ok());
  CHECK_FALSE(record_text(record + "x", RecordKind::kTask, "").ok());
  CHECK_FALSE(record_text(record, RecordKind::kRollout, "").ok());
  std::string huge = record;
  huge[15] = '\x7f';  // 2 GiB, says the header
  CHECK(record_text(huge, RecordKind::kTask, "").error().what.find("larger than any record") != std::string::npos);
}

TEST_CASE("a text over the limit is refused before it is compressed") {
  std::string record;
  const auto status = append_record(RecordKind::kTask, std::string(kRecordBytes + 1, 'x'), record);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().boundary == Boundary::kLimit);
  CHECK(record.empty());
}

TEST_CASE("what was written but not kept is overwritten") {
  sample::Folder folder;
  auto writer = SegmentWriter::create(folder.path()).value();
  REQUIRE(writer->write("lost").ok());
  REQUIRE(writer->write("kept").ok());
  writer->keep(4);
  REQUIRE(writer->write("!").ok());
  writer->keep(1);
  auto reader = SegmentReader::open(folder.file(writer->name())).value();
  CHECK(reader->read(0, 5).value() == "kept!");
  CHECK_FALSE(reader->read(0, 6).ok());
  CHECK_FALSE(reader->read(-1, 2).ok());
  CHECK_FALSE(reader->read(1, INT64_MAX).ok());
}

TEST_CASE("two writers never share a file") {
  sample::Folder folder;
  auto one = SegmentWriter::create(folder.path()).value();
  auto two = SegmentWriter::create(folder.path()).value();
  CHECK(one->name() != two->name());
}

TEST_CASE("a missing segment is named, with what to do") {
  const auto reader = SegmentReader::open("/nowhere/at/all.segment");
  REQUIRE_FALSE(reader.ok());
  CHECK(reader.error().text().find("/nowhere/at/all.segment") != std::string::npos);
  CHECK_FALSE(reader.error().hint.empty());
}

}  // namespace
}  // namespace assay
