"""The whole contract of MQTT and Kafka as one AsyncAPI 3.0 document, made from the models and tables. Pure."""
