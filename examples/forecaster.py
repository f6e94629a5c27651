"""The workload stays what a tick's last report shows: NAME=mine python examples/forecaster.py."""

import json
import os
import sys
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from confluent_kafka import Consumer, Producer

NAME, STEP, STEPS = os.environ.get("NAME", "mine"), 60.0, 40
SOURCE, TYPE = f"forecaster/{NAME}", "daedalus.forecasts.v1"
EVENTS = uuid5(NAMESPACE_URL, "daedalus/events")
KAFKA = {"bootstrap.servers": os.environ.get("BOOTSTRAP", "localhost:9092")}
GROUP = {"group.id": SOURCE, "auto.offset.reset": "earliest", "enable.auto.commit": False}
QUICK = {"session.timeout.ms": 6000}  # after which a dead replica's jobs are taken over


def forecast(report):
    """Return the forecast of the tick that a report closes, always the same one, or None."""
    told = [sample.get("workload") for sample in report["samples"]]
    rates = [rate for rate in told if rate is not None and 0 <= rate <= 1e15]
    if report.get("tick") is None or not rates:
        return None
    tick = datetime.fromisoformat(report["tick"]).astimezone(UTC).isoformat()
    value = {"job": report["job"], "at": tick, "tick": tick, "source": SOURCE, "forecaster": NAME}
    value |= {"model": "last", "step": STEP, "horizon": STEP * STEPS}
    return value | {"mean": [round(sum(rates) / len(rates), 3)] * STEPS}


def headers(job, tick):
    """Return the CloudEvents headers of a forecast; the id names it, whenever it is made."""
    about = {"ce_specversion": "1.0", "ce_type": TYPE, "ce_source": f"daedalus/{SOURCE}"}
    about |= {"ce_id": str(uuid5(EVENTS, f"{TYPE}|{SOURCE}|{job}|{NAME}|{tick}"))}
    about |= {"ce_time": tick, "ce_subject": job, "content-type": "application/json"}
    return about | {"correlationid": f"{job}@{tick}"}


consumer = Consumer(KAFKA | GROUP | QUICK)
refused = {"on_delivery": lambda error, _: error and sys.exit(f"not taken: {error}")}
producer = Producer(KAFKA | refused | {"partitioner": "murmur2_random"})
consumer.subscribe(["daedalus.metrics"])
while True:
    messages = consumer.consume(500, timeout=0.1)
    for message in messages:
        try:
            report = dict(message.headers() or []).get("ce_type") == b"daedalus.metrics.v1"
            found = forecast(json.loads(message.value())) if report else None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            print(f"skipped {message.partition()}@{message.offset()}: {error!r}", flush=True)
            continue
        if found:
            job, about = found["job"], headers(found["job"], found["tick"])
            producer.produce("daedalus.forecasts", json.dumps(found), job, headers=about)
    producer.flush()  # until the broker has all; what it refuses ends us before the commit
    if messages:
        consumer.commit()
