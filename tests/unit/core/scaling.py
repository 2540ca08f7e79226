"""The autoscalers, event by event: tickets come, KEDA looks, pods start, workers work them off; the API's by its CPU."""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

POLL_S = 15.0
"""How often the autoscaler asks KEDA, and acts."""
START_S = 40.0
"""From the decision to a worker that works: schedule, start, first claim."""


@dataclass
class Scaling:
    """A run: *arrivals* are times in seconds and tenants."""

    arrivals: list[tuple[float, int]]
    work_s: float
    """How long a delivery is in work: the model's time and our own."""
    pod_slots: int
    tenant_slots: int
    target: int
    least: int
    most: int
    waits: list[tuple[int, float]] = field(init=False, default_factory=list)
    """Tenant, and time from arrival to note, in the order of the claims."""
    pods: int = field(init=False, default=0)
    most_pods: int = field(init=False, default=0)
    _events: list[tuple[float, int, str, int]] = field(init=False, default_factory=list)
    _order: Iterator[int] = field(init=False, default_factory=count)
    _due: dict[int, deque[float]] = field(init=False, default_factory=dict)
    _working: Counter[int] = field(init=False, default_factory=Counter)
    _asked: int = field(init=False, default=0)

    def run(self) -> None:
        for time, tenant in self.arrivals:
            self._at(time, "arrival", tenant)
        self._at(POLL_S, "poll")
        self.pods = self._asked = self.least
        while self._events:
            now, _, what, tenant = heapq.heappop(self._events)
            match what:
                case "arrival":
                    self._due.setdefault(tenant, deque()).append(now)
                case "end":
                    self._working[tenant] -= 1
                case "pod":
                    self.pods += 1
                case "poll":
                    self._scale(now)
            self.most_pods = max(self.most_pods, self.pods)
            self._claim(now)

    def _at(self, time: float, what: str, tenant: int = -1) -> None:
        heapq.heappush(self._events, (time, next(self._order), what, tenant))

    def _scale(self, now: float) -> None:
        waiting = sum(map(len, self._due.values()))
        wanted = min(max(math.ceil(waiting / self.target), self.least), self.most)
        # Kubernetes' default: at most twice as many, or four more, at a time.
        grown = min(wanted, max(2 * self._asked, self._asked + 4))
        for _ in range(grown - self._asked):
            self._at(now + START_S, "pod")
        self._asked = max(self._asked, grown)
        if waiting or self._working.total():
            self._at(now + POLL_S, "poll")

    def _claim(self, now: float) -> None:
        """As the claim does: the tenant with the fewest in work first, of these the one that waits longest."""
        while self._working.total() < self.pods * self.pod_slots:
            ready = [each for each, queue in self._due.items() if queue and self._working[each] < self.tenant_slots]
            if not ready:
                return
            first = min(ready, key=lambda each: (self._working[each], self._due[each][0]))
            self.waits.append((first, now + self.work_s - self._due[first].popleft()))
            self._working[first] += 1
            self._at(now + self.work_s, "end", first)


def answer_times(
    arrivals: list[float], *, work_s: float, request: float, target: float, least: int, most: int
) -> tuple[list[float], int]:
    """From each webhook to its answer, sorted, and the most pods.

    A pod is one core, which a webhook has for *work_s*. It asks for *request* of it, of which the autoscaler aims at
    the share *target*. *arrivals* are sorted times; each goes to one of the pods by chance, as a Service does.
    """
    random = Random(1)
    starts, free = [0.0] * least, [0.0] * least
    times: list[float] = []
    looked, ready, since = 0.0, least, 0
    for at in arrivals:
        while at >= looked + POLL_S:
            looked += POLL_S
            used = min((len(times) - since) * work_s / POLL_S, ready)
            since = len(times)
            wanted = min(math.ceil(used / (request * target)), most, max(2 * len(starts), len(starts) + 4))
            starts += [looked + START_S] * (wanted - len(starts))
            free += [0.0] * (wanted - len(free))
        ready = sum(start <= at for start in starts)
        pod = random.randrange(ready)
        free[pod] = max(free[pod], at) + work_s
        times.append(free[pod] - at)
    return sorted(times), len(starts)
