-- The mean speed on each road segment over a sliding window, where it is slow. A row says when the
-- newest report in it was made.
CREATE TABLE vehicle_reports (
    segment STRING,
    speed DOUBLE,
    event_time BIGINT,
    happened AS TO_TIMESTAMP_LTZ(event_time, 3),
    WATERMARK FOR happened AS happened - INTERVAL '0.2' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = '${input}',
    'properties.bootstrap.servers' = '${bootstrap}',
    'properties.group.id' = '${group}',
    'properties.auto.offset.reset' = 'earliest',
    -- Large, patient fetches: with the defaults the CPU of a worker says little about its load.
    'properties.fetch.min.bytes' = '${fetch_min_bytes}',
    'properties.fetch.max.wait.ms' = '${fetch_max_wait_ms}',
    'scan.startup.mode' = 'group-offsets',
    'scan.watermark.idle-timeout' = '2s',
    'format' = 'json',
    'json.ignore-parse-errors' = 'true'
);

CREATE TABLE slow_segments (
    segment STRING,
    window_end TIMESTAMP_LTZ(3),
    vehicles BIGINT,
    mean_speed DOUBLE,
    newest BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = '${output}',
    'properties.bootstrap.servers' = '${bootstrap}',
    'properties.linger.ms' = '20',
    'sink.delivery-guarantee' = 'at-least-once',
    'format' = 'json'
);

CREATE TEMPORARY VIEW paid_reports AS
SELECT spend(segment, ${cpu_us}, ${pace_us}) AS segment, speed, event_time, happened
FROM vehicle_reports;

INSERT INTO slow_segments
SELECT segment, window_end, COUNT(*), AVG(speed), MAX(event_time)
FROM TABLE(
    HOP(
        TABLE paid_reports,
        DESCRIPTOR(happened),
        INTERVAL '${slide_seconds}' SECOND,
        INTERVAL '${window_seconds}' SECOND
    )
)
GROUP BY segment, window_start, window_end
HAVING AVG(speed) < 50;
