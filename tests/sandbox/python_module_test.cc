// Python modules and the tools that are their functions, in the real sandbox.
#include <catch2/catch.hpp>

#include <cstdio>

#include "envs/python_module.h"
#include "envs/toolset.h"
#include "sandbox/backend.h"
#include "tests/envs/fixture.h"

using namespace assay;
using fixture::must;

namespace {

std::unique_ptr<Executor> native() {
  auto executor = make_executor("native");
  if (!executor.ok()) std::printf("skipped: sandbox native: %s\n", executor.error().text().c_str());
  return executor.ok() ? std::move(*executor) : nullptr;
}

ModuleResult call(Executor& executor, const std::string& text, const ModuleOptions& options = {.call_ms = 3'000}) {
  PythonModule module(executor, text, options);
  return must(module.call({.function = "f"}));
}

Json database_environment(const std::string& module) {
  const auto tool = [&](const char* name, const char* effect, const char* parameter) {
    return Json{{"name", name}, {"description", "-"}, {"kind", "function"}, {"effect", effect}, {"body", {{"module", module}}},
                {"parameters", {{"type", "object"}, {"properties", {{parameter, {{"type", "string"}}}}}, {"required", {parameter}}, {"additionalProperties", false}}}};
  };
  Json json = fixture::environment_json();
  Json submit = json["tools"].back();
  json["tools"] = {tool("price", "read", "hotel"), tool("spy", "read", "hotel"), tool("rename", "write", "city"), submit};
  return json;
}

constexpr const char* kTools = R"py(
def price(db, hotel):
    rows = db.execute("SELECT city, price FROM hotel WHERE name = ? ORDER BY city", (hotel,)).fetchall()
    if not rows:
        raise ValueError("no hotel is called " + hotel)
    return [{"city": city, "price": price} for city, price in rows]

def spy(db, hotel):
    db.execute("DELETE FROM hotel")

def rename(db, city):
    db.execute("UPDATE weather SET sky = 'snow' WHERE city = ?", (city,))
    db.execute("DELETE FROM hotel WHERE city = ? AND stars = 3", (city,))
    if city == "Suzhou":
        raise ValueError("not there")
    return "done"
)py";

}  // namespace

TEST_CASE("functions of a module are called with what they are given") {
  const auto executor = native();
  if (!executor) return;
  PythonModule module(*executor, "import math\ncount = 0\n"
                                 "def add(a, b):\n    global count\n    count += 1\n    return {'sum': a + b, 'calls': count, 'é': [1.5, None, True]}\n"
                                 "def draw(random, n):\n    return [random.randrange(n) for _ in range(4)]\n"
                                 "def ask(tools):\n    try:\n        tools.no()\n    except ToolError as error:\n        return [tools.twice(x=4), str(error)]\n"
                                 "def order():\n    return list({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'})\n",
                      {});
  const Json named{{"b", 3}};
  CHECK(must(module.call({.function = "add", .values = {2}, .named = named})).value == "{\"sum\": 5, \"calls\": 1, \"é\": [1.5, null, true]}");
  CHECK(must(module.call({.function = "add", .values = {2}, .named = named})).value.find("\"calls\": 2") != std::string::npos);
  const std::string drawn = must(module.call({.function = "draw", .given = {"random"}, .values = {1000}, .seed = 7})).value;
  CHECK(must(module.call({.function = "draw", .given = {"random"}, .values = {1000}, .seed = 7})).value == drawn);
  CHECK(must(module.call({.function = "draw", .given = {"random"}, .values = {1000}, .seed = 8})).value != drawn);
  const auto tools = [](const std::string& tool, const std::string& arguments) -> Result<Observation> {
    if (tool != "twice") return Observation{"no such tool", true, {}};
    return Observation{std::to_string(2 * must(parse_json(arguments, "x")).at("x").get<int>()), false, {}};
  };
  CHECK(must(module.call({.function = "ask", .given = {"tools"}}, tools)).value == "[8, \"no such tool\"]");
  const std::string order = must(module.call({.function = "order"})).value;
  CHECK(must(module.call({.function = "order"})).value == order);
  module.restart();
  CHECK(must(module.call({.function = "order"})).value != order);   // another seed of hashes
  CHECK(must(module.call({.function = "add", .values = {1, 1}})).value.find("\"calls\": 1") != std::string::npos);
}

