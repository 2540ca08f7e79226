"""What the drill itself rests on; `make alert-drill` is the drill."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx

from tests.alerts.drill.pages import Place, _run, follow_page
from tests.alerts.drill.provocations import PROVOCATIONS
from tests.alerts.drill.scene import Watch, hurry
from tests.alerts.rules import load_alerts, load_groups
from tests.integration.prometheus import Prometheus


def test_every_alert_is_provoked_once() -> None:
    provoked = [alert for each in PROVOCATIONS for alert in each.alerts]
    assert sorted(provoked) == sorted(load_alerts())


def test_every_window_is_shorter_and_what_is_compared_is_not() -> None:
    rules = {rule.get("alert", rule.get("record")): rule for group in hurry(load_groups()) for rule in group["rules"]}
    assert "[5s]" in rules["AiAgentsApiErrors"]["expr"]
    assert "[4320s]" in rules["slo:enhanced:bad_ratio_3d"]["expr"]
    assert rules["AiAgentsBacklogTooLong"]["for"] == "10s"
    assert "[1440s] offset 60s" in rules["AiAgentsStrayRows"]["expr"]
    assert "> 600" in rules["AiAgentsDeliveriesTooOld"]["expr"]
    assert not [name for name, rule in rules.items() if re.search(r"(?:\[|offset )\d+[mhd]\b", rule["expr"])]


async def test_an_alert_that_fired_before_it_was_provoked_is_not_seen_to_fire() -> None:
    watch = Watch(Prometheus(httpx.AsyncClient()))
    watch._see({"ApiDown"})  # what it reads of Prometheus each half second
    since = time.monotonic()

    assert await watch.until_fired("ApiDown", since=since, limit_s=0.01) is None
    watch._see(set())
    watch._see({"ApiDown"})
    assert await watch.until_fired("ApiDown", since=since, limit_s=0.01) is not None


def test_a_pages_commands_are_run_on_what_is_there_and_no_other_is_counted_as_run(tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text("first\nlast\n")
    place = Place(logs=tmp_path, variables={}, api_url="http://127.0.0.1:1")

    ran = {each.command.split()[3]: each for each in follow_page("AiAgentsWorkersAbsent", {}, place, reading_s=0)}

    assert (ran["logs"].status, ran["logs"].output) == (0, "first\nlast")
    left_out = {verb for verb, each in ran.items() if each.status is None}
    assert left_out == {"get", "annotate", "describe", "--cluster-name"}, "with AWS's own"


def test_a_command_that_asks_is_answered_only_where_its_page_gives_it_a_terminal(tmp_path: Path) -> None:
    place = Place(logs=tmp_path, variables={"worker": {}}, api_url="")
    asked = "kubectl --namespace production exec {}deploy/ai-agents-worker -- python -m app --version && head -c 2"

    assert [_run(asked.format(terminal), {}, place).output.endswith("y") for terminal in ("-it ", "")] == [True, False]
