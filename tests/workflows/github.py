"""gh, and what GitHub keeps and answers: a server in the tests' process, whose `gh` is a few lines of Bash, since it is called a thousand times.

As GitHub's API and the source of gh 2 have it: where nothing is found, `gh api` prints the answer and takes no --jq; an
environment without a policy gives its secrets to every branch; a PUT of an environment forgets what it does not name, and
of a private repository with the plan Team it takes nothing but the policy. The checkout has two remotes, upstream and origin,
of which `gh repo set-default` chose the second: `gh secret` takes no notice of that, and refuses two (cli/cli, pkg/cmd/secret).
"""

from __future__ import annotations

import json
import re
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

OURS = "owner/name"
REPOSITORY = f"repos/{OURS}/"
State = dict[str, Any]
Told = tuple[int, str, str]
"""Status, error and text."""


class Refused(Exception):
    """An answer with an error; its status."""


def environment(state: State, name: str) -> State:
    if name not in state["environments"]:
        raise Refused(404)
    found: State = state["environments"][name]
    return found


def environments(state: State, rest: str, _: State) -> State:
    name, *of_it = rest.split("/", 1)
    if of_it == ["secrets/RELEASE_KEY"]:
        if name not in state["secrets"]:
            raise Refused(404)
        return {"name": "RELEASE_KEY"}
    return policies(state, rest) if of_it else environment(state, name)


def put_environment(state: State, name: str, body: State) -> None:
    if state["plan"] == "team" and set(body) - {"deployment_branch_policy"}:
        raise Refused(422)
    policies = state["environments"].get(name, {}).get("policies", [])
    rules: list[State] = []
    if body.get("wait_timer"):
        rules.append({"type": "wait_timer", "wait_timer": body["wait_timer"]})
    if body.get("reviewers"):
        reviewers = [{"type": each["type"], "reviewer": {"id": each["id"]}} for each in body["reviewers"]]
        asked = {"prevent_self_review": body.get("prevent_self_review", False), "reviewers": reviewers}
        rules.append({"type": "required_reviewers", **asked})
    state["environments"][name] = {
        "deployment_branch_policy": body.get("deployment_branch_policy"),
        "protection_rules": rules,
        "can_admins_bypass": body.get("can_admins_bypass", True),
        "policies": policies,
    }


def number(state: State) -> int:
    state["last"] = state.get("last", 0) + 1
    return int(state["last"])


def post_ruleset(state: State, _: str, body: State) -> None:
    state["rulesets"].append({**body, "id": number(state)})


def put_ruleset(state: State, rest: str, body: State) -> None:
    state["rulesets"] = [{**body, "id": each["id"]} if each["id"] == int(rest) else each for each in state["rulesets"]]


def rules_of(state: State, rest: str, _: State) -> list[State]:
    name = rest.removeprefix("branches/").partition("-")[0]
    return [rule for each in state["rulesets"] if each["name"] == name for rule in each["rules"]]


def delete_key(state: State, rest: str, _: State) -> None:
    state["keys"] = [each for each in state["keys"] if each["id"] != int(rest)]


def policies(state: State, rest: str) -> State:
    found = environment(state, rest.partition("/")[0])["policies"]
    return {"total_count": len(found), "branch_policies": found}


def post_policy(state: State, rest: str, body: State) -> None:
    there = environment(state, rest.partition("/")[0])
    if not (there["deployment_branch_policy"] or {}).get("custom_branch_policies"):
        raise Refused(404)
    there["policies"].append({"type": "branch", **body, "id": number(state)})


def delete_policy(state: State, rest: str, _: State) -> None:
    name, which = rest.split("/deployment-branch-policies/")
    there = environment(state, name)
    there["policies"] = [each for each in there["policies"] if each["id"] != int(which)]


ANSWERS: dict[tuple[str, str], Callable[[State, str, State], Any]] = {
    ("GET", "rulesets"): lambda state, _, __: state["rulesets"],
    ("POST", "rulesets"): post_ruleset,
    ("PUT", "rulesets"): put_ruleset,
    ("GET", "rules"): rules_of,
    ("GET", "codeowners"): lambda state, _, __: {"errors": state["codeowners"]},
    ("GET", "keys"): lambda state, _, __: state["keys"],
    ("DELETE", "keys"): delete_key,
    ("GET", "environments"): environments,
    ("PUT", "environments"): put_environment,
    ("POST", "environments"): post_policy,
    ("DELETE", "environments"): delete_policy,
}


