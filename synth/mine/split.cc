#include "synth/mine/split.h"

#include "synth/mine/paths.h"
#include "synth/mine/rust_tests.h"

namespace assay {
namespace {

bool holds(const std::vector<LineRange>& ranges, int64_t line) {
  for (const LineRange& range : ranges)
    if (range.first <= line && line <= range.last) return true;
  return false;
}

struct TestLines {
  std::vector<LineRange> before, after;
};

// The part of a file's hunks whose lines are in tests (or are not). Hunks are cut where the other part changes something, so that no
// context of one is changed by the other.
std::vector<Hunk> part_of(const std::vector<Hunk>& hunks, const TestLines& lines, bool tests) {
  std::vector<Hunk> out;
  int64_t moved = 0;   // lines that the part's earlier hunks add
  for (const Hunk& hunk : hunks) {
    const auto count = [&](char other) {
      int64_t number = 0;
      for (const PatchLine& line : hunk.lines) number += line.kind != other;
      return number;
    };
    int64_t before = hunk.old_start + (count('+') == 0), after = hunk.new_start + (count('-') == 0);   // the next line of each side
    Hunk part{.heading = hunk.heading};
    bool changes = false;
    int64_t first = before, old_lines = 0, new_lines = 0;
    const auto close = [&] {
      if (changes) {
        part.old_start = first - (old_lines == 0);
        part.new_start = first + moved - (new_lines == 0);
        moved += new_lines - old_lines;
        out.push_back(std::move(part));
      }
      part = {.heading = hunk.heading};
      changes = false;
      first = before;
      old_lines = new_lines = 0;
    };
    for (const PatchLine& line : hunk.lines) {
      const bool in_tests = line.kind == '+' ? holds(lines.after, after) : holds(lines.before, before);
      const bool others = line.kind != ' ' && in_tests != tests;
      before += line.kind != '+';
      after += line.kind != '-';
      if (others) {
        close();
        continue;
      }
      part.lines.push_back(line);
      changes |= line.kind != ' ';
      old_lines += line.kind != '+';
      new_lines += line.kind != '-';
    }
    close();
  }
  return out;
}

}  // namespace

SplitChange split_change(std::vector<FilePatch> files, const FileReader& before, const FileReader& after) {
  SplitChange out;
  for (FilePatch& file : files) {
    const bool is_test = path_role(file.path()) == PathRole::kTest && (file.is_new() || path_role(file.old_path) == PathRole::kTest);
    if (is_test) {
      out.tests.push_back(std::move(file));
      continue;
    }
    if (path_language(file.path()) == "rust" && !file.hunks.empty() && !file.is_new() && !file.is_deleted()) {
      const auto old_text = before(file.old_path), new_text = after(file.new_path);
      const TestLines lines{rust_test_lines(old_text.value_or("")), rust_test_lines(new_text.value_or(""))};
      FilePatch tests = file;
      tests.old_mode = tests.new_mode = 0;
      tests.hunks = part_of(file.hunks, lines, true);
      // A rename belongs to the source; where there is one, the tests go with it.
      if (!tests.hunks.empty() && file.old_path == file.new_path) {
        file.hunks = part_of(file.hunks, lines, false);
        out.tests.push_back(std::move(tests));
      }
      if (file.hunks.empty() && file.old_mode == file.new_mode) continue;
    }
    out.gold.push_back(std::move(file));
  }
  return out;
}

}  // namespace assay
