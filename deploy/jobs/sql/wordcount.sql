-- The running count of each word, each time it changes. A row says when the newest line in it was
-- written.
CREATE TABLE lines (
    line STRING,
    event_time BIGINT
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
    'format' = 'json',
    'json.ignore-parse-errors' = 'true'
);

CREATE TABLE word_counts (
    word STRING,
    seen BIGINT,
    newest BIGINT,
    PRIMARY KEY (word) NOT ENFORCED
) WITH (
    'connector' = 'upsert-kafka',
    'topic' = '${output}',
    'properties.bootstrap.servers' = '${bootstrap}',
    'properties.linger.ms' = '20',
    'sink.delivery-guarantee' = 'at-least-once',
    'key.format' = 'raw',
    'value.format' = 'json'
);

INSERT INTO word_counts
SELECT word, COUNT(*), MAX(event_time)
FROM (SELECT spend(line, ${cpu_us}, ${pace_us}) AS line, event_time FROM lines) AS paid,
    LATERAL TABLE(words(line))
GROUP BY word;
