"""The `kubectl` and `argocd` lines that people are told to type do what the page says.

Each rule here was broken by a page that read well, and found when its lines were typed to a real API server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path
from typing import Final

from app.core.outcome import OUTAGE_PATIENCE
from tests.manifests.project import ROOT
from tests.manifests.rendering import WORKLOAD, containers, pod_templates, render
from tests.policies.admission import policies_in

PAGES: Final = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("kustomize/**/*.md")])
_CONTINUED: Final = re.compile(r"\\\n\s*")


def _commands(page: Path) -> list[str]:
    """Each command of *page*, from `kubectl` to the end of its line or of its code span, in one line."""
    text = _CONTINUED.sub(" ", page.read_text("utf-8"))
    text = re.sub(r"`kubectl [^`]*`", lambda span: span[0].replace("\n", " "), text)
    return re.findall(r"kubectl [^\n`]*", text)


def _pages_with(faults: Callable[[Path], Collection[str]]) -> dict[str, Collection[str]]:
    """Each page that has *faults*, with them."""
    return {str(page.relative_to(ROOT)): found for page in PAGES if (found := faults(page))}


def test_logs_of_a_selector_say_how_many_lines() -> None:
    """Without --tail kubectl gives ten lines of each pod, and a grep finds nothing."""

    def short(page: Path) -> list[str]:
        return [each for each in _commands(page) if " logs " in each and "--selector" in each and "--tail" not in each]

    assert _pages_with(short) == {}


def test_nobody_is_told_to_change_by_hand_what_argo_cd_keeps() -> None:
    """Self-heal sets a patched field back within seconds; an annotation that Git doesn't name stays.

    Nobody sets back an API that was scaled to 0: not its autoscaler either.
    """
    changed = re.compile(r"(-n|--namespace) production (patch|edit|scale(?! deployment/ai-agents-api )|set|replace) ")

    assert _pages_with(lambda page: [each for each in _commands(page) if changed.search(each)]) == {}


def test_a_job_that_is_made_by_hand_can_be_made_again() -> None:
    """A Job of the same name is refused while the one before is there."""

    def stays(page: Path) -> list[str]:
        commands = _commands(page)
        made = [each for each in commands if " create job " in each and "$(date +%s)" not in each]
        freed = [each for each in commands if " delete job " in each and "--ignore-not-found" in each]
        return made if len(made) != len(freed) else []

    assert _pages_with(stays) == {}


def test_what_asks_how_many_is_given_a_terminal_to_be_answered_at() -> None:
    """Without one `deliveries replay --all` ends with "Aborted!", and nothing is replayed: the drill had answered for it."""
    asking = re.compile(r" exec (?!-it ).*deliveries (replay|dismiss)\b(?=.* --all\b)(?!.* --yes\b)")

    assert _pages_with(lambda page: [each for each in _commands(page) if asking.search(each)]) == {}
    (way_in,) = re.findall(r"^kubectl .* -- python -m app tenants status$", _of_operate(), re.MULTILINE)
    assert " exec -it " in way_in, "the page's other commands are run the same way, and some ask"


def _of_operate() -> str:
    return (ROOT / "docs/operate.md").read_text("utf-8")


def test_what_an_outage_of_a_help_desk_made_fail_is_chosen_by_the_time_before_it() -> None:
    """`--since` is of when a delivery was accepted, and a shorter outage than that makes none fail."""
    page = (ROOT / "docs/runbooks/AiAgentsHelpDeskFailing.md").read_text("utf-8")
    (days,) = re.findall(r"replay --tenant SLUG --all --since (\d+)d", page)

    assert timedelta(days=int(days)) > 2 * OUTAGE_PATIENCE


def test_tenants_are_checked_in_a_pod_as_that_pod() -> None:
    """Without --as the check wants the other pod's secrets too, and calls those of every tenant missing."""

    def unlike(page: Path) -> list[str]:
        checks = re.findall(r"[^\n`]*tenants check[^\n`]*`?(?: in the pod)?", page.read_text("utf-8"))
        in_pods = [each for each in checks if "exec deploy/" in each or each.endswith(" in the pod")]
        return [each for each in in_pods if not re.search(r"ai-agents-(api|worker)\b.* --as \1", each)]

    assert _pages_with(unlike) == {}


