import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * One worker of a Kafka Streams job, the running count of each word: {@code WordCountStreams
 * name=value …}.
 *
 * <p>Workers of one {@code group} share the work; each answers at {@code /metrics}, says at {@code
 * /ready} whether it works and on how many tasks, and says where in a file of its own, {@code
 * <endpoints>/<worker>.json}, in the form of Prometheus' file_sd. On SIGTERM it leaves the group at
 * once. The cost knob is that of the Flink jobs (Spend.java).
 */
public final class WordCountStreams {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What is known of a word: how often it was seen, and when the newest line in it was written. */
    record Count(long seen, long newest) {
        Count with(long at) {
            return new Count(seen + 1, Math.max(newest, at));
        }

        static Serde<Count> serde() {
            return Serdes.serdeFrom(
                    (topic, count) -> count == null ? null
                            : ByteBuffer.allocate(16).putLong(count.seen).putLong(count.newest).array(),
                    (topic, bytes) -> bytes == null ? null
                            : new Count(ByteBuffer.wrap(bytes).getLong(0), ByteBuffer.wrap(bytes).getLong(8)));
        }
    }

    /**
     * Records read since the start, by topic. Counted here: the consumer counts those of a fetch when
     * the last of them was handed out, on a slow worker ten seconds late, and Streams counts by task.
     */
    record Read(LongAdder lines, LongAdder words) {}

