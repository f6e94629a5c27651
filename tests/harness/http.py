"""What a service answers over HTTP."""

import re
import time
import urllib.error
import urllib.request

from harness.replicas import Replica


def address(replica: Replica) -> str:
    """Return where a service answers, once it does."""
    assert replica.until_logged("healthz, readyz and metrics at"), replica.tail()
    found = re.search(r"metrics at \('127.0.0.1', (\d+)\)", replica.log.read_text())
    assert found is not None
    return f"http://127.0.0.1:{found[1]}"


def get(url: str) -> tuple[int, str]:
    """Return the status and the text of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 -- http
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def until(url: str, status: int, told: str = "", timeout: float = 300.0) -> str:
    """Wait for an HTTP status with a text in its answer, and return the answer."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            found, text = get(url)
        except OSError as error:  # it is busy, or is being started again
            found, text = 0, str(error)
        if found == status and told in text:
            return text
        assert time.monotonic() < deadline, f"{url}: {found} {text}"
        time.sleep(0.2)
