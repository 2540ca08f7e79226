"""What a comparison says of its pairs, and which of them it measures again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.throughput.comparison import Goal, Pair, Plan, measure_pairs, table
from bench.throughput.measures import Figures
from demo.failure import RunFailed


def sides(peer: str) -> Any:
    return SimpleNamespace(name="ours"), SimpleNamespace(name=peer)


def a_pair(ours: dict[str, float], peers: dict[str, float], *, others: float = 0.0) -> Pair:
    return Pair(Figures(ours), Figures(peers, others))


@pytest.mark.parametrize(
    ("goal", "value", "told"),
    [
        (Goal(13, is_least=True), 17.3, "≥ 13: met"),
        (Goal(4, is_least=True), 0.8, "≥ 4: missed, 5.0 times"),
        (Goal(0.17), 0.17, "≤ 0.17: met"),
        (Goal(0.17), 0.34, "≤ 0.17: missed, 2.0 times"),
    ],
)
def test_a_goal_is_met_or_missed_by_so_much(goal: Goal, value: float, told: str) -> None:
    assert goal.told(value, is_same_work=False) == told


def test_the_peer_that_does_the_same_work_has_goals_of_its_own() -> None:
    pairs = [a_pair({"worker ms, few": 10, "notes/s, few": 8}, {"worker ms, few": 20, "notes/s, few": 2})]
    bare, same = table(sides("peer_bare"), pairs), table(sides("peer_same"), pairs)
    assert "| 0.50 (0.50–0.50) | ≤ 1: met |" in bare
    assert "| 0.50 (0.50–0.50) | ≤ 0.17: missed, 2.9 times |" in same


def test_beside_an_earlier_commit_there_is_no_goal() -> None:
    assert "met" not in table(sides("base"), [a_pair({"worker ms, few": 10}, {"worker ms, few": 20})])


def test_a_ratio_is_that_of_the_median_pair() -> None:
    """Not that of the medians: a host that is slow for a while is slow for both sides of a pair."""
    pairs = [a_pair({"accepted/s": ours}, {"accepted/s": peer}) for ours, peer in ((100, 10), (300, 20), (50, 10))]
    assert "| 100 (50–300) | 10 (10–20) | 10.00 (5.00–15.00) | ≥ 13: missed, 1.30 times |" in table(
        sides("peer_bare"), pairs
    )


def test_a_goal_for_our_own_figure_looks_at_that() -> None:
    key = "API, 50 to saturated"
    assert "≤ 1.3: missed, 2.0 times" in table(sides("peer_bare"), [a_pair({key: 2.6}, {key: 2.6})])


def a_plan(noise: list[float], *, pairs: int, repeats: int) -> Plan:
    class Bench:
        async def way(self, side: Any, figures: Figures) -> None:
            figures.values["webhook to note p50 ms, 4/s"] = 1.0
            figures.others = noise.pop(0) if side.name == "ours" else 0.0

    return Plan(cast("Any", Bench()), pairs, repeats, deliveries=1)


async def test_a_noisy_pair_is_measured_again_and_said() -> None:
    said: list[str] = []
    plan = a_plan([0.1, 0.5, 0.0], pairs=2, repeats=5)
    pairs = await measure_pairs(plan, sides("peer_bare"), parts=["way"], third=0, tell=said.append)
    assert [pair.others for pair in pairs] == [0.1, 0.0]
    assert [line for line in said if line.startswith("noisy")] == [
        "noisy: other processes took 0.50 cores; this pair is measured again"
    ]
    assert "noisy" not in table(sides("peer_bare"), pairs)


async def test_where_all_are_noisy_the_table_says_so() -> None:
    plan = a_plan([0.3, 0.4, 0.5], pairs=2, repeats=1)
    pairs = await measure_pairs(plan, sides("peer_bare"), parts=["way"], third=0, tell=lambda _: None)
    assert "2 of them noisy (other processes took up to 0.50 cores)" in table(sides("peer_bare"), pairs)


async def test_a_pair_in_which_something_failed_is_measured_again() -> None:
    class Bench:
        failures = 1

        async def way(self, side: Any, figures: Figures) -> None:
            if side.name != "ours" and self.failures:
                self.failures -= 1
                raise RunFailed("peer_bare refused 32 of 445 webhooks")
            figures.values["webhook to note p50 ms, 4/s"] = 1.0

    said: list[str] = []
    plan = Plan(cast("Any", Bench()), pairs=1, repeats=1, deliveries=1)
    assert len(await measure_pairs(plan, sides("peer_bare"), parts=["way"], third=0, tell=said.append)) == 1
    assert "failed: peer_bare refused 32 of 445 webhooks; this pair is measured again" in said
    plan = Plan(cast("Any", Bench()), pairs=1, repeats=0, deliveries=1)
    with pytest.raises(RunFailed):
        await measure_pairs(plan, sides("peer_bare"), parts=["way"], third=0, tell=said.append)
