-- Like the Yahoo Streaming Benchmark: keep the views, find the campaign of the ad, count per
-- campaign and window. Each row says when the newest event in it happened, so that the latency is
-- the broker's append time minus that.
CREATE TABLE ad_events (
    ad_id STRING,
    event_type STRING,
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

CREATE TABLE campaign_counts (
    campaign STRING,
    window_end TIMESTAMP_LTZ(3),
    seen BIGINT,
    newest BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = '${output}',
    'properties.bootstrap.servers' = '${bootstrap}',
    'properties.linger.ms' = '20',
    'sink.delivery-guarantee' = 'at-least-once',
    'format' = 'json'
);

CREATE TEMPORARY VIEW campaign_views AS
SELECT SUBSTRING(spend(ad_id, ${cpu_us}, ${pace_us}), 1, 2) AS campaign, event_time, happened
FROM ad_events
WHERE event_type = 'view';

INSERT INTO campaign_counts
SELECT campaign, window_end, COUNT(*), MAX(event_time)
FROM TABLE(
    TUMBLE(TABLE campaign_views, DESCRIPTOR(happened), INTERVAL '${window_seconds}' SECOND)
)
GROUP BY campaign, window_start, window_end;
