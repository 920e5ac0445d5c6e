"""A server over stdio that does what a file says: argv is the file, and one that every message is written down in.

It needs nothing but Python, speaks the protocol of 2025, and reads the file anew with each message.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

SCRIPT, HEARD = Path(sys.argv[1]), Path(sys.argv[2])


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(message: dict[str, Any], script: dict[str, Any]) -> None:
    match message["method"]:
        case "initialize":
            info = {"name": script.get("name", "fake"), "version": script.get("version", "1")}
            capabilities = {"tools": {"listChanged": True}}
            result = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": info}
            send({"id": message["id"], "result": result})
        case "tools/list" if script.get("lists_nothing"):
            pass
        case "tools/list":
            send({"id": message["id"], "result": page(script, message.get("params", {}).get("cursor"))})
        case "tools/call":
            act(message, script["answers"][message["params"]["name"]])
        case "ping":
            send({"id": message["id"], "result": {}})
        case _ if "id" in message:
            send({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})
        case _:
            pass


def page(script: dict[str, Any], cursor: str | None) -> dict[str, Any]:
    size, start = script.get("page", 1000), int(cursor or 0)
    tools = script["tools"][start : start + size]
    more = {"nextCursor": str(start + size)} if start + size < len(script["tools"]) or script.get("endless") else {}
    return {"tools": tools, **more}


def act(message: dict[str, Any], what: dict[str, Any]) -> None:
    """Do what the script says of a tool, step by step; without a `result` or an `error` there is no answer."""
    token = message["params"].get("_meta", {}).get("progressToken")
    for step in what.get("progress", ()):
        send({"method": "notifications/progress", "params": {"progressToken": token, **step}})
    for line in what.get("garbage", ()):
        os.write(1, bytes(line, "latin-1") + b"\n")
    sys.stderr.write("e" * what.get("errors", 0))
    sys.stderr.flush()
    if "endless_line" in what:
        while True:
            os.write(1, b"x" * 65536)
    if what.get("changed"):
        send({"method": "notifications/tools/list_changed"})
    if "size" in what:
        text = "0123456789abcde\n" * (what["size"] // 16)
        send({"id": message["id"], "result": {"content": [{"type": "text", "text": text}]}})
    for kind in ("result", "error"):
        if kind in what:
            send({"id": message["id"], kind: what[kind]})
    if "exit" in what:
        sys.stderr.write("giving up\n")
        sys.stderr.flush()
        os._exit(what["exit"])


def main() -> None:
    first = json.loads(SCRIPT.read_text())
    sys.stdout.write(first.get("greeting", ""))
    if first.get("env"):
        HEARD.write_text(json.dumps(dict(os.environ)) + "\n")
    if "refuse" in first:
        sys.exit(first["refuse"])
    for line in sys.stdin:
        with HEARD.open("a") as heard:
            heard.write(line)
        answer(json.loads(line), json.loads(SCRIPT.read_text()))


main()
