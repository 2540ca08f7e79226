"""Serve the bare repositories of a folder over smart HTTP, to read: Argo CD in a test's cluster pulls from it.

It plays GitHub's statuses of commits too: each that is posted is a line of the file `statuses` of that folder, with
commit, context and state.

python git_server.py <folder> <address> <port>
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class GitHandler(BaseHTTPRequestHandler):
    """Hands each request to `git http-backend`, by CGI."""

    root: Path

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        if status := re.fullmatch(r"/repos/[^/]+/[^/]+/statuses/([0-9a-f]{40})", self.path):
            self._note(status[1])
        else:
            self._answer()

    def _note(self, commit: str) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with (self.root / "statuses").open("a", encoding="utf-8") as file:
            file.write(f"{commit} {told['context']} {told['state']}\n")
        self.send_response(201)
        self.end_headers()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
        head, _, content = answer.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    GitHandler.root = Path(sys.argv[1]).resolve()
    ThreadingHTTPServer((sys.argv[2], int(sys.argv[3])), GitHandler).serve_forever()


if __name__ == "__main__":
    main()
