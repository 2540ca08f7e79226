"""What a worker keeps of the texts that it reads has a bound, so its memory has one."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import app.core

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
    assert max(bound for bound in kept.values() if bound is not None) == 20_000
    assert {name for name, bound in kept.items() if bound is None} == _OF_OUR_OWN
