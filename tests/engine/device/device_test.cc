#include "engine/device/device.h"

#include <catch2/catch.hpp>

#include <cstring>

#include "engine/kernels/cuda_device.h"
#include "tests/engine/model/fixture.h"

namespace assay::test {
namespace {

TEST_CASE("what is uploaded comes back, pieces do not overlap, and cleared memory is zeros") {
  for (const std::string& name : device_names()) {
    CAPTURE(name);
    const Machine machine(name, 1);
    Device& device = *machine.device;
    CHECK(device.name() == name);
    CHECK(device.available_bytes() > 0);
    // Small pieces, some of which share a block of the device, and one that exceeds what is copied in one go.
    const std::vector<size_t> sizes = {1, 300, 4096, size_t{1} << 20, size_t{20} << 20, 7};
    std::vector<std::shared_ptr<std::byte>> memory;
    std::vector<std::vector<std::byte>> values, back;
    for (const size_t size : sizes) {
      memory.push_back(need(device.allocate(size)));
      CHECK(reinterpret_cast<uintptr_t>(memory.back().get()) % 256 == 0);
      values.emplace_back(size);
      for (size_t i = 0; i < size; ++i) values.back()[i] = static_cast<std::byte>(mix64(i + size));
      back.emplace_back(size);
    }
    for (size_t i = 0; i < sizes.size(); ++i) {
      std::vector<std::byte> sent = values[i];
      device.upload(memory[i].get(), sent.data(), sizes[i]);
      std::fill(sent.begin(), sent.end(), std::byte{0});   // is free again
    }
    for (size_t i = 0; i < sizes.size(); ++i) device.download(back[i].data(), memory[i].get(), sizes[i]);
    REQUIRE(device.wait().ok());
    CHECK(back == values);
    device.clear(memory[2].get(), 100);
    device.download(back[2].data(), memory[2].get(), sizes[2]);
    REQUIRE(device.wait().ok());
    std::fill_n(values[2].begin(), 100, std::byte{0});
    CHECK(back == values);

    const auto placed = need(device.place(std::shared_ptr<std::byte>(memory[0], values[1].data()), sizes[1]));
    device.download(back[1].data(), placed.get(), sizes[1]);
    REQUIRE(device.wait().ok());
    CHECK(back[1] == values[1]);
  }
}

TEST_CASE("a recording makes its calls again, over what memory holds then") {
  for (const std::string& name : device_names()) {
    CAPTURE(name);
    const Machine machine(name, 1);
    Device& device = *machine.device;
    const std::shared_ptr<std::byte> memory = need(device.allocate(4 * sizeof(float)));
    float* x = reinterpret_cast<float*>(memory.get());
    std::shared_ptr<void> recording;
    for (const float start : {1.0f, 5.0f, -2.0f}) {
      const std::vector<float> values(4, start);
      std::vector<float> back(4);
      device.upload(x, values.data(), sizeof(float) * 4);
      device.repeat(recording, [&] { device.scale({4, x, 3}); });
      device.download(back.data(), x, sizeof(float) * 4);
      REQUIRE(device.wait().ok());
      CHECK(back == std::vector<float>(4, 3 * start));
    }
    CHECK((recording != nullptr) == device.records());
  }
}

TEST_CASE("memory that is not there is refused with its size, and the device goes on") {
  for (const std::string& name : device_names()) {
    CAPTURE(name);
    const Machine machine(name, 1);
    const auto refused = machine.device->allocate(size_t{1} << 55);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().boundary == Boundary::kLimit);
    CHECK_FALSE(refused.error().hint.empty());
    CHECK(machine.device->allocate(1000).ok());
    CHECK(machine.device->wait().ok());
  }
}

TEST_CASE("a backend is found by its name, an unknown one is named beside those known, and a missing device says why") {
  Workers workers(1);
  CHECK(need(open_device("cpu", workers))->name() == cpu_kernels().back().name);
  CHECK(need(open_device("", workers))->name() == device_names().back());
  const auto unknown = open_device("avx3", workers);
  REQUIRE_FALSE(unknown.ok());
  CHECK_THAT(unknown.error().text(), Catch::Contains("avx3") && Catch::Contains("cuda") && Catch::Contains("reference"));
  const auto cuda_device = open_device("cuda", workers);
  if (cuda::find_device().ok()) {
    CHECK(cuda_device.ok());
  } else {
    REQUIRE_FALSE(cuda_device.ok());
    CHECK(cuda_device.error().boundary == Boundary::kInput);
    CHECK(cuda_device.error().what == cuda::find_device().error().what);
  }
}

}  // namespace
}  // namespace assay::test
