"""What a tenant's file leaves open is derived from what it says."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.builders import a_tenant


@pytest.mark.parametrize(("calls_per_minute", "slots"), [(1, 1), (30, 5), (60, 10), (6000, 10)])
def test_a_tenant_has_as_many_slots_as_its_calls_keep_busy(calls_per_minute: int, slots: int) -> None:
    assert a_tenant(servicedesk={"calls_per_minute": calls_per_minute}).slots == slots


def test_its_file_may_say_how_many() -> None:
    assert a_tenant(limits={"concurrency": 40}).slots == 40
    with pytest.raises(ValidationError, match=r"limits\.concurrency"):
        a_tenant(limits={"concurrency": 0})
