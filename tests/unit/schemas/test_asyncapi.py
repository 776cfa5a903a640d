"""The AsyncAPI document: by the standard's own schema, in step with the tables and models, and as a page offline."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from jsonschema import Draft7Validator

from schemas.alert import Alert
from schemas.contract.asyncapi import document
from schemas.contract.channels import every_channel
from schemas.fields import Feed
from schemas.generate import ASYNCAPI, asyncapi_files
from schemas.mqtt import DeviceTopic, parse_topic
from schemas.readings import MODELS
from schemas.topics import TOPICS
from services.alert_life.renderings.cloudevents import attributes
from services.district.citybrain.samples import Samples

DOCUMENT = document()


def test_the_generated_documents_are_those_in_the_tree() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in ASYNCAPI.iterdir()} == asyncapi_files()


def test_every_reference_leads_somewhere() -> None:
    for pointer in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT))):
        found: Any = DOCUMENT
        for part in pointer.split("/"):
            found = found[part]


def test_nothing_is_described_that_nobody_uses() -> None:
    text = json.dumps(DOCUMENT)
    for kind in ("messages", "schemas", "securitySchemes"):
        for name in DOCUMENT["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text, name


def test_every_kafka_topic_is_a_channel_with_its_key_partitions_and_retention() -> None:
    kafka = {each["address"]: each for each in DOCUMENT["channels"].values() if "bindings" in each}
    assert list(kafka) == [spec.name for spec in TOPICS]
    for spec in TOPICS:
        channel = kafka[spec.name]
        assert channel["x-key"] == spec.key
        assert channel["bindings"]["kafka"]["partitions"] == spec.partitions
        assert channel["x-retention-days"] == (None if spec.retention is None else spec.retention.days)


def test_every_device_topic_of_the_table_is_a_channel() -> None:
    addresses = [each.address for each in every_channel() if each.server == "mqtt"]
    assert len(addresses) == len(Feed) * 4
    for address in addresses:
        topic = address.replace("{group_id}", "g").replace("{device_id}", "d").replace("{lane}", "exercise:x")
        assert str(parse_topic(topic)) == topic
    assert {str(DeviceTopic(Feed.EV, "g", "d", each)) for each in ("reading", "relay", "receipt")} <= {
        address.replace("{group_id}", "g").replace("{device_id}", "d") for address in addresses
    }


def test_each_channel_is_used_in_the_direction_that_it_has() -> None:
    used = {(each["channel"]["$ref"], each["action"]) for each in DOCUMENT["operations"].values()}
    assert used == {(f"#/channels/{each.id}", flow.value) for each in every_channel() for flow in each.flows}


def validator(schema: dict[str, Any]) -> Draft7Validator:
    return Draft7Validator(schema | {"components": DOCUMENT["components"]})


def test_an_alert_of_ours_is_what_the_document_says() -> None:
    from datetime import UTC, datetime

    alert = Samples("run", datetime(2026, 7, 1, tzinfo=UTC)).alert("x")
    message = DOCUMENT["components"]["messages"]["alertEvent"]
    assert validator(message["payload"]).is_valid(json.loads(alert.model_dump_json()))
    assert validator(message["headers"]).is_valid({name: value.decode() for name, value in alert.to_headers()})
    assert message["headers"]["properties"].keys() - {"content-type"} <= {f"ce_{name}" for name in attributes(alert)}
    broken = json.loads(alert.model_dump_json()) | {"severity": "V"}
    assert not validator(message["payload"]).is_valid(broken)


def test_what_is_received_is_closed_and_what_is_sent_is_open() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert all(schemas[model.__name__]["additionalProperties"] is False for model in MODELS.values())
    assert schemas[Alert.__name__]["additionalProperties"] is True
    assert schemas["Threshold"]["additionalProperties"] is True


class Page(HTMLParser):
    """Tags that are open, ids, links, and where anything comes from."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)
        named = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name in ("href", "src") if (value := named.get(name))]
        self.inline += [name for name in named if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page() -> Page:
    found = Page()
    found.feed(asyncapi_files()["index.html"])
    found.close()
    return found


def test_the_page_needs_nothing_from_elsewhere_and_no_script(page: Page) -> None:
    assert page.open == []
    assert page.inline == []
    assert not page.tags & {"script", "style", "img", "iframe"}
    assert {link for link in page.links if not link.startswith("#")} == {"page.css", "asyncapi.json"}
    assert "url(" not in asyncapi_files()["page.css"]


def test_the_page_shows_everything_once_and_its_links_lead_somewhere(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    shown = {f"channel-{name}" for name in DOCUMENT["channels"]}
    shown |= {f"schema-{name}" for name in DOCUMENT["components"]["schemas"]}
    assert shown <= set(page.ids)


def test_text_cannot_become_markup_on_the_page() -> None:
    from schemas.contract.page import page as made

    document_ = json.loads(json.dumps(DOCUMENT).replace("One sample of", "<script>alert(1)</script> of"))
    assert "<script" not in made(document_)
