# The sample job on Kafka Streams, one worker a container:
#   docker build -f deploy/images/kstreams.Dockerfile -t daedalus-wordcount .

FROM debian:bookworm-slim AS build
# `ca` and `cacerts` are for networks with a certificate of their own.
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt,required=false \
    mkdir -p /usr/share/man/man1 && apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
        openjdk-17-jdk-headless maven ca-certificates > /dev/null
WORKDIR /src
COPY deploy/local/kstreams-pom.xml pom.xml
RUN --mount=type=secret,id=cacerts,target=/etc/ssl/certs/java/cacerts,required=false \
    --mount=type=cache,target=/root/.m2 \
    mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory=/opt/job/jars
# A runtime of what the job uses alone.
RUN jlink --output /opt/java --strip-java-debug-attributes --no-man-pages --no-header-files \
        --add-modules java.base,java.management,java.naming,java.security.jgss,java.security.sasl,java.sql,jdk.httpserver,jdk.management,jdk.unsupported,jdk.crypto.ec \
    && /opt/java/bin/java -XX:+UseSerialGC -Xshare:dump > /dev/null
# RocksDB brings itself for nine systems, and would unpack the right one at each start.
RUN mkdir -p /opt/job/native /tmp/rocks && cd /tmp/rocks && jar xf /opt/job/jars/rocksdbjni-*.jar \
    && case $(uname -m) in x86_64) arch=linux64;; *) arch=linux-$(uname -m);; esac \
    && cp "librocksdbjni-$arch.so" /opt/job/native/ && rm -f librocksdbjni* \
    && jar cfM /opt/job/jars/rocksdbjni-*.jar .
COPY deploy/jobs/kstreams/WordCountStreams.java .
RUN javac -encoding UTF-8 -d /opt/job/classes -cp '/opt/job/jars/*' WordCountStreams.java
ARG SOURCE_DATE_EPOCH=0
RUN find /opt/job /opt/java -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +


FROM debian:bookworm-slim
COPY deploy/images/healthy /usr/local/bin/
COPY --from=build /opt/java /opt/java
COPY --from=build /opt/job /opt/job
# For a small worker: one compiler, one collector, no threads for many cores.
ENV PATH=/opt/java/bin:/usr/local/bin:/usr/bin:/bin \
    JAVA_TOOL_OPTIONS="-Xms48m -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ActiveProcessorCount=1"
USER 65532:65532
EXPOSE 9400
# `worker` is its name: the container's own. Further settings follow, as name=value.
ENTRYPOINT ["/bin/sh", "-c", "exec java -Djava.library.path=/opt/job/native -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp '/opt/job/classes:/opt/job/jars/*' WordCountStreams host=0.0.0.0 port=9400 worker=$(hostname) state=/tmp/state \"$@\"", "wordcount"]
HEALTHCHECK --interval=2s --timeout=6s --start-period=60s --retries=5 CMD ["healthy", "9400", "/ready"]
