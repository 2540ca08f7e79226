"""What a worker keeps of the texts that it reads has a bound, so its memory has one."""

from __future__ import annotations

import gc
import importlib
import inspect
import pkgutil
import weakref

import app.core
from app.core.check.records import Record
from app.core.kept import MAX_KEPT_CHARS, MAX_KEPT_WORDS, kept_if_short

# Asked only for words of our own lists, so they hold as many as these.
_OF_OUR_OWN = {"_after", "_finder", "_form", "_lines_of", "_of_command", "_others_for", "_tells"}


def test_a_cache_that_is_asked_for_a_text_has_a_bound() -> None:
    modules = [importlib.import_module(each.name) for each in pkgutil.walk_packages(app.core.__path__, "app.core.")]
    kept = {
        name: found.cache_info().maxsize
        for module in modules
        for name, found in vars(module).items()
        if hasattr(found, "cache_info") and inspect.signature(found).parameters
    }
    assert max(bound for bound in kept.values() if bound is not None) == MAX_KEPT_WORDS
    assert {name for name, bound in kept.items() if bound is None} == _OF_OUR_OWN


def test_nothing_is_kept_of_a_long_text() -> None:
    read: list[str] = []

    def count(text: str) -> int:
        read.append(text)
        return len(text)

    length = kept_if_short(count)
    short, long = "a" * MAX_KEPT_CHARS, "a" * (MAX_KEPT_CHARS + 1)

    assert [length(short), length(short), length(long), length(long)] == [len(short)] * 2 + [len(long)] * 2
    assert read == [short, long, long]


def test_the_forms_of_a_ticket_that_is_a_log_go_with_it() -> None:
    forms = Record("", "spooler " * MAX_KEPT_CHARS)._forms
    alive = weakref.ref(forms)
    del forms
    gc.collect()
    assert alive() is None
