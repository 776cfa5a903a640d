#!/usr/bin/env bash
# One of three nodes, each a broker and a controller: write the configuration, format the data folder once, start.
set -euo pipefail
umask 077
here=${DISTRICT_KAFKA_FILES:-/etc/district}
kafka=${DISTRICT_KAFKA_HOME:-/opt/kafka}
data=${DISTRICT_KAFKA_DATA:-/var/lib/kafka/data}
voters=${DISTRICT_KAFKA_VOTERS:-1@kafka-1:9093,2@kafka-2:9093,3@kafka-3:9093}
listen=${DISTRICT_KAFKA_LISTEN:-SASL_PLAINTEXT://:9092,CONTROLLER://:9093}
advertised=${DISTRICT_KAFKA_ADVERTISED:-SASL_PLAINTEXT://kafka-$NODE_ID:9092}
configuration=${DISTRICT_KAFKA_CONFIGURATION:-/tmp/server.properties}
security=org.apache.kafka.common.security

{
    cat "$here/server.properties" "$here/cluster.properties"
    echo "node.id=$NODE_ID"
    echo "listeners=$listen"
    echo "advertised.listeners=$advertised"
    echo "controller.quorum.voters=$voters"
    # A folder below the volume: file systems may put one of their own (lost+found) at the top.
    echo "log.dirs=$data/log"
    echo "listener.name.controller.plain.sasl.jaas.config=$security.plain.PlainLoginModule required" \
        "username=\"controller\" password=\"$CONTROLLER_PASSWORD\" user_controller=\"$CONTROLLER_PASSWORD\";"
    echo "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=$security.scram.ScramLoginModule required" \
        "username=\"broker\" password=\"$BROKER_PASSWORD\";"
} >"$configuration"

users=()
for user in bridge sink processor delivery api operator broker; do
    password_variable=${user^^}_PASSWORD
    users+=(--add-scram "SCRAM-SHA-512=[name=$user,password=${!password_variable}]")
done
"$kafka/bin/kafka-storage.sh" format --ignore-formatted --cluster-id "$CLUSTER_ID" \
    --config "$configuration" "${users[@]}"
exec "$kafka/bin/kafka-server-start.sh" "$configuration"