TEST_CASE("what a module does wrong has its code") {
  const auto executor = native();
  if (!executor) return;
  const auto code = [&](const std::string& body, ModuleOptions options = {.call_ms = 3'000}) {
    const ModuleResult result = call(*executor, "def f():\n    " + body + "\n", options);
    INFO(body << ": " << result.text);
    CHECK_FALSE(result.text.empty());
    return result.code;
  };
  CHECK(call(*executor, "def f(:").code == "does_not_load");
  CHECK(call(*executor, "import numpy\ndef f(): return 1").code == "does_not_load");
  CHECK(call(*executor, "def g(): return 1").code == "no_function");
  CHECK(code("raise ValueError('wrong')") == "rejected");
  CHECK(code("return 1 / 0") == "raised");
  CHECK(code("raise SystemExit(0)") == "raised");
  CHECK(code("return float('nan')") == "not_json");
  CHECK(code("return {1, 2}") == "not_json");
  CHECK(code("return '\\ud800'") == "not_json");
  CHECK(code("return 'x' * 50_000_000") == "too_large");
  CHECK(code("import os\n    while True: os.write(3, b'x' * 1_000_000)") == "too_large");
  CHECK(code("import os\n    os.write(3, b'{\"value\": 1}\\n')") == "died");
  CHECK(code("while True: pass", {.call_ms = 1'000}) == "timed_out");
  CHECK(code("while True: pass", {.calls_alone = true, .call_ms = 1'000}) == "timed_out");
  CHECK(code("import time\n    time.sleep(100)", {.call_ms = 200}) == "timed_out");
  CHECK(code("import os\n    os._exit(3)") == "died");
  CHECK(code("x = [bytearray(1 << 20) for _ in range(2000)]") == "out_of_memory");
  CHECK(code("open('/etc/passwd')") == "tried_files");
  CHECK(code("import sqlite3; sqlite3.connect('x')") == "tried_files");
  CHECK(code("import os\n    try: os.listdir('/work')\n    except BaseException: pass\n    return 1") == "tried_files");
  CHECK(code("import socket\n    socket.create_connection(('203.0.113.1', 80))") == "tried_network");
  CHECK(code("import os\n    while True: os.fork()") == "tried_processes");
  CHECK(code("import subprocess\n    subprocess.run(['true'])") == "tried_processes");
  CHECK(code("import ctypes\n    ctypes.CDLL(None)") == "tried_native");
}

TEST_CASE("what the watch does not see meets the sandbox") {
  const auto executor = native();
  if (!executor) return;
  // The watch is switched off from inside, as its source allows.
  const auto unwatched = [&](const std::string& body) {
    return call(*executor, "def f():\n    import sys, os\n    sys.modules['__main__'].watching = False\n    " + body + "\n", {.call_ms = 1'000});
  };
  CHECK(unwatched("return os.listdir('/work')").value == "[]");
  CHECK(unwatched("import socket\n    socket.create_connection(('203.0.113.1', 80), 1)").text.find("Network is unreachable") != std::string::npos);
  CHECK(unwatched("\n    while True:\n        try: os.fork()\n        except OSError: pass").code == "tried_processes");
}

TEST_CASE("calls alone see nothing of each other") {
  const auto executor = native();
  if (!executor) return;
  PythonModule module(*executor, "n = 0\ndef f():\n    global n\n    n += 1\n    return n\ndef g():\n    import os\n    os._exit(5)\n", {.calls_alone = true});
  CHECK(must(module.call({.function = "f"})).value == "1");
  CHECK(must(module.call({.function = "f"})).value == "1");
  CHECK(must(module.call({.function = "g"})).code == "died");
  CHECK(must(module.call({.function = "f"})).value == "1");
}

TEST_CASE("tools that are functions share one copy of the database and tell what they changed") {
  const auto executor = native();
  if (!executor) return;
  const auto environment = fixture::environment(database_environment(kTools));
  CHECK(keeps_state(*environment));
  CHECK(runs_programs(*environment));
  const auto tools = must(Toolset::open(environment, must(Database::build(environment->tables)), {.executor = executor.get(), .files = {}, .tree = {}}));
  CHECK(must(tools->call("price", R"({"hotel": "Grand"})")).text == R"([{"city": "Nanjing", "price": 800.0}, {"city": "Suzhou", "price": 350.5}])");
  const Observation refused = must(tools->call("price", R"({"hotel": "Ritz"})"));
  CHECK(refused.error);
  CHECK(refused.text == R"({"error":"no hotel is called Ritz"})");
  CHECK(must(tools->state()) == Json::object());
  const auto spied = tools->call("spy", R"({"hotel": "Grand"})");
  REQUIRE_FALSE(spied.ok());   // a tool that reads cannot write
  CHECK(spied.error().boundary == Boundary::kTool);
  CHECK(must(tools->call("rename", R"({"city": "Suzhou"})")).error);
  CHECK(must(tools->state()) == Json::object());   // what a refusal had changed is undone
  CHECK(must(tools->call("rename", R"({"city": "Nanjing"})")).text == "\"done\"");
  CHECK(canonical_json(must(tools->state())) ==
        R"({"hotel":{"removed":[{"city":"Nanjing","name":"凤凰 Lodge"}]},"weather":{"changed":[{"from":{"sky":"sun"},"key":{"city":"Nanjing","date":"2025-10-01"},"to":{"sky":"snow"}}]}})");
  REQUIRE(tools->reset().ok());
  CHECK(must(tools->state()) == Json::object());
  CHECK_FALSE(must(tools->call("price", R"({"hotel": "凤凰 Lodge"})")).error);
}

TEST_CASE("tools of one environment are functions of one module") {
  Json json = database_environment(kTools);
  json["tools"][1]["body"]["module"] = "def spy(db, hotel): return 1";
  const auto environment = fixture::environment(json);
  const auto opened = Toolset::open(environment, must(Database::build(environment->tables)));
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().text().find("another module") != std::string::npos);
}

TEST_CASE("without a sandbox no function is called") {
  const auto environment = fixture::environment(database_environment(kTools));
  const auto tools = must(Toolset::open(environment, must(Database::build(environment->tables))));
  const auto called = tools->call("price", R"({"hotel": "Grand"})");
  REQUIRE_FALSE(called.ok());
  CHECK(called.error().boundary == Boundary::kSandbox);
}
