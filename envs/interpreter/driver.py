"""Drives one Jupyter kernel for a program on the other side of standard input and output, which speaks JSON lines.

    {"id", "op": "run", "code", "timeout_ms", "text_bytes", "images", "image_bytes"}
    {"id", "status": "ok" | "error" | "timeout" | "died", "lost": bool, "text", "images": [{"mime", "data", "width", "height"}], "wall_us"}

The kernel runs hostile code under the same user. It cannot reach these pipes: this process is not dumpable, so its descriptors
and memory are closed to others of its user, and the kernel inherits none of them. `lost` says that variables are gone.
"""

import ctypes
import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PR_SET_DUMPABLE = 4
ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)

REPLIES = os.fdopen(os.dup(1), "w", encoding="utf-8")
REQUESTS = os.fdopen(os.dup(0), "r", encoding="utf-8")
NOWHERE = os.open(os.devnull, os.O_RDWR)
os.dup2(NOWHERE, 0)
os.dup2(NOWHERE, 1)

GRACE_S = 3.0          # from an interrupt to the end of patience
READY_S = 30.0
COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


class Died(Exception):
    pass


class Kernel:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="kernel-")
        connection = {
            "transport": "ipc", "ip": os.path.join(self.folder, "s"), "key": secrets.token_hex(32),
            "signature_scheme": "hmac-sha256", "shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5,
        }
        path = os.path.join(self.folder, "connection.json")
        with open(path, "w") as file:
            json.dump(connection, file)
        environment = dict(os.environ, IPYTHONDIR=self.folder, JUPYTER_RUNTIME_DIR=self.folder, PYTHONDONTWRITEBYTECODE="1")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ipykernel_launcher", "-f", path, "--HistoryManager.enabled=False", "--InteractiveShell.colors=NoColor"],
            stdin=NOWHERE, stdout=NOWHERE, stderr=NOWHERE, close_fds=True, start_new_session=True, env=environment)
        # Imported while the kernel starts.
        import zmq
        from jupyter_client.session import Session
        self.zmq = zmq
        self.session = Session(key=connection["key"].encode(), signature_scheme=connection["signature_scheme"])
        self.context = zmq.Context()
        self.shell = self.connect(zmq.DEALER, 1)
        self.shell.setsockopt(zmq.IDENTITY, self.session.bsession)
        self.iopub = self.connect(zmq.SUB, 2)
        self.iopub.setsockopt(zmq.SUBSCRIBE, b"")
        self.wait_until_ready()

    def connect(self, kind, number):
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.connect(f"ipc://{self.folder}/s-{number}")
        return socket

    # Until a question has come back on both channels, messages may still be lost.
    def wait_until_ready(self):
        deadline = time.monotonic() + READY_S
        asked = None
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                if importlib.util.find_spec("ipykernel") is None:
                    raise ImportError("No module named 'ipykernel'")
                raise Died("the kernel did not start")
            if asked is None and os.path.exists(f"{self.folder}/s-1"):
                asked = self.ask("kernel_info_request", {})
            message = self.message(0.01)
            if message is not None and message["parent_header"].get("msg_id") == asked:
                return
            if asked is not None and message is None:
                asked = self.ask("kernel_info_request", {})

    def ask(self, kind, content):
        return self.session.send(self.shell, kind, content)["header"]["msg_id"]

    def message(self, timeout_s):
        """The next one on the channel of outputs, or None."""
        if not self.iopub.poll(int(timeout_s * 1000)):
            return None
        try:
            return self.session.recv(self.iopub)[1]
        except ValueError:
            return None   # not signed with our key

    def interrupt(self):
        os.kill(self.process.pid, signal.SIGINT)

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.context.destroy(linger=0)
        shutil.rmtree(self.folder, ignore_errors=True)


