#include "datasets/row_sink.h"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "envs/base/text_writer.h"

namespace assay {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr int kLevel = 3;
constexpr int kNowhere = -2;

// A file, standard output, or nowhere; bytes are counted.
class Target {
 public:
  Target(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  ~Target() {
    if (fd_ >= 0) ::close(fd_);
  }
  Target(const Target&) = delete;

  int64_t bytes() const { return bytes_; }

  Status write(std::string_view bytes) {
    bytes_ += static_cast<int64_t>(bytes.size());
    while (!bytes.empty() && fd_ != kNowhere) {
      const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return write_error(errno);
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return {};
  }

 private:
  Error write_error(int code) const {
    if (code == EPIPE) return make_error(Boundary::kStore, "whoever read the rows has gone", name_, "nothing is lost: run it again");
    return make_error(Boundary::kStore, std::string("cannot write: ") + std::strerror(code), name_, code == ENOSPC ? "free some space" : "choose a folder that can be written");
  }

  const int fd_;   // -1: it could not be opened, which the first write says
  const std::string name_;
  int64_t bytes_ = 0;
};

// row.dump(-1, ' ', false, replace), many times as fast.
void put_json(TextWriter& out, const OrderedJson& value) {
  const char* before = "";
  switch (value.type()) {
    case OrderedJson::value_t::object:
      out.put("{");
      for (const auto& [name, member] : value.get_ref<const OrderedJson::object_t&>()) {
        out.put(std::exchange(before, ","));
        out.put_json_string(name);
        out.put(":");
        put_json(out, member);
      }
      return out.put("}");
    case OrderedJson::value_t::array:
      out.put("[");
      for (const OrderedJson& item : value.get_ref<const OrderedJson::array_t&>()) {
        out.put(std::exchange(before, ","));
        put_json(out, item);
      }
      return out.put("]");
    case OrderedJson::value_t::string: return out.put_json_string(value.get_ref<const std::string&>());
    case OrderedJson::value_t::boolean: return out.put(value.get<bool>() ? "true" : "false");
    case OrderedJson::value_t::number_integer: return out.put_integer(value.get<int64_t>());
    case OrderedJson::value_t::number_unsigned: return out.put_integer(value.get<uint64_t>());
    default: return out.put(value.dump());
  }
}

class JsonLines : public RowSink {
 public:
  JsonLines(int fd, const std::string& name, RowEncoding encoding) : target_(fd, name) {
    if (encoding == RowEncoding::kPlain) return;
    zstd_.reset(ZSTD_createCCtx());
    ASSAY_ASSERT(zstd_ != nullptr);
    ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_checksumFlag, 1);
  }

  Status add(const OrderedJson& row) override {
    put_json(buffer_, row);
    buffer_.put("\n");
    return buffer_.view().size() >= kBufferBytes ? write_out(ZSTD_e_continue) : Status();
  }
  Status finish() override { return write_out(ZSTD_e_end); }
  int64_t bytes() const override { return target_.bytes(); }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };

  Status write_out(ZSTD_EndDirective directive) {
    Status status = zstd_ ? compress(directive) : target_.write(buffer_.view());
    buffer_.clear();
    return status;
  }

  Status compress(ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{buffer_.view().data(), buffer_.view().size(), 0};
    compressed_.resize(ZSTD_CStreamOutSize());
    for (bool done = false; !done;) {
      ZSTD_outBuffer out{compressed_.data(), compressed_.size(), 0};
      const size_t left = ZSTD_compressStream2(zstd_.get(), &out, &in, directive);
      if (ZSTD_isError(left)) return make_error(Boundary::kInternal, std::string("zstd: ") + ZSTD_getErrorName(left));
      ASSAY_TRY(target_.write({compressed_.data(), out.pos}));
      done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
    }
    return {};
  }

  Target target_;
  std::unique_ptr<ZSTD_CCtx, Free> zstd_;
  TextWriter buffer_;
  std::string compressed_;
};

}  // namespace

std::string encoded_path(const std::string& path, RowEncoding encoding) {
  if (encoding == RowEncoding::kParquet) return path.substr(0, path.rfind('.')) + ".parquet";
  return encoding == RowEncoding::kZstd ? path + ".zst" : path;
}

std::unique_ptr<RowSink> row_file(const std::string& path, RowEncoding encoding) {
  return std::make_unique<JsonLines>(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), path, encoding);
}
std::unique_ptr<RowSink> row_output(RowEncoding encoding) { return std::make_unique<JsonLines>(::dup(STDOUT_FILENO), "standard output", encoding); }
std::unique_ptr<RowSink> row_counter(RowEncoding encoding) { return std::make_unique<JsonLines>(kNowhere, "", encoding); }

}  // namespace assay
