// What export does with the program that writes Parquet: with stand-ins, everywhere; with the program itself where it was built.
// ./test-formats.sh reads what that writes with pyarrow, and compares the rows.
#include "datasets/parquet.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <set>

#include "datasets/export.h"
#include "envs/base/rng.h"
#include "tests/datasets/sample.h"
#include "tests/datasets/small_disk.h"

namespace assay {
namespace {

using sample::Folder;

std::unique_ptr<Store> filled_store(const std::string& path, int tasks) {
  auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock()).value();
  const auto environment = sample::environment();
  REQUIRE(store->put_environment(*environment).ok());
  for (int i = 0; i < tasks; ++i) {
    const Task task = sample::task(i, *environment);
    REQUIRE(store->put_task(task).ok());
    REQUIRE(store->put_certificate(sample::certificate(task)).ok());
    REQUIRE(store->put_rollout(sample::rollout(task, 0, true, 2)).ok());
  }
  REQUIRE(store->flush().ok());
  return store;
}

// A program of that many words for sh, which knows "$1" (rows) and "$2" (the file to write).
std::string stand_in(const Folder& folder, const std::string& words) {
  const std::string path = folder.file("stand-in");
  REQUIRE(write_file(path, "#!/bin/sh\nif [ \"$1\" = --version ]; then echo Stand-in 1; exit; fi\n" + words + "\n").ok());
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

ExportOptions parquet_options(const std::string& folder, const std::string& program = "") {
  return {.format = "trl_sft", .folder = folder, .encoding = RowEncoding::kParquet, .parquet_program = program, .select = {.train_percent = 100, .validation_percent = 0}};
}

std::set<std::string> below(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (!entry.is_directory()) names.insert(entry.path().lexically_relative(folder).string());
  return names;
}

TEST_CASE("without the program Parquet is refused before anything is touched") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"), 3);
  CHECK_FALSE(parquet_library(folder.file("none")).ok());
  const auto refused = export_dataset(*store, parquet_options(folder.file("out/x"), folder.file("none")));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().boundary == Boundary::kInput);
  CHECK(refused.error().what.find("assay-parquet, which is not there") != std::string::npos);
  CHECK(refused.error().hint.find("pip install pyarrow") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.file("out")));
  const auto to_output = export_dataset(*store, parquet_options(kStandardOutput));
  REQUIRE_FALSE(to_output.ok());
  CHECK(to_output.error().what == "Parquet cannot be written to standard output");
}

TEST_CASE("the program gets the rows of the JSON Lines in their order, and only what it makes of them stays") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"), 5);
  const std::string program = stand_in(folder, "cp \"$1\" \"$2\" && wc -l < \"$1\"");
  CHECK(parquet_library(program).value() == "Stand-in 1");
  const auto report = export_dataset(*store, parquet_options(folder.file("out"), program));
  if (!report.ok()) FAIL(report.error().text());
  CHECK(below(folder.file("out")) == std::set<std::string>{"README.md", "data/train.parquet", "manifest.json"});
  CHECK(read_file(folder.file("out/README.md"))->find("    path: data/train.parquet\n") != std::string::npos);
  ExportOptions plain = parquet_options(folder.file("plain"));
  plain.encoding = RowEncoding::kPlain;
  REQUIRE(export_dataset(*store, plain).ok());
  CHECK(read_file(folder.file("out/data/train.parquet")).value() == read_file(folder.file("plain/data/train.jsonl")).value());
  const auto plan = plan_export(*store, parquet_options(folder.file("out"), program));
  CHECK(plan->rows == report->rows);
  CHECK_FALSE(plan->exact);
}

