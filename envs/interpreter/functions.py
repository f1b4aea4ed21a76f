"""Calls the functions of one module for a program on the other side of standard input and output, which speaks JSON lines.

    {"module": TEXT, "database": PATH or "", "alone": bool, "most_bytes", "cpu_s"}     -> {"ready": true}, or {"code", "text"}
    {"function", "given": ["db" | "random" | "tools" …], "values": […], "named": {…}, "seed", "write": bool}
        -> any number of {"ask": TOOL, "arguments"}, each answered by {"observation": TEXT, "error": bool};
           then {"value": JSON as TEXT}, or {"code", "text"}
    {"touched": true}                                                         -> {"value": [[table, row before, row now] …] as TEXT}

What a function is given comes before its values: the database (a copy in memory), a generator seeded by "seed", the tools. With "alone"
each call is carried out in a child process, so it leaves nothing behind. A call that takes more than "cpu_s" of processor time is ended by
SIGPROF. A module that reaches for the world is stopped and its attempt
named; the sandbox around this process is what keeps the world out of reach, whether or not the attempt was seen here.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import sysconfig

REPLIES = os.fdopen(os.dup(1), "w", encoding="ascii")
REQUESTS = os.fdopen(os.dup(0), "r", encoding="utf-8")
NOWHERE = os.open(os.devnull, os.O_RDWR)
for stream in (0, 1, 2):
    os.dup2(NOWHERE, stream)

LIBRARIES = (sysconfig.get_path("stdlib") + "/", "/usr/share/zoneinfo/")
NETWORK = ("socket.", "urllib.", "http.", "ftplib.", "imaplib.", "poplib.", "smtplib.", "nntplib.", "telnetlib.")
PROCESSES = ("os.fork", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.kill", "subprocess.", "pty.", "signal.")
NATIVE = ("ctypes.", "sqlite3.load_extension", "sqlite3.enable_load_extension")
FILES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.chdir", "os.truncate", "os.utime",
         "shutil.", "tempfile.", "glob.", "sqlite3.connect")
watching = False


class ToolError(Exception):
    """What a tool says is wrong with its arguments."""


def say(reply):
    REPLIES.write(json.dumps(reply) + "\n")
    REPLIES.flush()


def is_library(path, reads=True):
    return reads and isinstance(path, str) and os.path.abspath(path).startswith(LIBRARIES)


def attempt(event, arguments):
    """What an event reaches for, or None."""
    if event == "open":
        path, mode, flags = arguments
        writes = (mode is not None and any(letter in mode for letter in "wax+")) or flags & (os.O_WRONLY | os.O_RDWR)
        return None if is_library(path, not writes) else "files"
    if event in ("os.listdir", "os.scandir"):
        return None if is_library(str(arguments[0]) + "/") else "files"
    for what, events in (("network", NETWORK), ("processes", PROCESSES), ("native", NATIVE), ("files", FILES)):
        if event.startswith(events):
            return what
    return None


def watch(event, arguments):
    global watching
    if not watching:
        return
    what = attempt(event, arguments)
    if what is None:
        return
    watching = False
    say({"code": "tried_" + what, "text": f"{event}({', '.join(repr(each)[:80] for each in arguments)})"})
    os._exit(0)


def problem_of(error):
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<module>":
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        line = error.lineno
    return f"{type(error).__name__}: {error}"[:1000] + (f" (line {line})" if line else "")


class Tools:
    """Each attribute is a tool; it takes its arguments by name, and returns what the tool returns."""

    def __getattr__(self, name):
        def call(**arguments):
            say({"ask": name, "arguments": arguments})
            reply = json.loads(REQUESTS.readline())
            if reply["error"]:
                raise ToolError(reply["observation"])
            return json.loads(reply["observation"])

        return call


class Module:
    def __init__(self, hello):
        self.most_bytes, self.cpu_s = hello["most_bytes"], hello["cpu_s"]
        self.alone = hello["alone"]
        self.db = None
        if hello["database"]:
            self.db = sqlite3.connect(":memory:", isolation_level="DEFERRED", check_same_thread=False)
            with open(hello["database"], "rb") as file:
                self.db.deserialize(file.read())
            self.db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            self.before = self.rows()
        self.names = {"__name__": "module", "ToolError": ToolError}
        code = compile(hello["module"], "<module>", "exec")
        self.watched(exec, code, self.names)

    def watched(self, function, *values, **named):
        global watching
        signal.setitimer(signal.ITIMER_PROF, self.cpu_s)
        watching = True
        try:
            return function(*values, **named)
        finally:
            watching = False
            signal.setitimer(signal.ITIMER_PROF, 0)

    def rows(self):
        tables = [name for name, in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {table: {row[0]: list(row[1:]) for row in self.db.execute(f'SELECT rowid, * FROM "{table}"')} for table in tables}

    def touched(self):
        out, now = [], self.rows()
        for table, before in self.before.items():
            after = now.get(table, {})
            out += [[table, before.get(row, []), after.get(row, [])] for row in sorted(before.keys() | after.keys()) if before.get(row) != after.get(row)]
        return {"value": json.dumps(out)}

    def call(self, request):
        function = self.names.get(request["function"])
        if not callable(function):
            return {"code": "no_function", "text": f"there is no function '{request['function']}'"}
        given = {"db": self.db, "random": random.Random(request["seed"]), "tools": Tools()}
        if self.db is not None:
            self.db.execute(f"PRAGMA query_only = {'OFF' if request['write'] else 'ON'}")
        try:
            value = self.watched(function, *(given[name] for name in request["given"]), *request["values"], **request["named"])
        except BaseException as error:
            if self.db is not None:
                self.db.rollback()
            if isinstance(error, ValueError):
                return {"code": "rejected", "text": str(error)[:1000]}
            return {"code": "raised", "text": problem_of(error)}
        if self.db is not None:
            self.db.commit()
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
            text.encode("utf-8")
        except BaseException as error:
            return {"code": "not_json", "text": f"{request['function']} returned what is no JSON: {error}"[:1000]}
        if len(text) > self.most_bytes:
            return {"code": "too_large", "text": f"{request['function']} returned {len(text)} characters; at most {self.most_bytes} are taken"}
        return {"value": text}

    def call_alone(self, request):
        child = os.fork()
        if child == 0:
            say(self.call(request))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
            say({"code": "timed_out", "text": f"more than {self.cpu_s} s of processor time"})
        elif status != 0:
            say({"code": "died", "text": f"its process ended with status {status}"})


def main():
    sys.addaudithook(watch)
    try:
        module = Module(json.loads(REQUESTS.readline()))
    except BaseException as error:
        return say({"code": "does_not_load", "text": problem_of(error)})
    say({"ready": True})
    for line in REQUESTS:
        request = json.loads(line)
        if "touched" in request:
            say(module.touched())
        elif module.alone:
            module.call_alone(request)
        else:
            say(module.call(request))


main()
