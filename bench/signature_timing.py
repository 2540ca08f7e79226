"""Does the time of a refusal reveal how much of a signature was right? `python bench/signature_timing.py`, PYTHONPATH=.

Two kinds of wrong signature are verified in turn, in an order drawn anew each round, so that what slows the machine
slows both alike. The signs of the rounds' differences are tested: if there is no leak, positive and negative ones are
equally frequent. A naive byte-by-byte comparison is measured too, to show that the machine is quiet enough to see a
leak. Exit status 1 if a pair of the product differs and the naive comparison shows its leak.
"""

from __future__ import annotations

import hmac
import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from app.core.signature import sign_body, verify_body, verify_token
from app.errors import Unauthenticated

SECRET, BODY = b"bench-secret-0123456789abcdef", b'{"event":"ticket_created","ticket_id":"100234"}'
RIGHT = sign_body(SECRET, BODY)
ROUNDS = 20_000
REPEATS = 8
"""Calls in one sample."""
SIGNIFICANT = 1e-6
"""Limit of the probability for each pair. A difference that could be used over a network gives a far smaller one."""
RELEVANT_NS = 20.0
"""A smaller difference does not count: it is noise of caches, and can't be measured over a network."""


def flip(text: str, at: int) -> str:
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


def signature(value: str) -> Callable[[], None]:
    return lambda: verify_body(BODY, value, [SECRET])


def token(value: str) -> Callable[[], None]:
    return lambda: verify_token(f"Bearer {value}", [SECRET])


def naive(value: str) -> Callable[[], None]:
    """A comparison that stops at the first difference, which leaks its place."""

    def compare() -> None:
        for given, right in zip(value, hmac.digest(SECRET, BODY, "sha256").hex(), strict=True):
            if given != right:
                raise Unauthenticated("wrong")

    return compare


FIRST, LAST = len("sha256="), len(RIGHT) - 1
DIGEST = RIGHT.partition("=")[2]
TEXT = SECRET.decode()
PAIRS: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
    "signature: first digit wrong, last digit wrong": (signature(flip(RIGHT, FIRST)), signature(flip(RIGHT, LAST))),
    "signature: all wrong, last digit wrong": (signature("sha256=" + "f" * 64), signature(flip(RIGHT, LAST))),
    "token: first letter wrong, last letter wrong": (token(flip(TEXT, 0)), token(flip(TEXT, len(TEXT) - 1))),
    "the naive comparison: first digit wrong, last": (naive(flip(DIGEST, 0)), naive(flip(DIGEST, 63))),
}


def sample(call: Callable[[], None]) -> int:
    began = time.perf_counter_ns()
    for _ in range(REPEATS):
        with suppress(Unauthenticated):
            call()
    return time.perf_counter_ns() - began


def probability(above: int, below: int) -> float:
    """The probability of such a split or a more uneven one, if nothing differs (two-sided sign test)."""
    total = above + below
    return math.erfc(abs(above - below) / math.sqrt(2 * total)) if total else 1.0


def main() -> int:
    """Print a line for each pair."""
    print(f"{ROUNDS:,} rounds, {REPEATS} calls a sample")
    print("| pair | median difference of one call | p | told apart |")
    print("| --- | --- | --- | --- |")
    told: dict[str, bool] = {}
    for name, calls in PAIRS.items():
        differences = []
        for _ in range(ROUNDS):
            order = random.sample((0, 1), 2)
            times = dict(sorted((which, sample(calls[which])) for which in order))
            differences.append((times[1] - times[0]) / REPEATS)
        above, below = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
        median, p = statistics.median(differences), probability(above, below)
        told[name] = p < SIGNIFICANT and abs(median) > RELEVANT_NS
        print(f"| {name} | {median:+.1f} ns | {p:.2g} | {'yes' if told[name] else 'no'} |", flush=True)
    *ours, control = told.values()
    if not control:
        print("The naive comparison was not told apart either: this machine is too noisy to say anything.")
    return int(control and any(ours))


if __name__ == "__main__":
    sys.exit(main())
