#!/bin/sh
# Kafka's ACLs for Daedalus, a principal a service: `daedalus topics acls --script`.
#   BOOTSTRAP=kafka:9092 COMMAND_CONFIG=admin.properties ./acls.sh
set -eu
acl() {
  kafka-acls.sh --bootstrap-server "${BOOTSTRAP:-localhost:9092}" \
    ${COMMAND_CONFIG:+--command-config "$COMMAND_CONFIG"} --add "$@"
}
acl --allow-principal User:monitor --topic daedalus.control --operation Read
acl --allow-principal User:monitor --topic daedalus.knowledge --operation Read --operation Write
acl --allow-principal User:monitor --topic daedalus.metrics --operation Write
acl --allow-principal User:monitor --topic daedalus.dead-letters --operation Write
acl --allow-principal User:monitor --group daedalus-monitor-monitor --operation Read
acl --allow-principal User:analyzer --topic daedalus.metrics --operation Read
acl --allow-principal User:analyzer --topic daedalus.scale-outcomes --operation Read
acl --allow-principal User:analyzer --topic daedalus.control --operation Read
acl --allow-principal User:analyzer --topic daedalus.knowledge --operation Read --operation Write
acl --allow-principal User:analyzer --topic daedalus.capacity-updates --operation Write
acl --allow-principal User:analyzer --topic daedalus.recoveries --operation Write
acl --allow-principal User:analyzer --topic daedalus.dead-letters --operation Write
acl --allow-principal User:analyzer --group daedalus-analyzer-analyzer --operation Read
acl --allow-principal User:forecaster --topic daedalus.metrics --operation Read
acl --allow-principal User:forecaster --topic daedalus.control --operation Read
acl --allow-principal User:forecaster --topic daedalus.knowledge --operation Read --operation Write
acl --allow-principal User:forecaster --topic daedalus.forecasts --operation Write
acl --allow-principal User:forecaster --topic daedalus.dead-letters --operation Write
acl --allow-principal User:forecaster --group daedalus-forecaster-daedalus --operation Read
acl --allow-principal User:planner --topic daedalus.metrics --operation Read
acl --allow-principal User:planner --topic daedalus.capacity-updates --operation Read
acl --allow-principal User:planner --topic daedalus.forecasts --operation Read
acl --allow-principal User:planner --topic daedalus.scale-outcomes --operation Read
acl --allow-principal User:planner --topic daedalus.recoveries --operation Read
acl --allow-principal User:planner --topic daedalus.control --operation Read
acl --allow-principal User:planner --topic daedalus.knowledge --operation Read --operation Write
acl --allow-principal User:planner --topic daedalus.decisions --operation Write
acl --allow-principal User:planner --topic daedalus.scale-commands --operation Write
acl --allow-principal User:planner --topic daedalus.dead-letters --operation Write
acl --allow-principal User:planner --group daedalus-planner-horizon --operation Read
acl --allow-principal User:executor --topic daedalus.scale-commands --operation Read
acl --allow-principal User:executor --topic daedalus.control --operation Read
acl --allow-principal User:executor --topic daedalus.knowledge --operation Read --operation Write
acl --allow-principal User:executor --topic daedalus.scale-outcomes --operation Write
acl --allow-principal User:executor --topic daedalus.dead-letters --operation Write
acl --allow-principal User:executor --group daedalus-executor-executor --operation Read
acl --allow-principal User:console --topic daedalus.metrics --operation Read --operation DescribeConfigs
acl --allow-principal User:console --topic daedalus.capacity-updates --operation Read --operation DescribeConfigs
acl --allow-principal User:console --topic daedalus.forecasts --operation Read --operation DescribeConfigs
acl --allow-principal User:console --topic daedalus.decisions --operation Read --operation DescribeConfigs
acl --allow-principal User:console --topic daedalus.scale-commands --operation Read --operation DescribeConfigs
acl --allow-principal User:console --topic daedalus.scale-outcomes --operation Read --operation DescribeConfigs
acl --allow-principal User:console --topic daedalus.recoveries --operation Read --operation DescribeConfigs
acl --allow-principal User:console --topic daedalus.knowledge --operation Read --operation DescribeConfigs
acl --allow-principal User:console --topic daedalus.control --operation Read --operation Write --operation DescribeConfigs
acl --allow-principal User:console --topic daedalus.dead-letters --operation Read --operation DescribeConfigs
acl --allow-principal User:console --group daedalus-console --operation Describe
acl --allow-principal User:auditor --topic daedalus.metrics --operation Read --operation DescribeConfigs
acl --allow-principal User:auditor --topic daedalus.capacity-updates --operation Read --operation DescribeConfigs
acl --allow-principal User:auditor --topic daedalus.forecasts --operation Read --operation DescribeConfigs
acl --allow-principal User:auditor --topic daedalus.decisions --operation Read --operation DescribeConfigs
acl --allow-principal User:auditor --topic daedalus.scale-commands --operation Read --operation DescribeConfigs
acl --allow-principal User:auditor --topic daedalus.scale-outcomes --operation Read --operation DescribeConfigs
acl --allow-principal User:auditor --topic daedalus.recoveries --operation Read --operation DescribeConfigs
acl --allow-principal User:auditor --topic daedalus.knowledge --operation Read --operation DescribeConfigs
acl --allow-principal User:auditor --topic daedalus.control --operation Read --operation DescribeConfigs
acl --allow-principal User:auditor --topic daedalus.dead-letters --operation Read --operation DescribeConfigs
acl --allow-principal User:auditor --group daedalus-console --operation Describe
acl --allow-principal User:auditor --group daedalus-auditor- --resource-pattern-type prefixed --operation Read
