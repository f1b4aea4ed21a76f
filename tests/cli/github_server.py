"""A server that speaks as much of GitHub's REST and GraphQL APIs as mining needs, over a list of pull requests and issues, and can be told to
misbehave. It counts what it is asked."""

import http.server
import json
import re
import threading
import time


class GitHub(http.server.ThreadingHTTPServer):
    """`pulls`: number -> {title, body, author, bot, merged, commit, parents, subject, authored, commits: [[subject, authored]], closes: [number]};
    `issues`: number -> {title, body}; `patches`: (base, head) -> text. `faults`: names below, each used up by one request where it is a count."""

    def __init__(self, pulls, issues, patches=None, page=2, token="secret"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pulls, self.issues, self.patches, self.page, self.token = pulls, issues, patches or {}, page, token
        self.faults, self.asked, self.log, self.limited_until = {}, [], [], 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/api/v3"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that goes away is no matter

    def fault(self, name):
        left = self.faults.get(name, 0)
        if left:
            self.faults[name] = left - 1
        return bool(left)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=(), kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", str(len(data))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def misbehaves(self):
        server = self.server
        server.asked.append(self.path)
        if time.time() < server.limited_until:
            server.log.append("early")
        if self.headers.get("Authorization") not in (None, f"Bearer {server.token}"):
            self.answer(401, {"message": "Bad credentials"})
        elif server.fault("html"):
            self.answer(200, b"<html>Have a nice day</html>", kind="text/html")
        elif server.fault("down"):
            self.answer(502, b"<html>Bad gateway</html>", kind="text/html")
        elif server.fault("limit"):
            self.answer(403, {"message": "API rate limit exceeded"}, self.used_up())
        elif server.fault("secondary"):
            server.limited_until = time.time() + 1
            self.answer(429, {"message": "You have exceeded a secondary rate limit"}, [("Retry-After", "1")])
        elif server.fault("long_limit"):
            self.answer(403, {"message": "API rate limit exceeded"}, [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(int(time.time()) + 100_000))])
        else:
            return False
        return True

    def used_up(self):
        reset = int(time.time()) + 2
        self.server.limited_until = reset
        return [("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(reset))]

    # ---- REST ----

    def do_GET(self):
        if self.misbehaves():
            return
        path, _, query = self.path.removeprefix("/api/v3").partition("?")
        options = dict(part.split("=") for part in query.split("&") if part)
        server = self.server
        if match := re.fullmatch(r"/repos/o/r/issues/(\d+)", path):
            self.tagged(self.rest_issue(int(match[1])))
        elif path == "/repos/o/r/pulls":
            numbers = sorted(server.pulls)
            page, size = int(options["page"]), server.page
            part = numbers[(page - 1) * size:page * size]
            more = page * size < len(numbers) or server.faults.get("endless", 0)
            self.tagged([self.rest_pull(number) for number in part], [("Link", '<https://evil.example/steal>; rel="next"')] if more else [])
        elif match := re.fullmatch(r"/repos/o/r/pulls/(\d+)/commits", path):
            self.tagged([commit("f" * 40, subject, authored, []) for subject, authored in server.pulls[int(match[1])]["commits"]])
        elif match := re.fullmatch(r"/repos/o/r/commits/(\w+)", path):
            pull = next(pull for pull in server.pulls.values() if pull["commit"] == match[1])
            self.tagged(commit(pull["commit"], pull["subject"], pull["authored"], pull["parents"]))
        elif match := re.fullmatch(r"/repos/o/r/compare/(\w+)\.\.\.(\w+)", path):
            self.answer(200, server.patches[match[1], match[2]].encode(), kind="application/vnd.github.diff")
        else:
            self.answer(404, {"message": "Not Found"})

    def tagged(self, body, headers=()):
        if body is None:
            return self.answer(404, {"message": "Not Found"})
        tag = f'"{hash(json.dumps(body))}"'
        if self.headers.get("If-None-Match") == tag:
            self.server.log.append("304")
            return self.answer(304, b"", [("ETag", tag)])
        return self.answer(200, body, [("ETag", tag), *headers])

    def rest_issue(self, number):
        issue = self.server.issues.get(number)
        return issue and {"number": number, "title": issue["title"], "body": issue["body"], "user": {"login": "reporter"}, "html_url": f"https://x/{number}",
                          "created_at": "2024-01-01T00:00:00Z", **({"pull_request": {}} if issue.get("pull") else {})}

    def rest_pull(self, number):
        pull = self.server.pulls[number]
        if pull.get("odd"):
            return {"number": number, "title": 7}
        return {"number": number, "title": pull["title"], "body": pull["body"], "merged_at": pull["merged"], "merge_commit_sha": pull["commit"],
                "user": {"login": pull["author"], "type": "Bot" if pull.get("bot") else "User"}}

    # ---- GraphQL ----

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.misbehaves():
            return
        if self.path != "/api/graphql" or not self.headers.get("Authorization"):
            return self.answer(401, {"message": "Requires authentication"})
        server, variables = self.server, asked["variables"]
        if server.fault("graphql_limit"):
            return self.answer(200, {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}, self.used_up())
        if (variables["owner"], variables["name"]) != ("o", "r"):
            return self.answer(200, {"data": {"repository": None}, "errors": [{"type": "NOT_FOUND", "message": "Could not resolve"}]})
        if "number" in variables:
            pull = server.pulls[variables["number"]]
            return self.answer(200, {"data": {"repository": {"pullRequest": {"closingIssuesReferences": self.closing(pull, int(variables["after"]))}}}})
        numbers = sorted(number for number, pull in server.pulls.items() if pull["merged"])
        begin = int(variables["after"] or 0)
        end = begin + server.page
        if server.faults.get("same_page", 0):
            begin, end = 0, server.page
        more = end < len(numbers) or bool(server.faults.get("endless", 0))
        body = {"nameWithOwner": "o/r", "licenseInfo": {"spdxId": "MIT"}, "pullRequests": {
            "totalCount": len(numbers) + (5 if server.faults.get("lying_total") else 0), "pageInfo": {"hasNextPage": more, "endCursor": str(end)},
            "nodes": [self.pull_node(number) for number in numbers[begin:end]]}}
        return self.answer(200, {"data": {"repository": body}})

    def pull_node(self, number):
        pull = self.server.pulls[number]
        if pull.get("odd"):
            return {"number": number, "title": ["not", "a", "text"]}
        last = pull["commits"][-1]
        return {"number": number, "title": pull["title"], "body": pull["body"], "mergedAt": pull["merged"], "author": {"login": pull["author"], "__typename": "Bot" if pull.get("bot") else "User"},
                "mergeCommit": {"oid": pull["commit"], "messageHeadline": pull["subject"], "authoredDate": pull["authored"], "parents": {"nodes": [{"oid": oid} for oid in pull["parents"]]}},
                "commits": {"totalCount": len(pull["commits"]), "nodes": [{"commit": {"messageHeadline": last[0], "authoredDate": last[1]}}]}, "closingIssuesReferences": self.closing(pull, 0)}

    def closing(self, pull, begin):
        numbers = pull.get("closes", [])
        end = begin + 1  # one a page, so that pages are needed
        return {"pageInfo": {"hasNextPage": end < len(numbers), "endCursor": str(end)},
                "nodes": [{"number": number, "title": self.server.issues[number]["title"], "body": self.server.issues[number]["body"], "url": f"https://x/{number}", "createdAt": "2024-01-01T00:00:00Z",
                           "author": None, "repository": {"nameWithOwner": "o/r"}} for number in numbers[begin:end]]}


def commit(oid, subject, authored, parents):
    return {"sha": oid, "commit": {"message": subject, "author": {"date": authored}}, "parents": [{"sha": parent} for parent in parents]}
