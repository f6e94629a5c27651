"""The console's own metrics, of `daedalus serve`."""

from daedalus_shared.telemetry import counter, gauge

ANSWERS = counter(
    "daedalus_console_answers_total",
    "Answers over HTTP, by their status.",
    ["status"],
    by="console",
)
LISTENERS = gauge("daedalus_console_listeners", "Event streams that are open.", by="console")
UNREADABLE = counter(
    "daedalus_console_unreadable_records_total",
    "Records on the topics that are no event.",
    ["topic"],
    by="console",
)
