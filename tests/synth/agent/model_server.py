"""A chat-completions server on loopback whose replies come from files. It prints its port and serves until its standard input ends.

`model_server.py replay FILE…` gives back recorded replies: FILE holds JSON lines {"category", "replies": [REPLY …]}, as
`assay synth --record FILE` writes them. The n-th reply of a conversation is the n-th of its category; a reply is a message, its
text alone, or {"fill": TEXT, "bytes": N}. When they are used up the answer is status 410.

`model_server.py desk FOLDER` lets somebody else answer, with an editor: what is said to the model is written to
FOLDER/CATEGORY/N.request.txt (the whole beginning for N = 1, then what is new), and the reply is what then appears in
FOLDER/CATEGORY/N.reply.txt (write it beside, then rename it).
"""

import http.server
import json
import os
import pathlib
import re
import sys
import threading
import time


class Exhausted(Exception):
    pass


def category_of(request):
    """The first line of the first user message is "Category: …"."""
    first = next(message["content"] for message in request["messages"] if message["role"] == "user")
    return re.match(r"Category: (.*)", first).group(1)


def turn_of(request):
    return sum(message["role"] == "assistant" for message in request["messages"])


class Replay:
    def __init__(self, files):
        lines = [json.loads(line) for file in files for line in pathlib.Path(file).read_text(encoding="utf-8").splitlines()]
        self.replies = {line["category"]: line["replies"] for line in lines}

    def reply(self, request):
        replies = self.replies.get(category_of(request), [])
        if turn_of(request) >= len(replies):
            raise Exhausted(f"no more replies are recorded for {category_of(request)!r}")
        reply = replies[turn_of(request)]
        if isinstance(reply, str):
            return {"role": "assistant", "content": reply}
        if "fill" in reply:
            return {"role": "assistant", "content": (reply["fill"] * (reply["bytes"] // len(reply["fill"]) + 1))[:reply["bytes"]]}
        return reply


class Desk:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def reply(self, request):
        place = self.folder / re.sub(r"[^a-z0-9]+", "-", category_of(request).lower()).strip("-")
        place.mkdir(parents=True, exist_ok=True)
        turn = turn_of(request) + 1
        messages = request["messages"]
        last = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
        text = "\n\n".join(f"=== {message['role']} ===\n{message['content']}" for message in messages[last + 1:])
        unfinished = place / "request.part"
        unfinished.write_text(text, encoding="utf-8")
        unfinished.rename(place / f"{turn}.request.txt")
        answer = place / f"{turn}.reply.txt"
        while not answer.exists():
            time.sleep(0.2)
        return {"role": "assistant", "content": answer.read_text(encoding="utf-8")}


def handler_of(source):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                message = source.reply(request)
                # Bytes, for want of a tokenizer.
                usage = {"prompt_tokens": len(json.dumps(request)) // 4, "completion_tokens": len(message.get("content") or "") // 4}
                self.send(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage})
            except Exhausted as problem:
                self.send(410, {"error": {"message": str(problem)}})

        def send(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    return Handler


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass  # a client that hangs up on 50 MB is part of the tests


def main():
    source = Replay(sys.argv[2:]) if sys.argv[1] == "replay" else Desk(sys.argv[2])
    server = Server(("127.0.0.1", 0), handler_of(source))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
