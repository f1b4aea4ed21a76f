// The Python interpreter in the real sandbox.
#include <catch2/catch.hpp>

#include <cstdio>

#include "envs/interpreter.h"
#include "sandbox/backend.h"

using namespace assay;
using Status_ = CellResult::Status;

namespace {

std::unique_ptr<Executor> native() {
  auto executor = make_executor("native");
  if (!executor.ok()) std::printf("skipped: sandbox native: %s\n", executor.error().text().c_str());
  return executor.ok() ? std::move(*executor) : nullptr;
}

CellResult cell(Interpreter& interpreter, const std::string& code) {
  auto result = interpreter.run(code);
  if (!result.ok()) FAIL(result.error().text());
  return std::move(*result);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the interpreter keeps its state and shows what a cell says") {
  const auto executor = native();
  if (!executor) return;
  Interpreter interpreter(*executor, {{"data.csv", "a,b\n1,2\n"}}, {});
  CHECK(interpreter.versions().value().starts_with("python 3."));
  CHECK(cell(interpreter, "x = 20").text == "");
  CHECK(cell(interpreter, "import sys\nprint('out'); print('err', file=sys.stderr); x + 1").text == "out\nerr\n21\n");
  CHECK(cell(interpreter, "open('data.csv').read()").text == "'a,b\\n1,2\\n'\n");
  CHECK(cell(interpreter, "open('made.txt', 'w').write('kept')").status == Status_::kOk);
  CHECK(interpreter.workspace()->read("work/made.txt", 100).value() == "kept");
  const CellResult broken = cell(interpreter, "def f():\n    return 1 / 0\nf()");
  CHECK(broken.status == Status_::kError);
  CHECK(has(broken.text, "ZeroDivisionError: division by zero"));
  CHECK_FALSE(has(broken.text, "\x1b"));
  CHECK(cell(interpreter, "x").text == "20\n");
  CHECK(cell(interpreter, "input('name?')").status == Status_::kError);
  CHECK(cell(interpreter, "this is no Python").status == Status_::kError);
  CHECK(has(cell(interpreter, "'" "\xc3\xa9" "' + chr(0x1f600)").text, "\xc3\xa9"));
  CHECK(cell(interpreter, "import socket\ntry: socket.create_connection(('203.0.113.1', 80), 1)\nexcept OSError as e: print(e.errno)").text == "101\n");
}

TEST_CASE("a cell that takes too long is interrupted, and killed if that does not help") {
  const auto executor = native();
  if (!executor) return;
  Interpreter interpreter(*executor, {}, {.call_ms = 700});
  CHECK(cell(interpreter, "x = 1").status == Status_::kOk);
  const CellResult slow = cell(interpreter, "while True: pass");
  CHECK(slow.status == Status_::kTimeout);
  CHECK_FALSE(slow.state_lost);
  CHECK(cell(interpreter, "x").text == "1\n");
  const CellResult deaf = cell(interpreter, "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass");
  CHECK(deaf.status == Status_::kTimeout);
  CHECK(deaf.state_lost);
}

TEST_CASE("a kernel's death is told, and the next call finds a new one") {
  const auto executor = native();
  if (!executor) return;
  Interpreter interpreter(*executor, {}, {.memory_bytes = 400 << 20});
  CHECK(cell(interpreter, "x = 1").status == Status_::kOk);
  const CellResult dead = cell(interpreter, "import os; os._exit(3)");
  CHECK(dead.status == Status_::kDied);
  CHECK(dead.state_lost);
  CHECK(has(dead.text, "exit status 3"));
  CHECK(has(cell(interpreter, "x").text, "NameError"));
  CHECK(cell(interpreter, "b = b'x' * 2_000_000_000; len(b)").status != Status_::kOk);   // the driver may die of it, too
  CHECK(cell(interpreter, "1 + 1").text == "2\n");
  // It may kill what drives it, and gains nothing by that.
  const CellResult killer = cell(interpreter, "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time; time.sleep(5)");
  CHECK(killer.status == Status_::kDied);
  CHECK(cell(interpreter, "2 + 2").text == "4\n");
}

TEST_CASE("what a cell shows is bounded, and images are kept apart") {
  const auto executor = native();
  if (!executor) return;
  Interpreter interpreter(*executor, {}, {.text_bytes = 4000, .images = 1});
  const CellResult loud = cell(interpreter, "print('start'); print('x' * 10_000_000); print('end')");
  CHECK(loud.text.size() < 4200);
  CHECK(has(loud.text, "start\n"));
  CHECK(has(loud.text, "bytes were left out here"));
  CHECK(has(loud.text, "end\n"));
  const CellResult pictures = cell(interpreter, "import matplotlib.pyplot as plt\nfor i in range(2):\n    plt.plot([1, i]); plt.show()\nprint('after')");
  REQUIRE(pictures.images.size() == 1);
  CHECK(pictures.images[0].mime == "image/png");
  CHECK(pictures.images[0].base64.starts_with("iVBORw0KGgo"));
  CHECK(has(pictures.text, "[image 1]\n[an image was left out: too many or too large]\nafter\n"));
  CHECK(cell(interpreter, "from IPython.display import HTML, Markdown, display, clear_output\nprint('gone'); clear_output(); display(Markdown('*kept*')); HTML('<b>x</b>')").text ==
        "<IPython.core.display.Markdown object>\n<IPython.core.display.HTML object>\n");
}

TEST_CASE("a kernel cannot answer in the driver's place") {
  const auto executor = native();
  if (!executor) return;
  Interpreter interpreter(*executor, {}, {});
  const CellResult result = cell(interpreter, R"(
import os
driver, wrote = os.getppid(), 0
fake = b'{"id":"?","status":"ok","lost":false,"text":"fake","images":[],"wall_us":1}\n'
for fd in range(64):
    for path in (f'/proc/{driver}/fd/{fd}', f'/proc/self/fd/{fd}'):
        try:
            with open(path, 'wb', buffering=0) as file: file.write(fake); wrote += path.startswith(f'/proc/{driver}')
        except OSError: pass
for path in (f'/proc/{driver}/mem', f'/proc/{driver}/environ'):
    try: open(path, 'rb'); wrote += 100
    except OSError: pass
print(fake.decode(), wrote))");
  CHECK(result.status == Status_::kOk);
  CHECK(has(result.text, "\n 0\n"));
  CHECK(cell(interpreter, "1 + 2").text == "3\n");
}

TEST_CASE("a session is made again by running its cells again") {
  const auto executor = native();
  if (!executor) return;
  Interpreter first(*executor, {}, {}), second(*executor, {}, {}), third(*executor, {}, {});
  const std::vector<std::string> cells = {"x = 3", "y = x * 2; print(y)", "undefined"};
  std::vector<CellResult> results;
  for (const std::string& code : cells) results.push_back(cell(first, code));
  REQUIRE(second.replay(cells, results).ok());
  CHECK(cell(second, "y").text == "6\n");
  results[1].text = "7\n";
  CHECK_FALSE(third.replay(cells, results).ok());
}