    public static void main(String[] args) throws Exception {
        Map<String, String> given = new HashMap<>();
        for (String arg : args) {
            String[] setting = arg.split("=", 2);
            given.put(setting[0], setting.length == 2 ? setting[1] : "");
        }
        for (String name : List.of("bootstrap", "input", "output", "group", "worker", "state")) {
            if (!given.containsKey(name)) {
                throw new IllegalArgumentException("no value for " + name);
            }
        }
        Read read = new Read(new LongAdder(), new LongAdder());
        KafkaStreams streams = new KafkaStreams(topology(given, read), settings(given));
        CountDownLatch over = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.ERROR) {
                over.countDown();
            }
        });
        HttpServer server = serve(streams, given, read);
        Path endpoint = announce(given, server.getAddress().getPort());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            // Said at once: else the group waits for this worker until its session ends.
            streams.close(CloseOptions
                    .groupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP)
                    .withTimeout(Duration.ofSeconds(5)));
            server.stop(0);
            forget(endpoint);
        }));
        streams.start();
        over.await();
        System.exit(1);
    }

    private static Topology topology(Map<String, String> given, Read read) {
        Spend spend = new Spend(given);
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(given.get("input"), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .flatMap((key, line) -> {
                    read.lines.increment();
                    spend.once();
                    return words(line);
                })
                .repartition(Repartitioned.with(Serdes.String(), Serdes.Long()).withName("words"))
                .groupByKey()
                .aggregate(
                        () -> new Count(0, 0),
                        (word, at, count) -> {
                            read.words.increment();
                            return count.with(at);
                        },
                        Materialized.<String, Count, KeyValueStore<Bytes, byte[]>>as("counts")
                                .withKeySerde(Serdes.String()).withValueSerde(Count.serde()))
                .toStream()
                .mapValues((word, count) -> JSON.createObjectNode()
                        .put("word", word).put("seen", count.seen()).put("newest", count.newest()).toString())
                .to(given.get("output"), Produced.with(Serdes.String(), Serdes.String()).withName("output"));
        return builder.build();
    }

    private static List<KeyValue<String, Long>> words(byte[] line) {
        List<KeyValue<String, Long>> found = new ArrayList<>();
        try {
            JsonNode record = JSON.readTree(line);
            long at = record.path("event_time").asLong();
            for (String word : record.path("line").asText().split(" ")) {
                if (!word.isEmpty()) {
                    found.add(KeyValue.pair(word, at));
                }
            }
        } catch (IOException error) {
            return List.of(); // not a line: there is nothing to count in it
        }
        return found;
    }

    private static Properties settings(Map<String, String> given) {
        Properties found = new Properties();
        found.put(StreamsConfig.APPLICATION_ID_CONFIG, given.get("group"));
        found.put(StreamsConfig.CLIENT_ID_CONFIG, given.get("worker"));
        found.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, given.get("bootstrap"));
        found.put(StreamsConfig.STATE_DIR_CONFIG, given.get("state"));
        found.put(StreamsConfig.GROUP_PROTOCOL_CONFIG, "streams");
        found.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        // A new group counts what is there, as the Flink job does.
        found.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        // Large, patient batches: with the defaults the CPU of a worker says little about its load.
        // Of the main consumer alone: a state that is read back should not wait.
        found.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.FETCH_MIN_BYTES_CONFIG), 1_000_000);
        found.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG), 500);
        found.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 65_536);
        found.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 200);
        found.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, given.getOrDefault("commit_ms", "5000"));
        found.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        // Means and maxima over 10 s: what was longer ago says nothing about now.
        found.put(StreamsConfig.METRICS_SAMPLE_WINDOW_MS_CONFIG, 5_000);
        return found;
    }

    private static HttpServer serve(KafkaStreams streams, Map<String, String> given, Read read)
            throws IOException {
        int port = Integer.parseInt(given.getOrDefault("port", "0"));
        String host = given.getOrDefault("host", "127.0.0.1");
        HttpServer server = HttpServer.create(new InetSocketAddress(host, port), 0);
        server.createContext("/metrics", exchange -> answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
                new Exposition(streams, given, read).text()));
        server.createContext("/ready", exchange -> {
            int tasks = tasks(streams);
            answer(exchange, tasks > 0 ? 200 : 503, "application/json", "{\"tasks\": %d}%n".formatted(tasks));
        });
        server.start();
        return server;
    }

    private static void answer(HttpExchange exchange, int status, String type, String said) throws IOException {
        byte[] text = said.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, text.length);
        try (OutputStream body = exchange.getResponseBody()) {
            body.write(text);
        }
    }

    /** The tasks that this worker works on: none before it runs, and none while there are too many workers. */
    private static int tasks(KafkaStreams streams) {
        if (streams.state() != KafkaStreams.State.RUNNING) {
            return 0;
        }
        return streams.metadataForLocalThreads().stream().mapToInt(thread -> thread.activeTasks().size()).sum();
    }

    /** Writes where this worker answers, in one rename; null when nobody asked. */
    private static Path announce(Map<String, String> given, int port) throws IOException {
        if (!given.containsKey("endpoints")) {
            return null;
        }
        Path folder = Files.createDirectories(Path.of(given.get("endpoints")));
        String address = "127.0.0.1:" + port;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.json")) {
            for (Path file : files) {
                try {
                    if (Files.readString(file).contains('"' + address + '"')) {
                        forget(file); // of one that was killed: the port is ours now
                    }
                } catch (NoSuchFileException gone) {
                    continue; // its worker has just taken it back
                }
            }
        }
        Path endpoint = folder.resolve(given.get("worker") + ".json");
        Path partial = folder.resolve(given.get("worker") + ".partial");
        String text = "[{\"targets\": [\"%s\"], \"labels\": {\"worker\": \"%s\"}}]%n";
        Files.writeString(partial, text.formatted(address, given.get("worker")));
        return Files.move(partial, endpoint, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void forget(Path endpoint) {
        try {
            if (endpoint != null) {
                Files.deleteIfExists(endpoint);
            }
        } catch (IOException error) {
            System.err.println("cannot remove " + endpoint + ": " + error);
        }
    }

    /** One scrape, in Prometheus' text format 0.0.4. */
    private static final class Exposition {
        private final KafkaStreams streams;
        private final Map<String, String> given;
        private final Read read;
        private final StringBuilder text = new StringBuilder();

        Exposition(KafkaStreams streams, Map<String, String> given, Read read) {
            this.streams = streams;
            this.given = given;
            this.read = read;
        }

        String text() {
            var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            type("process_cpu_seconds_total", "counter");
            row("process_cpu_seconds_total", "", system.getProcessCpuTime() / 1e9);
            type("process_start_time_seconds", "gauge");
            row("process_start_time_seconds", "", ManagementFactory.getRuntimeMXBean().getStartTime() / 1e3);
            if (given.containsKey("quota")) {
                type("daedalus_cpu_quota_cores", "gauge");
                row("daedalus_cpu_quota_cores", "", Double.parseDouble(given.get("quota")));
            }
            type("kafka_streams_state", "gauge");
            row("kafka_streams_state", label("state", streams.state().name()), 1);
            rows("kafka_streams_source_records_total", "counter", "topic", perTopic(read.lines.sum(), read.words.sum()));
            ofClients();
            assigned();
            return text.toString();
        }

        /** What Streams itself measures: of its thread, and of the node that writes the output. */
        private void ofClients() {
            Map<String, Double> processed = new HashMap<>();
            List<Double> means = new ArrayList<>();
            List<Double> highest = new ArrayList<>();
            for (Map.Entry<MetricName, ? extends Metric> entry : streams.metrics().entrySet()) {
                MetricName name = entry.getKey();
                if (!(entry.getValue().metricValue() instanceof Double value) || value.isNaN()) {
                    continue;
                }
                Map<String, String> tags = name.tags();
                switch (name.group() + ' ' + name.name()) {
                    case "stream-thread-metrics process-total" -> processed.put(tags.get("thread-id"), value);
                    case "stream-processor-node-metrics record-e2e-latency-avg" -> atOutput(tags, value, means);
                    case "stream-processor-node-metrics record-e2e-latency-max" -> atOutput(tags, value, highest);
                    default -> { }
                }
            }
            rows("kafka_streams_thread_process_total", "counter", "thread_id", processed);
            means.stream().mapToDouble(each -> each).average().ifPresent(mean -> {
                type("kafka_streams_e2e_latency_avg_seconds", "gauge");
                row("kafka_streams_e2e_latency_avg_seconds", "", mean / 1e3);
            });
            highest.stream().mapToDouble(each -> each).max().ifPresent(most -> {
                type("kafka_streams_e2e_latency_max_seconds", "gauge");
                row("kafka_streams_e2e_latency_max_seconds", "", most / 1e3);
            });
        }

        private void assigned() {
            Map<String, Double> count = perTopic(0, 0);
            streams.metadataForLocalThreads().stream()
                    .flatMap(thread -> thread.activeTasks().stream())
                    .flatMap(task -> task.topicPartitions().stream())
                    .forEach(partition -> count.merge(partition.topic(), 1.0, Double::sum));
            rows("kafka_streams_assigned_partitions", "gauge", "topic", count);
        }

        /** A number for each topic that the job reads: its input and its own repartition topic. */
        private Map<String, Double> perTopic(double lines, double words) {
            Map<String, Double> found = new HashMap<>();
            found.put(given.get("input"), lines);
            found.put(given.get("group") + "-words-repartition", words);
            return found;
        }

        /** Takes what tells of records that leave the job; a mean or maximum of none is no number. */
        private static void atOutput(Map<String, String> tags, double value, List<Double> found) {
            if ("output".equals(tags.get("processor-node-id")) && !Double.isInfinite(value)) {
                found.add(value);
            }
        }

        private void rows(String name, String type, String label, Map<String, Double> values) {
            if (!values.isEmpty()) {
                type(name, type);
                values.forEach((of, value) -> row(name, label(label, of), value));
            }
        }

        private static String label(String name, String value) {
            return "{" + name + "=\"" + value + "\"}";
        }

        private void type(String name, String type) {
            text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
        }

        private void row(String name, String labels, double value) {
            boolean whole = value == Math.rint(value) && Math.abs(value) < 1e15;
            String shown = whole ? Long.toString((long) value) : Double.toString(value);
            text.append(name).append(labels).append(' ').append(shown).append('\n');
        }
    }

    /** The cost knob, as in Spend.java, for the one thread of this worker. */
    private static final class Spend {
        private static final long SHORTEST_SLEEP = 5_000_000L;

        private final ThreadMXBean clock = ManagementFactory.getThreadMXBean();
        private final long cpu;
        private final long pace;
        private long sleepOwed;
        private long spentAhead;
        private long sink;

        Spend(Map<String, String> given) {
            cpu = 1_000L * Integer.parseInt(given.getOrDefault("cpu_us", "0"));
            pace = 1_000L * Integer.parseInt(given.getOrDefault("pace_us", "0"));
        }

        void once() {
            if (cpu > 0) {
                burn();
            }
            sleepOwed += pace;
            if (sleepOwed >= SHORTEST_SLEEP) {
                long start = System.nanoTime();
                try {
                    Thread.sleep(sleepOwed / 1_000_000L);
                } catch (InterruptedException error) {
                    Thread.currentThread().interrupt();
                }
                sleepOwed -= System.nanoTime() - start; // an overslept wait shortens the next
            }
        }

        private void burn() {
            long now = clock.getCurrentThreadCpuTime();
            long until = now + cpu - spentAhead;
            while (now < until) {
                for (int i = 0; i < 500; i++) {
                    sink = sink * 6364136223846793005L + 1442695040888963407L;
                }
                now = clock.getCurrentThreadCpuTime();
            }
            spentAhead = now - until; // what the last round overshot is taken off the next call
        }
    }
}
