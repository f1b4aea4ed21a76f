#include <catch2/catch.hpp>

#include <cstdio>
#include <chrono>
#include <thread>

#include "sandbox/backend.h"

using namespace assay;

TEST_CASE("smoke") {
  auto executor = make_executor("native");
  if (!executor.ok()) FAIL(executor.error().text());
  auto ws = (*executor)->workspace({});
  if (!ws.ok()) FAIL(ws.error().text());
  auto r = (*executor)->run({.argv = {"sh", "-c", "ls -la /; echo hi > /work/x; chmod +x /work/x; mkdir /work/d; touch /work/d/é; ln -s /etc/passwd /work/l; touch /usr/x; python3 -c 'import socket; s=socket.socket(); s.settimeout(1); s.connect((\"1.2.3.4\",80))'; cat"}, .input="stdin here"}, **ws);
  if (!r.ok()) FAIL(r.error().text());
  std::printf("%s\n", to_json(*r).dump(1).c_str());
  auto f = (*ws)->fork();
  if (!f.ok()) FAIL(f.error().text());
  REQUIRE((*ws)->write("work/a/b/c.txt", "hello").ok());
  REQUIRE((*ws)->read("work/a/b/c.txt", 100).value() == "hello");
  auto l = (*ws)->read("work/l", 100); REQUIRE(!l.ok()); std::printf("%s\n", l.error().text().c_str());
  r = (*executor)->run({.argv = {"sh", "-c", "rm /work/x; ls -la /work; rm -r /work/d; mkdir /work/d; echo z>/work/d/new; rm -rf /home/user"}}, **f);
  std::printf("%s\n", r->out.text().c_str());
  for (auto* w : {&ws, &f}) {
  auto c = (**w)->changes();
  if (!c.ok()) FAIL(c.error().text());
  for (auto& each : *c) std::printf("%d %c %s %d\n", (int)each.kind, each.type, each.path.c_str(), each.executable);
  std::printf("--\n");
  }
}
TEST_CASE("speed") {
  auto executor = make_executor("native");
  auto ws = (*executor)->workspace({});
  std::vector<double> t;
  auto t0 = std::chrono::steady_clock::now();
  for (int i = 0; i < 300; ++i) {
    auto a = std::chrono::steady_clock::now();
    auto r = (*executor)->run({.argv = {"true"}}, **ws);
    if (!r.ok()) FAIL(r.error().text());
    t.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - a).count() * 1e3);
  }
  double all = std::chrono::duration<double>(std::chrono::steady_clock::now() - t0).count();
  std::sort(t.begin(), t.end());
  std::printf("mean %.2f p50 %.2f p99 %.2f ms, %.0f/s\n", all * 1e3 / 300, t[150], t[296], 300 / all);
}
TEST_CASE("others") {
  for (const Backend& b : backends::all()) {
    ExecutorOptions o;
    if (b.name == "external") o.argument = "env WORK={work} {name}X=1";
    auto c = b.check(o);
    std::printf("%s works=%d %s problem=%s hint=%s missing=%zu\n", b.name.c_str(), c.works, c.detail.c_str(), c.problem.c_str(), c.hint.c_str(), c.missing_walls.size());
    if (!c.works) continue;
    auto executor = b.create(o);
    auto ws = (*executor)->workspace({});
    if (!ws.ok()) FAIL(ws.error().text());
    REQUIRE((*ws)->write("work/in.txt", "x").ok());
    auto r = (*executor)->run({.argv = {"sh", "-c", "id; pwd; ls -la; echo hi > out.txt; sleep 100 & cat; ls /root"}, .input="stdin"}, **ws);
    if (!r.ok()) FAIL(r.error().text());
    std::printf("%s\n%s\n", to_json(*r).dump(1).c_str(), r->out.text().c_str());
    auto ch = (*ws)->changes();
    if (!ch.ok()) FAIL(ch.error().text());
    for (auto& each : *ch) std::printf("%d %c %s\n", (int)each.kind, each.type, each.path.c_str());
  }
}
