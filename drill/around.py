"""go.mod of a module that only builds programs of another: `go mod edit -json` of that one comes in, ours goes out.

What the other replaces by a folder of its repository is not in its module; it is published as one of its own.
"""

import json
import sys
from typing import Any


def around(inner: dict[str, Any], module: str, version: str, folders: dict[str, str]) -> str:
    lines = ["module drill", f"go {inner['Go']}", f"require {module} {version}"]
    lines += [f"godebug {setting['Key']}={setting['Value']}" for setting in inner.get("Godebug") or []]
    for replace in inner.get("Replace") or []:
        old, new = replace["Old"]["Path"], replace["New"]
        if "Version" in new:
            lines.append(f"replace {old} => {new['Path']} {new['Version']}")
        lines += [
            f"replace {old} => {old} {at}"
            for prefix, at in folders.items()
            if old.startswith(prefix) and "Version" not in new
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(
        around(json.load(sys.stdin), sys.argv[1], sys.argv[2], dict(pair.split("=") for pair in sys.argv[3:])), end=""
    )
