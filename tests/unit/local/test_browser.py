"""When a demo opens the console's page, and that it never fails for the browser's sake."""

import webbrowser

import pytest

from daedalus_local.browser import page_of, show, wanted


@pytest.mark.parametrize(
    ("env", "platform", "opens"),
    [
        pytest.param({"DISPLAY": ":0"}, "linux", True, id="X11"),
        pytest.param({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, id="Wayland"),
        pytest.param({}, "darwin", True, id="macOS"),
        pytest.param({}, "linux", False, id="no desktop"),
        pytest.param({"DISPLAY": ":0", "BROWSER": "none"}, "linux", False, id="switched off"),
        pytest.param({"DISPLAY": ":0", "BROWSER": "firefox"}, "linux", True, id="a chosen one"),
        pytest.param({"DISPLAY": ":0", "CI": "true"}, "linux", False, id="in CI"),
        pytest.param({"SSH_CONNECTION": "1 2 3 4"}, "darwin", False, id="over SSH"),
    ],
)
def test_opens_where_somebody_would_see_it(
    env: dict[str, str], platform: str, *, opens: bool
) -> None:
    assert wanted(env, platform, terminal=True) is opens
    assert not wanted(env, platform, terminal=False)


def test_opens_the_job_s_page() -> None:
    opened: list[str] = []

    show(page_of("http://127.0.0.1:8090", "a/b"), open_it=opened.append).join(5)

    assert opened == ["http://127.0.0.1:8090/jobs/a%2Fb"]


def test_a_browser_that_fails_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    def broken(_url: str) -> bool:
        raise webbrowser.Error("could not locate runnable browser")

    show("http://127.0.0.1:8090", open_it=broken).join(5)

    assert capfd.readouterr() == ("", "")
