"""A chat-completions server for tests, on loopback: `endpoint_server.py LOG` prints its port and serves until its standard input ends.

The model's name in a request chooses how it behaves (MODES below). Every request is written to LOG as one JSON line.
"""

import collections
import email.utils
import http.server
import json
import os
import sys
import threading
import time

HTML = b"<!DOCTYPE html><html><body>nginx</body></html>"
HUGE_BYTES = 100 << 20


class Failure(Exception):
    """Answered as an error of this status."""

    def __init__(self, status, message, headers=()):
        super().__init__(message)
        self.status, self.headers = status, dict(headers)


def call(name, arguments, number=0):
    return {"id": f"id_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}}


def reply(text=None, calls=None, **more):
    message = {"role": "assistant", "content": text, **more}
    if calls:
        message["tool_calls"] = calls
    usage = {"prompt_tokens": 120, "completion_tokens": 7, "total_tokens": 127, "prompt_tokens_details": {"cached_tokens": 100}}
    return {"id": "x", "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}


def step_of(request):
    return sum(message["role"] == "assistant" for message in request["messages"])


def tool_results(request):
    """The texts of the tool messages after the last assistant message, by the name of the tool and its first argument."""
    last = max(i for i, message in enumerate(request["messages"]) if message["role"] == "assistant")
    names = {}
    for made in request["messages"][last]["tool_calls"]:
        arguments = json.loads(made["function"]["arguments"])
        names[made["id"]] = (made["function"]["name"], next(iter(arguments.values()), None))
    return {names[message["tool_call_id"]]: message["content"] for message in request["messages"][last + 1:]}


def play_trip(request):
    """Lists the cities, lists what three of them have, submits the first of everything."""
    tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in request["tools"]}
    lists = [name for name in tools if name.startswith("get_all_")]
    step = step_of(request)
    if step == 0:
        return reply(calls=[call(name, {}, i) for i, name in enumerate(lists) if not tools[name].get("required")])
    if step == 1:
        cities = json.loads(next(iter(tool_results(request).values())))[:3]
        by_city = [name for name in lists if tools[name].get("required") == ["city"]]
        return reply(calls=[call(name, {"city": city}, f"{city}{name}") for city in cities for name in by_city])
    if step == 2:
        found = {key: json.loads(text) for key, text in tool_results(request).items()}
        days = []
        for i, city in enumerate(dict.fromkeys(city for _, city in found)):
            of = lambda what, n: (found.get((f"get_all_{what}_by_city", city)) or [""])[n:n + 1]
            pick = lambda what, n: (of(what, n) or [""])[0]
            days.append({"time": f"2025-10-0{i + 1}", "city": city, "hotel": pick("hotels", 0),
                         "afternoon_restaurant": pick("restaurants", 0), "afternoon_attraction": pick("attractions", 0),
                         "evening_restaurant": pick("restaurants", 1)})
        return reply(calls=[call("submit_result", {"answer_text": json.dumps(days, ensure_ascii=False)})])
    return reply("Done.")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, log):
        super().__init__(("127.0.0.1", 0), Handler)
        self.log = open(log, "w", encoding="utf-8")
        self.lock = threading.Lock()
        self.seen = collections.defaultdict(list)  # model -> times of its requests

    def record(self, entry):
        with self.lock:
            self.log.write(json.dumps(entry) + "\n")
            self.log.flush()

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is part of the tests


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/chunked":  # the length is not announced
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nhello\r\n0\r\n\r\n")
            return
        self.send(200, b"hello", {"Content-Type": "text/plain", "X-Twice": "first"}, more=[("X-Twice", "second")])

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = json.loads(body)
        model = request["model"]
        with self.server.lock:
            self.server.seen[model].append(time.monotonic())
            times = list(self.server.seen[model])
        self.server.record({"path": self.path, "peer": self.client_address[1], "headers": dict(self.headers), "body": request})
        try:
            answer = MODES[model](self, request, times)
        except Failure as failure:
            self.send(failure.status, json.dumps({"error": {"message": str(failure), "type": "test"}}).encode(), failure.headers)
            return
        if answer is not None:
            self.send(200, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def send(self, status, body, headers=(), more=()):
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **dict(headers)}
        self.send_response(status)
        for name, value in [*headers.items(), *more]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def slow(handler, request, times):
    time.sleep(5)
    return play_trip(request)


def html(handler, request, times):
    handler.send(200, HTML, {"Content-Type": "text/html"})


def html_error(handler, request, times):
    handler.send(404, HTML, {"Content-Type": "text/html"})


def rate_limited(handler, request, times):
    """429 twice; whoever comes back before the second it asks for is told so for good."""
    if len(times) > 1 and len(times) <= 3 and times[-1] - times[-2] < 1:
        raise Failure(400, f"came back after {times[-1] - times[-2]:.3f} s, asked for 1 s")
    if len(times) <= 2:
        raise Failure(429, "slow down", {"Retry-After": "1"})
    return play_trip(request)


def rate_limited_until(handler, request, times):
    """As above, with a date; dates have whole seconds, so two of them ahead is at least one second."""
    if len(times) == 1:
        raise Failure(503, "later", {"Retry-After": email.utils.formatdate(time.time() + 2, usegmt=True)})
    if len(times) == 2 and times[1] - times[0] < 1:
        raise Failure(400, "came back before the date")
    return play_trip(request)


def rate_limited_for_long(handler, request, times):
    raise Failure(429, "quota used up", {"Retry-After": "86400"})


