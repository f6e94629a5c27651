# Flink with the Kafka connector and the sample jobs on SQL:
#   docker build -f deploy/images/flink.Dockerfile -t daedalus-flink .

FROM debian:bookworm-slim AS build
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt,required=false \
    mkdir -p /usr/share/man/man1 && apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
        openjdk-17-jdk-headless maven ca-certificates > /dev/null
WORKDIR /src
COPY deploy/local/flink-pom.xml pom.xml
RUN --mount=type=secret,id=cacerts,target=/etc/ssl/certs/java/cacerts,required=false \
    --mount=type=cache,target=/root/.m2 \
    mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory=/jars
COPY deploy/jobs/java deploy/jobs/sql ./
RUN mkdir -p /lib-flink /jobs \
    && javac -encoding UTF-8 -d classes -cp '/jars/*' *.java && cp *.sql classes/ \
    && jar cfe /jobs/daedalus-jobs.jar SqlRunner -C classes . \
    && cp /jars/flink-sql-connector-kafka-*.jar /lib-flink/
ARG SOURCE_DATE_EPOCH=0
RUN find /lib-flink /jobs -exec touch --date="@$SOURCE_DATE_EPOCH" {} +


FROM flink:2.3.0-java17
COPY --from=build /lib-flink/ /opt/flink/lib/
COPY --from=build /jobs/ /opt/flink/usrlib/
COPY deploy/images/healthy deploy/images/flink-in-compose /usr/local/bin/
USER 9999:9999
ENTRYPOINT ["flink-in-compose"]
