-- What is stored of actions with these ids; one id may have been taken for several alerts.
SELECT action_id, alert_id, fate, kafka_partition, kafka_offset FROM alert_actions WHERE action_id = ANY($1::text[])