class Outputs:
    """What a cell showed, in order, reduced to text and images."""

    def __init__(self, images, image_bytes):
        self.parts, self.images = [], []
        self.most_images, self.most_bytes = images, image_bytes
        self.clear_at_next = False

    def add(self, text):
        if self.clear_at_next:
            self.parts, self.clear_at_next = [], False
        self.parts.append(COLOURS.sub("", text))

    def take(self, kind, content):
        if kind == "stream":
            self.add(content["text"])
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self.show(content["data"])
        elif kind == "error":
            self.add("\n".join(content["traceback"]) + "\n")
        elif kind == "clear_output":
            if content.get("wait"):
                self.clear_at_next = True
            else:
                self.parts = []

    def show(self, data):
        for mime in ("image/png", "image/jpeg"):
            if mime in data and self.keep_image(mime, data[mime]):
                return
        for mime in ("text/plain", "text/markdown", "text/latex", "text/html", "application/json"):
            if mime in data:
                value = data[mime] if isinstance(data[mime], str) else json.dumps(data[mime])
                self.add(value + "\n")
                return

    def keep_image(self, mime, data):
        if len(self.images) >= self.most_images or len(data) * 3 // 4 > self.most_bytes:
            self.add("[an image was left out: too many or too large]\n")
            return True
        self.images.append({"mime": mime, "data": data.strip()})
        self.add(f"[image {len(self.images)}]\n")
        return True

    def text(self, limit):
        whole = "".join(self.parts)
        data = whole.encode("utf-8", "replace")
        if len(data) <= limit:
            return whole
        head, tail = data[:limit // 2].decode("utf-8", "ignore"), data[-(limit // 2):].decode("utf-8", "ignore")
        return f"{head}\n[{len(data) - limit} bytes were left out here]\n{tail}"


class Driver:
    def __init__(self):
        self.kernel = Kernel()

    def run(self, request):
        outputs = Outputs(request["images"], request["image_bytes"])
        lost = False
        start = time.monotonic()
        try:
            if self.kernel is None:
                self.kernel = Kernel()
            status = self.execute(request["code"], start + request["timeout_ms"] / 1000, outputs)
        except Died as death:
            status, lost = "died", True
            code = self.kernel.process.poll() if self.kernel else None
            outputs.add(f"\n{death}" if code is None else f"\nthe kernel died ({'signal ' + str(-code) if code < 0 else 'exit status ' + str(code)})")
        if status == "lost":
            status, lost = "timeout", True
        if lost and self.kernel is not None:
            self.kernel.stop()
            self.kernel = None
        return {"id": request["id"], "status": status, "lost": lost, "text": outputs.text(request["text_bytes"]), "images": outputs.images,
                "wall_us": int((time.monotonic() - start) * 1e6)}

    def execute(self, code, deadline, outputs):
        """"ok", "error", "timeout" (interrupted, variables kept) or "lost" (it did not stop)."""
        kernel = self.kernel
        parent = kernel.ask("execute_request", {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                                                "allow_stdin": False, "stop_on_error": False})
        status, interrupted = "ok", False
        size = 0
        while True:
            message = kernel.message(0.2)
            if message is None and kernel.process.poll() is not None:
                raise Died("the kernel died")
            now = time.monotonic()
            if now > deadline and not interrupted:
                kernel.interrupt()
                interrupted, deadline = True, now + GRACE_S
            elif now > deadline:
                return "lost"
            if message is None or message["parent_header"].get("msg_id") != parent:
                continue
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            # What nobody will be shown is not kept.
            size += len(content.get("text", "")) if kind == "stream" else 0
            if size < 16 << 20 or kind != "stream":
                outputs.take(kind, content)
            if kind == "error":
                status = "error"
        return "timeout" if interrupted else status


def main():
    try:
        driver = Driver()
    except (ImportError, Died) as problem:
        print(json.dumps({"broken": str(problem)}), file=REPLIES, flush=True)
        return
    numpy = ""
    if importlib.util.find_spec("numpy"):
        from importlib.metadata import version
        numpy = version("numpy")
    print(json.dumps({"ready": "%d.%d" % sys.version_info[:2], "numpy": numpy}), file=REPLIES, flush=True)
    for line in REQUESTS:
        print(json.dumps(driver.run(json.loads(line))), file=REPLIES, flush=True)


main()
