import csv
import io
from datetime import UTC, date, datetime

import pytest
from litestar.exceptions import ClientException

from app.console.cost import as_csv, month_of

NOW = datetime(2026, 11, 16, tzinfo=UTC)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", '=HYPERLINK("x")'])
def test_no_cell_is_a_formula(text: str) -> None:
    [row] = list(csv.reader(io.StringIO(as_csv(["model"], [[text]]), newline="")))[1:]
    assert row[0].startswith("'")


def test_numbers_stay_numbers() -> None:
    assert as_csv(["a", "b"], [["acme", -5]]) == "a,b\r\nacme,-5\r\n"


def test_the_month_that_runs_is_forecast_by_its_share() -> None:
    month = month_of(None, NOW)
    assert (month.first, month.end, month.is_current) == (date(2026, 11, 1), date(2026, 12, 1), True)
    assert month.share == 0.5
    assert month.forecast(10) == 20
    assert month.before == date(2026, 10, 1)


def test_a_month_that_is_over_is_what_it_was() -> None:
    month = month_of("2026-02", NOW)
    assert (month.end, month.is_current, month.forecast(10)) == (date(2026, 3, 1), False, 10)


def test_another_text_is_no_month() -> None:
    with pytest.raises(ClientException):
        month_of("2026-13", NOW)
