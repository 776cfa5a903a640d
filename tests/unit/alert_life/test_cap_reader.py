"""The strict reader: what the standard's schema refuses is refused with the place; public messages are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alert_life.renderings.cap_reader import BYTES_MAX, CapRefused, parse

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "conformance" / "cap"
HEAD = "<identifier>a</identifier><sender>b</sender><sent>2026-07-01T20:00:00+08:00</sent><status>Actual</status>"
TYPE = "<msgType>Alert</msgType><scope>Public</scope>"
INFO = (
    "<category>Env</category><event>e</event><urgency>Past</urgency>"
    "<severity>Minor</severity><certainty>Likely</certainty>"
)


def of(inside: str, attributes: str = "", before: str = "") -> bytes:
    return f'{before}<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"{attributes}>{inside}</alert>'.encode()


def with_info(inside: str) -> bytes:
    return of(f"{HEAD}{TYPE}<info>{inside}</info>")


def area(inside: str) -> bytes:
    return with_info(f"{INFO}<area><areaDesc>x</areaDesc>{inside}</area>")


GOOD = {
    "the least": of(HEAD + TYPE),
    "white space around what is not text": of(
        HEAD.replace("2026-07-01T20:00:00+08:00", "\n 2026-07-01T20:00:00+08:00 ") + TYPE
    ),
    "the end of a day": of(HEAD.replace("20:00:00", "24:00:00") + TYPE),
    "UTC": of(HEAD.replace("+08:00", "-00:00") + TYPE),
    "comments and instructions": of(f"<!-- c -->{HEAD}<?x y?>{TYPE}"),
    "a signature": of(f'{HEAD}{TYPE}<Signature xmlns="http://www.w3.org/2000/09/xmldsig#" Id="1"><a/>text</Signature>'),
    "a hint where a schema is": of(
        HEAD + TYPE,
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"',
    ),
    "several of what may be several": with_info(INFO.replace("<event>", "<category>Met</category><event>")),
    "an area": area("<polygon>1,2 1,3 2,3 1,2</polygon><circle>1.5,-2 0</circle><altitude>.5</altitude>"),
    "an empty headline": with_info(f"{INFO}<headline/>"),
}

BAD = {
    "no XML": (b"{}", "not well-formed"),
    "cut off": (of(HEAD)[:-3], "not well-formed"),
    "an unknown encoding": (b'<?xml version="1.0" encoding="x-none"?><a/>', "not well-formed"),
    "an older version": (of(HEAD + TYPE).replace(b"cap:1.2", b"cap:1.1"), "cap:1.1"),
    "no namespace": (of(HEAD + TYPE).replace(b' xmlns="urn:oasis:names:tc:emergency:cap:1.2"', b""), "not <alert>"),
    "a document type": (of(HEAD + TYPE, before="<!DOCTYPE alert>"), "document type"),
    "an entity": (of(HEAD + TYPE, before='<!DOCTYPE a [<!ENTITY x "y">]>'), "document type"),
    "something missing": (of(HEAD.replace("<sender>b</sender>", "") + TYPE), "alert lacks <sender>"),
    "another order": (of(TYPE + HEAD), "after what must follow it"),
    "twice": (of(HEAD + "<status>Test</status>" + TYPE), "once too often"),
    "an unknown element": (of(HEAD + TYPE + "<x/>"), "<x> which the standard does not have"),
    "an element without namespace": (of(HEAD + TYPE + '<note xmlns="">n</note>'), "<{}note>"),
    "an element of another namespace": (of(HEAD + TYPE + '<note xmlns="urn:x">n</note>'), "urn:x"),
    "an attribute": (of(HEAD + TYPE, ' lang="en"'), "attribute 'lang'"),
    "an attribute inside": (of(HEAD.replace("<sender>", '<sender x="1">') + TYPE), "attribute 'x'"),
    "text between": (of(HEAD + "text" + TYPE), "text between its elements"),
    "elements in text": (of(HEAD.replace(">b<", "><b/><") + TYPE), "holds elements where text belongs"),
    "a time with Z": (of(HEAD.replace("+08:00", "Z") + TYPE), "is no time"),
    "a time with fractions": (of(HEAD.replace("00+08", "00.5+08") + TYPE), "is no time"),
    "a time without offset": (of(HEAD.replace("+08:00", "") + TYPE), "is no time"),
    "a day that is not": (of(HEAD.replace("07-01", "02-30") + TYPE), "is no time"),
    "an offset that is not": (of(HEAD.replace("+08:00", "+14:30") + TYPE), "is no time"),
    "an offset of too many minutes": (of(HEAD.replace("+08:00", "+08:60") + TYPE), "is no time"),
    "an unknown word": (of(HEAD.replace("Actual", "actual") + TYPE), "none of Actual, Exercise"),
    "a word with space": (of(HEAD.replace("Actual", " Actual") + TYPE), "none of Actual, Exercise"),
    "an info without severity": (with_info(INFO.replace("<severity>Minor</severity>", "")), "lacks <severity>"),
    "an unknown category": (with_info(INFO.replace("Env", "Water")), "alert/info/category is none of"),
    "a language that is none": (with_info(f"<language>zh_CN</language>{INFO}"), "language tag"),
    "an area without words": (with_info(f"{INFO}<area><circle>1,2 0</circle></area>"), "lacks <areaDesc>"),
    "a resource without its type": (
        with_info(f"{INFO}<resource><resourceDesc>x</resourceDesc></resource>"),
        "lacks <mimeType>",
    ),
    "a size that is no number": (
        with_info(f"{INFO}<resource><resourceDesc>x</resourceDesc><mimeType>y</mimeType><size>1.5</size></resource>"),
        "whole number",
    ),
    "an address with a bad escape": (with_info(f"{INFO}<web>http://x/%zz</web>"), "hexadecimal"),
    "a height that is no number": (area("<altitude>high</altitude>"), "decimal number"),
    "a parameter without value": (
        with_info(f"{INFO}<parameter><valueName>x</valueName></parameter>"),
        "lacks <value>",
    ),
    "an open polygon": (area("<polygon>1,2 1,3 2,3 1,4</polygon>"), "end where it begins"),
    "a polygon of three points": (area("<polygon>1,2 1,3 1,2</polygon>"), "four or more"),
    "longitude first": (area("<circle>114.27,30.6 0</circle>"), "not on the earth"),
    "a name with a comma": (of(HEAD.replace(">b<", ">b,c<") + TYPE), "comma"),
    "an empty name": (of(HEAD.replace(">a<", "><") + TYPE), "alert/identifier is empty"),
    "an update of nothing": (of(HEAD + TYPE.replace("Alert", "Update")), "names the earlier ones"),
    "a reference that is none": (of(HEAD + TYPE + "<references>a,b</references>"), "sender,identifier,sent"),
    "restricted to whom": (of(HEAD + TYPE.replace("Public", "Restricted")), "alert/restriction"),
    "private to whom": (of(HEAD + TYPE.replace("Public", "Private")), "alert/addresses"),
    "something behind the signature": (
        of(f'{HEAD}{TYPE}<S xmlns="http://www.w3.org/2000/09/xmldsig#"/><info>{INFO}</info>'),
        "after what must follow it",
    ),
    "too long": (b" " * (BYTES_MAX + 1), "are not read"),
}


@pytest.mark.parametrize("what", GOOD)
def test_a_valid_message_is_read(what: str) -> None:
    assert parse(GOOD[what]).identifier == "a"


@pytest.mark.parametrize("what", BAD)
def test_an_invalid_message_is_refused_with_place_and_reason(what: str) -> None:
    message, reason = BAD[what]
    with pytest.raises(CapRefused, match=re.escape(reason)):
        parse(message)


def test_a_deep_message_and_a_thousand_laughs_end_soon() -> None:
    deep = of(HEAD + TYPE + "<x>" * 50_000 + "</x>" * 50_000)
    laughs = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>'
    for message in (deep, laughs):
        with pytest.raises(CapRefused):
            parse(message)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_a_refusal(message: bytes) -> None:
    with pytest.raises(CapRefused):
        parse(message)


PUBLIC = {
    "australia": None,
    "earthquake-iso8859-1": None,
    "wcatwc-warning": None,
    "canada_errors": "names the earlier ones",
    "earthquake_signed": "cap:1.1",
    "no_optional_fields": "cap:1.1",
    "xee": "document type",
}
"""Public messages, valid ones and others with what is wrong with them."""


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder ../shared/data is absent beside this clone")
@pytest.mark.parametrize("name", PUBLIC)
def test_public_messages_are_read_or_refused(name: str) -> None:
    message, reason = (FOLDER / f"{name}.cap").read_bytes(), PUBLIC[name]
    if reason is None:
        assert parse(message).infos
        return
    with pytest.raises(CapRefused, match=reason):
        parse(message)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder ../shared/data is absent beside this clone")
def test_no_public_message_is_forgotten() -> None:
    assert {path.stem for path in FOLDER.glob("*.cap")} == set(PUBLIC)