def status_500(handler, request, times):
    raise Failure(500, "the GPU fell off the bus")


def status_400(handler, request, times):
    raise Failure(400, "This model's maximum context length is 8192 tokens.\n\x1b[31m" + "x" * 5000)


def status_401(handler, request, times):
    raise Failure(401, "Incorrect API key provided: " + handler.headers["Authorization"].split(" ")[1])


def status_401_cut(handler, request, times):
    """The key stands where a client would cut a long message."""
    raise Failure(401, "y" * 280 + handler.headers["Authorization"].split(" ")[1])


def redirect(handler, request, times):
    handler.send(307, b"", {"Location": "http://user:secret@127.0.0.2:1/v1/chat/completions?token=1"})


def huge(handler, request, times):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    chunk, sent = b"x" * (1 << 16), 0
    try:
        while sent < HUGE_BYTES:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            sent += len(chunk)
        handler.wfile.write(b"0\r\n\r\n")
    finally:
        handler.server.record({"huge_bytes_sent": sent})


def hang_up(handler, request, times):
    whole = json.dumps(play_trip(request)).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(whole)))
    handler.end_headers()
    handler.wfile.write(whole[:len(whole) // 2])
    handler.close_connection = True


def no_answer(handler, request, times):
    handler.close_connection = True


def hang_up_once(handler, request, times):
    return no_answer(handler, request, times) if len(times) == 1 else play_trip(request)


def reasoning(handler, request, times):
    """Thinks at every step and wants its thoughts back while only tool results follow."""
    step = step_of(request)
    assistants = [message for message in request["messages"] if message["role"] == "assistant"]
    for i, message in enumerate(assistants):
        if message.get("reasoning_content") != f"thought {i}":
            raise Failure(400, f"the reasoning of step {i} was lost")
    answer = play_trip(request)
    # Some servers call the member "reasoning".
    answer["choices"][0]["message"]["reasoning" if step == 1 else "reasoning_content"] = f"thought {step}"
    return answer


WINDOW_MESSAGES, LOOKS = 20, 24


def small_context(handler, request, times):
    """Looks around for LOOKS turns, then plays on; a window of WINDOW_MESSAGES messages, 100 tokens each. Writes a summary where it
    is given no tools. The turns are counted by what it has been asked, for its own history may have been dropped."""
    messages = request["messages"]
    if len(messages) > WINDOW_MESSAGES:
        raise Failure(400, "This model's maximum context length is 2000 tokens.")
    if "tools" not in request:
        answer = reply("Looked around; nothing to note.")
    elif len(times) <= LOOKS:
        answer = reply(calls=[call("get_all_cities", {})])
    else:
        answer = reply(calls=[call("submit_result", {"answer_text": "[]"})])
    answer["usage"] = {"prompt_tokens": 100 * len(messages), "completion_tokens": 100}
    return answer


def unknown_tool(handler, request, times):
    return reply(calls=[call("get_moon_phase", {"day": 1})]) if step_of(request) == 0 else reply("I give up.")


def wrong_types(handler, request, times):
    calls = [call("get_all_hotels_by_city", {"city": 7}, 0), call("get_all_hotels_by_city", {}, 1), call("get_all_cities", {}, 1)]
    calls[1]["function"]["arguments"] = "{not json"            # malformed text
    calls[2]["function"]["arguments"] = {"as": ["an object"]}  # and an id that occurs twice
    del calls[0]["id"]
    if step_of(request) == 0:
        return reply(calls=calls)
    sent = [made["function"]["arguments"] for message in request["messages"] for made in message.get("tool_calls", [])]
    if not all(isinstance(json.loads(text), dict) for text in sent):
        raise Failure(400, "an argument is no JSON object")
    return reply("I give up.")


MODES = {
    "good": lambda handler, request, times: play_trip(request),
    "slow": slow,
    "html": html,
    "html_error": html_error,
    "invalid_json": lambda *_: b'{"choices": [{"message": oops',
    "rate_limited": rate_limited,
    "rate_limited_until": rate_limited_until,
    "rate_limited_for_long": rate_limited_for_long,
    "status_500": status_500,
    "status_400": status_400,
    "status_401": status_401,
    "status_401_cut": status_401_cut,
    "redirect": redirect,
    "huge": huge,
    "deep": lambda *_: b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nan": lambda *_: b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": NaN}}',
    "duplicate_keys": lambda *_: b'{"choices": [{"message": {"content": "x", "content": "y"}}]}',
    "no_choices": lambda *_: {"choices": []},
    "error_in_200": lambda *_: {"error": {"message": "model is loading"}},
    "content_is_a_list": lambda *_: {"choices": [{"message": {"content": [1]}}]},
    "calls_are_no_list": lambda *_: {"choices": [{"message": {"content": "", "tool_calls": {}}}]},
    "call_without_name": lambda *_: reply(calls=[{"id": "a", "function": {"arguments": "{}"}}]),
    "strange_usage": lambda *_: {**reply("Done."), "usage": {"prompt_tokens": -4, "completion_tokens": 1.5}},
    # One for each way to play it, because a model's requests are counted.
    **{f"small_context_{how}": small_context for how in ("none", "summary", "discard-75", "discard-all")},
    "unknown_tool": unknown_tool,
    "wrong_types": wrong_types,
    "reasoning": reasoning,
    "hang_up": hang_up,
    "hang_up_once": hang_up_once,
    "no_answer": no_answer,
}


def main():
    server = Server(sys.argv[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)  # without waiting for threads that sleep


if __name__ == "__main__":
    main()