def answer(state: State, method: str, path: str, body: State) -> Any:
    path = path.partition("?")[0]
    if status := state.get("refuses", {}).get(f"{method} {path}"):
        raise Refused(status)
    if found := re.fullmatch(r"(orgs|users)/(.+)", path):
        if found[2] not in state[found[1]]:
            raise Refused(404)
        return state[found[1]][found[2]]
    kind, _, rest = path.removeprefix(REPOSITORY).partition("/")
    return ANSWERS[method, kind](state, rest, body)


def option(arguments: list[str], name: str) -> str | None:
    return arguments[arguments.index(name) + 1] if name in arguments else None


def api(state: State, arguments: list[str], given: str) -> Told:
    assert "--jq" not in arguments, "of an answer with an error it would filter nothing"
    path = next(each for each in arguments if "/" in each and not each.startswith("."))
    source = option(arguments, "--input")
    body = json.loads(given if source == "-" else Path(source).read_text(encoding="utf-8")) if source else {}
    fields = [arguments[place + 1] for place, each in enumerate(arguments) if each == "-f"]
    body |= dict(each.split("=", 1) for each in fields)
    status, error = 0, ""
    try:
        text = json.dumps(answer(state, option(arguments, "--method") or "GET", path, body))
    except Refused as refusal:
        text = json.dumps({"message": f"Refused ({refusal})", "status": str(refusal)})
        status, error = 1, f"gh: Refused (HTTP {refusal})"
    return status, error, "" if "--silent" in arguments else text


def gh(state: State, arguments: list[str], given: str) -> Told:
    told: Told = (0, "", "")
    match arguments:
        case ["repo", "view", *_]:
            told = (0, "", f"{OURS}\n")
        case ["api", *rest]:
            told = api(state, rest, given)
        case ["repo", "deploy-key", "add", _, "--repo", "owner/name", "--allow-write", "--title", title]:
            key = {"id": number(state), "title": title, "read_only": False}
            state["keys"].append(key)
        case ["secret", _, *rest] if option(rest, "--repo") != OURS:
            told = (1, "multiple remotes detected", "")
        case ["secret", "set", "RELEASE_KEY", "--repo", _, "--env", name]:
            # What `make protect` is for: no key where another branch's workflow could read it.
            there = environment(state, name)
            names = [each["name"] for each in there["policies"]]
            assert (there["deployment_branch_policy"], names) == (
                {"protected_branches": False, "custom_branch_policies": True},
                ["main"],
            ), f"{name} is open"
            state["secrets"][name] = given
        case _:
            raise AssertionError(arguments)
    state["calls"].append(" ".join(arguments))
    return told


# Of a pipeline all programs run at once: it calls when it has what it is given, and the server answers one after another.
CALL = """
case " $* " in *" - "* | " secret set "*) IFS= read -r -d '' given ;; esac
exec 3<>/dev/tcp/127.0.0.1/{port}
printf '%s\\0' "$#" "$@" "$given" >&3
IFS= read -r status <&3; IFS= read -r error <&3; IFS= read -r -d '' text <&3
[[ -z $error ]] || echo "$error" >&2
printf '%s' "$text"
exit "$status"
"""


@contextmanager
def open_github(state: State) -> Iterator[str]:
    """GitHub, which keeps what it has in *state*; the script of a `gh` that speaks with it."""

    class Call(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            arguments = [self.word() for _ in range(int(self.word()))]
            try:
                status, error, text = gh(state, arguments, self.word())
            except Exception as fault:  # noqa: BLE001 - a fault of these lines is told by the test that shows what gh said
                status, error, text = 1, repr(fault).replace("\n", " "), ""
            self.wfile.write(f"{status}\n{error}\n{text}".encode())

        def word(self) -> str:
            word = bytearray()
            while (byte := self.rfile.read(1)) != b"\0":
                assert byte, "it ends in the middle of a word"
                word += byte
            return word.decode()

    with socketserver.TCPServer(("127.0.0.1", 0), Call) as server:
        # Looked at often, the server ends at once.
        Thread(target=server.serve_forever, args=(0.02,)).start()
        yield CALL.format(port=server.server_address[1])
        server.shutdown()
