#include "datasets/report/archive.h"

#include <zlib.h>

#include "envs/base/hash.h"
#include "envs/base/text_writer.h"

namespace assay {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;   // before compression

}  // namespace

std::string deflated(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  const int code = compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(), Z_BEST_COMPRESSION);
  ASSAY_ASSERT(code == Z_OK);   // there is room enough, so nothing but memory could be missing
  out.resize(size);
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - at);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0);
    for (size_t i = 0; i < 4; ++i) out += i <= count ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

int64_t Archive::add_text(std::string_view text) {
  const auto [found, added] = numbers_.emplace(sha256_hex(text), entries_);
  if (!added) return found->second;
  TextWriter writer;
  writer.put_json_string(text);
  return add(writer.view());
}

int64_t Archive::add_record(const OrderedJson& record) { return add(record.dump(-1, ' ', false, OrderedJson::error_handler_t::replace)); }

int64_t Archive::add(std::string_view json) {
  open_ += open_.empty() ? '[' : ',';
  open_ += json;
  const int64_t number = entries_++;
  if (open_.size() >= kBlockBytes) close();
  return number;
}

void Archive::close() {
  if (open_.empty()) return;
  open_ += ']';
  blocks_.push_back({open_first_, deflated(open_)});
  deflated_bytes_ += static_cast<int64_t>(blocks_.back().deflated.size());
  open_.clear();
  open_first_ = entries_;
}

int64_t Archive::finish(int64_t bytes) {
  close();
  while (!blocks_.empty() && deflated_bytes_ > bytes) {
    entries_ = blocks_.back().first;
    deflated_bytes_ -= static_cast<int64_t>(blocks_.back().deflated.size());
    blocks_.pop_back();
  }
  open_first_ = entries_;
  std::erase_if(numbers_, [&](const auto& item) { return item.second >= entries_; });
  return entries_;
}

}  // namespace assay