TEST_CASE("a program that fails, dies, or leaves rows out is an error that says so, and nothing is left or changed") {
  Folder folder;
  auto store = filled_store(folder.file("s.db"), 5);
  const std::string out = folder.file("out");
  REQUIRE(export_dataset(*store, parquet_options(out, stand_in(folder, "cp \"$1\" \"$2\" && wc -l < \"$1\""))).ok());
  const auto before = below(folder.path());
  const std::string rows = read_file(out + "/data/train.parquet").value();
  for (const auto& [words, expected] : std::initializer_list<std::pair<const char*, const char*>>{
           {"echo half > \"$2\"; kill -SEGV $$", "ended by signal 11 (Segmentation fault)"},
           {"echo half > \"$2\"; kill -KILL $$", "ended by signal 9 (Killed)"},
           {"echo 'the disk is full' >&2; exit 1", "the disk is full"},
           {"exit 3", "failed with exit status 3"},
           {"exit 0", "wrote nothing of 5 rows"},
           {"cp \"$1\" \"$2\"; echo 4", "wrote 4 of 5 rows"},
           {"echo 5", "wrote no file: No such file or directory"},
           {"yes | head -c 1000000 >&2; exit 1", "y\ny\n"}}) {
    INFO(words);
    const auto failed = export_dataset(*store, parquet_options(out, stand_in(folder, words)));
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().boundary == Boundary::kStore);
    CHECK(failed.error().what.starts_with(expected));
    CHECK(failed.error().what.size() <= 4096);
    CHECK(below(folder.path()) == before);
    CHECK(read_file(out + "/data/train.parquet").value() == rows);
  }
}

// ---- With the program itself ----

bool skipped(const char* what) {
  const auto library = parquet_library();
  if (!library.ok()) std::cout << "skipped: " << what << " (" << library.error().text() << ")\n";
  return !library.ok();
}

TEST_CASE("every format's rows fit columns, and the same rows are the same bytes") {
  if (skipped("rows as Parquet")) return;
  Folder folder;
  auto store = filled_store(folder.file("s.db"), 5);
  REQUIRE(store->put_rollout(sample::rich_rollout(sample::task(0), 7)).ok());
  REQUIRE(store->put_rollout(sample::rollout(sample::task(1), 8, false)).ok());
  REQUIRE(store->flush().ok());
  for (const Format& format : formats::all()) {
    if (format.takes) continue;
    INFO(format.name);
    ExportOptions options = parquet_options(folder.file(format.name));
    options.format = format.name;
    options.select.outcomes.clear();
    const auto report = export_dataset(*store, options);
    if (!report.ok()) FAIL(report.error().text());
    const auto path = std::find_if(report->files.begin(), report->files.end(), [](const std::string& file) { return file.ends_with(".parquet"); });
    REQUIRE(path != report->files.end());
    const std::string bytes = read_file(options.folder + "/" + *path).value();
    CHECK(bytes.starts_with("PAR1"));
    CHECK(bytes.ends_with("PAR1"));
    REQUIRE(export_dataset(*store, options).ok());
    CHECK(read_file(options.folder + "/" + *path).value() == bytes);
  }
}

TEST_CASE("a disk that is full when columns are made is an error") {
  SmallDisk disk(3);
  if (!disk.mounted()) std::cout << "skipped: Parquet on a full disk (mounting a small tmpfs needs root)\n";
  if (!disk.mounted() || skipped("Parquet on a full disk")) return;
  auto file = parquet_file(disk.file("rows.parquet")).value();
  Rng rng(1, "letters");
  for (int i = 0; i < 200; ++i) {   // 2 MB, which as columns are more than the third
    std::string text(10'000, ' ');
    for (char& letter : text) letter = static_cast<char>('0' + rng.below(75));
    REQUIRE(file->add({{"text", text}}).ok());
  }
  const Status full = file->finish();
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().what.find("No space left on device") != std::string::npos);
  CHECK(full.error().hint.find("free some space") != std::string::npos);
  file.reset();
  CHECK(below(disk.file("")) == std::set<std::string>{"rows.parquet"});
}

}  // namespace
}  // namespace assay