def _section(page: str, title: str) -> str:
    return (ROOT / page).read_text("utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]


def _first(section: str, *wanted: str) -> list[int]:
    """Where each of *wanted* stands first."""
    return [section.index(each) for each in wanted]


MADE: Final = re.compile(r"kubectl -n production create configmap (\S+) --from-literal=(\w+)=true")
PAUSE: Final = "kubectl -n production annotate scaledobject ai-agents-worker autoscaling.keda.sh/paused-replicas"


def test_workers_that_begin_after_a_restore_look_for_each_note_whenever_they_begin() -> None:
    """As a merged setting it came too late, or failed the sync while the database was away: tickets got second notes."""
    (worker,) = (
        each for owner, each in pod_templates(render(WORKLOAD)) if owner["metadata"]["name"].endswith("-worker")
    )
    (read,) = (
        each["valueFrom"]["configMapKeyRef"]
        for container in containers(worker)
        for each in container.get("env", [])
        if each["name"] == "LEDGER_RESTORED"
    )
    assert read["optional"] is True, "at any other time there is no such ConfigMap"

    for section in (_section("docs/recovery.md", each) for each in ("A database is lost", "A region is lost")):
        made = MADE.search(section)
        assert made is not None
        assert made.groups() == (read["name"], read["key"])
    lost = _section("docs/recovery.md", "A database is lost")
    order = _first(lost, "create configmap", f"{PAUSE}=0", "aws rds restore-db", f"{PAUSE}-", "delete configmap")
    assert order == sorted(order)
    region = _section("docs/recovery.md", "A region is lost")
    assert region.index("create configmap") < region.index("Then [step 12]"), "before the first worker there"


def test_the_mark_of_a_restore_is_let_in_from_a_person() -> None:
    for operation in ("CREATE", "DELETE"):
        mark = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ledger-restored"}}
        objects = {"object" if operation == "CREATE" else "oldObject": {**mark, "data": {"LEDGER_RESTORED": "true"}}}
        request = {"operation": operation, "userInfo": {"username": "somebody"}, **objects}
        review = {"kind": "AdmissionReview", "request": request}

        assert [found for policy in policies_in(render("policies")) for found in policy.objections(review)] == []


def test_a_sync_while_no_worker_runs_is_told_to_fail_at_the_smoke_test() -> None:
    lost = _section("docs/recovery.md", "A database is lost")

    assert (
        lost.index(f"{PAUSE}=0") < lost.index("argocd app sync production-workload --async") < lost.index(f"{PAUSE}-")
    )
    assert "the smoke test needs workers" in " ".join(lost.split())


TERMINATE: Final = "argocd app terminate-op production-workload"


def test_a_rollback_begins_with_the_end_of_the_sync_that_waits() -> None:
    """While a release that never gets ready waits, Argo CD begins neither a rollback nor a sync of a merged fix."""
    section = _section("docs/release.md", "Rollback")
    steps = re.findall(r"^(\d)\. (.*(?:\n   .*)*)", section, re.MULTILINE)

    assert [number for number, _ in steps] == [str(place) for place in range(1, len(steps) + 1)]
    assert f"`{TERMINATE}`" in steps[0][1]
    assert f"`{TERMINATE}`" in _section("docs/release.md", "Release"), "in the table of what breaks"
    assert f"`{TERMINATE}`" in (ROOT / "docs/troubleshooting.md").read_text("utf-8")


def test_a_rollback_by_command_line_switches_automation_off_before_and_on_after() -> None:
    """Argo CD refuses it otherwise: "rollback cannot be initiated when auto-sync is enabled"."""
    (block,) = re.findall(r"```sh\n(.*?)```", _section("docs/release.md", "Rollback"), re.DOTALL)
    order = _first(
        block,
        TERMINATE,
        "argocd app set production-workload --sync-policy manual",
        "argocd app rollback production-workload",
        "make smoke",
        "argocd app set production-workload --sync-policy automated --auto-prune --self-heal",
    )

    assert order == sorted(order)


def test_the_page_of_what_goes_wrong_points_to_steps_of_a_rollback_that_are_meant() -> None:
    section = _section("docs/release.md", "Rollback")
    steps = dict(re.findall(r"^(\d)\. (.*)", section, re.MULTILINE))

    assert "Enable auto-sync" in steps["7"], "Troubleshooting names step 7"
    assert "make smoke" in steps["5"], "the table below the steps names step 5"
    assert "git revert" in steps["6"], "the table below the steps names step 6"


def test_one_page_says_how_to_go_back_and_the_others_point_to_it() -> None:
    """A revert takes as long as a release does, which nobody has at night; and nobody may push to main."""

    def said(page: Path) -> list[str]:
        unlinked = r"git revert|\b(?:roll|go) back\b(?!\]\(\.\./release\.md#rollback\))"
        return re.findall("git push" if page.name == "release.md" else f"git push|{unlinked}", page.read_text("utf-8"))

    assert _pages_with(said) == {}, "a link says how"


def test_argocd_lines_are_of_commands_that_argo_cd_has() -> None:
    """Of Argo CD 3.5, docs/user-guide/commands."""
    known = {"delete", "get", "history", "rollback", "set", "sync", "terminate-op"}

    assert _pages_with(lambda page: set(re.findall(r"argocd app ([a-z-]+)", page.read_text("utf-8"))) - known) == {}
