"""Worker-hours, summed from report to report."""

from datetime import datetime, timedelta

import pytest

from daedalus_console.live.hours import Hours


@pytest.mark.parametrize(
    ("report", "passes", "used"),
    [
        pytest.param(15.0, 120.0, 480.0, id="two minutes at most"),
        pytest.param(15.0, 121.0, 0.0, id="longer: nobody knows what ran"),
        pytest.param(600.0, 600.0, 2_400.0, id="a job that is seldom reported"),
        pytest.param(600.0, 1_200.0, 4_800.0, id="one of its reports is missing"),
        pytest.param(600.0, 1_201.0, 0.0, id="two of its reports are missing"),
    ],
)
def test_hours_count_while_reports_come_as_often_as_the_job_says(
    noon: datetime, report: float, passes: float, used: float
) -> None:
    found = Hours().after(noon, 4, 8, report)
    found = found.after(noon + timedelta(seconds=passes), 4, 8, report)

    assert found.all is not None
    assert (found.all.used, found.all.static) == (used, 2 * used)
    assert found.day == found.all
