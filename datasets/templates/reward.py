"""Scores completions of the rows beside this file with the verifier that certified them. Standard library only.

    TRL   reward_funcs=reward.reward
    verl  custom_reward_function.path=reward.py custom_reward_function.name=compute_score

One `assay env` process judges everything; it is started on first use, again if it dies, and once in each forked worker.
The program is $ASSAY, else `assay` on the PATH; the store is $ASSAY_STORE, else the one these rows were exported from.
A completion that is wrong scores 0. If the verifier itself cannot answer, RewardError is raised: never a silent 0.
"""

import atexit
import json
import os
import re
import select
import shutil
import subprocess
import threading
import time

STORE = "@STORE@"  # from the folder of this file
TIMEOUT_S = 120.0  # for one answer of the verifier
ANSWER_CHARACTERS = 1 << 19  # what is longer is cut; no right answer comes near
SUBMIT_TOOL = "submit_result"  # where a row names none


class RewardError(RuntimeError):
    """The verifier could not be asked; the message says at which boundary, and what to try."""


class Verifier:
    """One `assay env` process, started on first use. Safe from any thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self._process = None
        self._buffer = b""

    def request(self, message):
        """The reply to one JSON message; RewardError if it is an error, or if there is none."""
        line = (json.dumps(message) + "\n").encode()
        with self._lock:
            try:
                reply = self._ask(line)
            except (OSError, EOFError):  # it died: scoring changes nothing, so asking again is safe
                self._stop()
                try:
                    reply = self._ask(line)
                except (OSError, EOFError) as error:
                    status = self._stop()
                    raise RewardError(f"`assay env` ended twice (exit status {status}): {error or 'no answer'}") from error
            except BaseException:
                self._stop()  # what it would still answer belongs to nobody
                raise
        if "error" in reply:
            error = reply["error"]
            hint = f" (try: {error['try']})" if error.get("try") else ""
            raise RewardError(f"{error.get('boundary', 'unknown')}: {error.get('message', '')}{hint}")
        return reply

    def close(self):
        with self._lock:
            self._stop()

    def _start(self):
        program = os.environ.get("ASSAY") or shutil.which("assay")
        if not program:
            raise RewardError("the program `assay` was not found (try: put it on the PATH, or its path into $ASSAY)")
        store = os.environ.get("ASSAY_STORE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), STORE)
        if not os.path.exists(store):
            raise RewardError(f"{store}: there is no such store (try: its path in $ASSAY_STORE)")
        self._buffer = b""
        # Unbuffered: a fork in the middle of a write must not leave a second copy of a line to be flushed.
        self._process = subprocess.Popen([program, "env", "--store", store], bufsize=0, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)

    def _stop(self):
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        status = process.wait()
        for pipe in (process.stdin, process.stdout):
            try:
                pipe.close()
            except OSError:
                pass
        return status

    def _ask(self, line):
        if self._process is None:
            self._start()
        rest = memoryview(line)
        while rest:
            rest = rest[self._process.stdin.write(rest):]
        deadline = time.monotonic() + TIMEOUT_S
        out = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            if not select.select([out], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise RewardError(f"`assay env` did not answer within {TIMEOUT_S:g} s")
            part = os.read(out, 1 << 16)
            if not part:
                raise EOFError("it closed its output")
            self._buffer += part
        reply, self._buffer = self._buffer.split(b"\n", 1)
        try:
            return json.loads(reply)
        except ValueError as error:
            raise RewardError(f"`assay env` did not answer in JSON: {reply[:200]!r}") from error


_verifier = Verifier()


def _after_fork():
    """A worker must not share pipes with its parent, nor wait for a lock that a thread of the parent held."""
    global _verifier
    process, _verifier = _verifier._process, Verifier()
    if process is not None:
        process.returncode = 0  # the parent's to wait for
        process.stdin.close()
        process.stdout.close()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(lambda: _verifier.close())


def _argument(arguments):
    """The one string that a submission carries; None if it would be refused."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return None
    values = list(arguments.values()) if isinstance(arguments, dict) else []
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None


def _calls(message):
    """The (name, arguments) of a message's tool calls, structured or written as <tool_call>{...}</tool_call>."""
    for call in message.get("tool_calls") or []:
        function = call.get("function") or call
        yield function.get("name"), function.get("arguments")
    for text in re.findall(r"<tool_call>(.*?)</tool_call>", _text(message), re.DOTALL):
        try:
            call = json.loads(text)
        except ValueError:
            continue
        if isinstance(call, dict):
            yield call.get("name"), call.get("arguments")


def _text(message):
    """What a message says after its reasoning."""
    content = message.get("content") or ""
    if not isinstance(content, str):  # a list of parts
        content = "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content.rpartition("</think>")[2].strip()


def submitted_answer(completion, submit_tool=SUBMIT_TOOL):
    """The answer in a completion (text, or a list of messages): the first submission, else the last message's text."""
    messages = [{"role": "assistant", "content": completion}] if isinstance(completion, str) else list(completion)
    spoken = [message for message in messages if message.get("role", "assistant") == "assistant"]
    for message in spoken:
        for name, arguments in _calls(message):
            answer = _argument(arguments) if name == submit_tool else None
            if answer is not None:
                return answer
    return _text(spoken[-1]) if spoken else ""


def score(task_id, answer):
    """The verdict {"reward", "passed", "checks", ...} on an answer to a task."""
    answer = answer[:ANSWER_CHARACTERS].encode("utf-8", "replace").decode()  # a lone surrogate is no JSON
    return _verifier.request({"op": "score", "task": task_id, "answer": answer})


def made_calls(completion):
    """The tool calls of a completion (text, or a list of messages), in order, as `assay env` takes them."""
    messages = [{"role": "assistant", "content": completion}] if isinstance(completion, str) else list(completion)
    calls = [call for message in messages if message.get("role", "assistant") == "assistant" for call in _calls(message)]
    return [{"tool": name, "arguments": arguments if isinstance(arguments, (str, dict)) else json.dumps(arguments or {})}
            for name, arguments in calls if isinstance(name, str)]


def score_calls(task_id, calls):
    """The verdict on what these calls, carried out in an episode of their own, come to."""
    return _verifier.request({"op": "score", "task": task_id, "calls": calls})


def _reward(task, completion, submit_tool, judged_by):
    if judged_by == "state":
        return float(score_calls(task, made_calls(completion))["reward"])
    return float(score(task, submitted_answer(completion, submit_tool or SUBMIT_TOOL))["reward"])


def reward(prompts, completions, task_id, submit_tool=None, judged_by=None, **kwargs):
    """TRL: one reward a completion. `task_id`, `submit_tool` and `judged_by` are columns of the rows."""
    some = [None] * len(completions)
    return [_reward(*each) for each in zip(task_id, completions, submit_tool or some, judged_by or some, strict=True)]


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **kwargs):
    """verl: the reward of one decoded response. `ground_truth` is the id of the task."""
    extra = extra_info or {}
    return _reward(ground_truth, solution_str, extra.get("submit_tool"), extra.get("judged_by"))
