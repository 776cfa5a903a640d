"""The AsyncAPI document as a page that people read offline: no script, nothing from elsewhere, two languages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from schemas.contract.json_types import Json

STYLE: Final = """\
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --mark: #0a7; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem; }
h1 { line-height: 1.2; }
h2 { border-bottom: 1px solid var(--line); margin-top: 3rem; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.zh { color: color-mix(in srgb, currentColor 75%, transparent); }
.tags span { border: 1px solid var(--line); border-radius: 1em; display: inline-block; margin: 0 .4em .2em 0; }
.tags span { padding: .1em .7em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
details { background: var(--soft); border-radius: .4rem; margin: .6rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; }
:focus-visible { outline: 3px solid var(--mark); }
"""
"""Of `page.css`, beside the page: a strict content security policy forbids styles inside it."""

_LIMITS: Final = (
    *("pattern", "format", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
    *("minLength", "maxLength", "minItems", "maxItems", "const"),
)
_FLOWS: Final = {"send": "platform → you · 平台发出", "receive": "you → platform · 平台接收"}
_AUDIENCES: Final = {
    "devices": "devices · 设备",
    "integrators": "integrators · 集成方",
    "platform": "the platform itself · 平台内部",
}


_PARTS: Final = {
    "servers": "Servers · 服务器",
    "channels": "Channels · 通道",
    "messages": "Messages · 消息",
    "schemas": "Schemas · 数据结构",
}


def page(document: Json) -> str:
    """The page of a document of ours."""
    info = document["info"]
    body = [
        f"<h1>{escape(info['title'])}<br><span class='zh' lang='zh-CN'>{escape(info['x-title-zh'])}</span></h1>",
        f"<p>AsyncAPI {escape(document['asyncapi'])} · {escape(info['version'])}</p>",
        "<p><a href='asyncapi.json'>asyncapi.json</a></p>",
        f"<p>{escape(info['description'])}</p>",
        "<nav aria-label='Contents'><ul>",
        *(f"<li><a href='#{name}'>{title}</a></li>" for name, title in _PARTS.items()),
        "</ul></nav>",
        _part("servers"),
        *(_server(name, server) for name, server in document["servers"].items()),
        _part("channels"),
        "<details><summary>all · 全部</summary><ul>",
        *(f"<li>{_link('channel', name)}</li>" for name in document["channels"]),
        "</ul></details>",
        *(_channel(name, channel, document) for name, channel in document["channels"].items()),
        _part("messages"),
        *(_message(name, message) for name, message in document["components"]["messages"].items()),
        _part("schemas"),
        *(_schema(name, schema) for name, schema in document["components"]["schemas"].items()),
    ]
    return (
        "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<title>{escape(info['title'])}</title>\n<link rel='stylesheet' href='page.css'>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _part(name: str) -> str:
    return f"<h2 id='{name}'>{_PARTS[name]}</h2>"


def _server(name: str, server: Json) -> str:
    host = server["host"]
    for variable, meaning in server["variables"].items():
        host = host.replace(f"{{{variable}}}", meaning["default"])
    return (
        f"<p><strong>{escape(name)}</strong> <code>{escape(host)}</code> ({escape(server['protocol'])}): "
        f"{escape(server['description'])}</p>"
    )


def _channel(name: str, channel: Json, document: Json) -> str:
    pointer = f"#/channels/{name}"
    flows = [each["action"] for each in document["operations"].values() if each["channel"]["$ref"] == pointer]
    tags = [_AUDIENCES[channel["x-audience"]]]
    if channel["x-audience"] != "platform":
        tags += [_FLOWS[flow] for flow in flows]
    facts = [
        (f"<code>{escape(parameter)}</code>", escape(said["description"]))
        for parameter, said in channel.get("parameters", {}).items()
    ]
    facts += _log(channel)
    facts.append(("messages · 消息", ", ".join(_link("message", each) for each in channel["messages"])))
    return (
        f"<section><h3 id='channel-{escape(name)}'><code>{escape(channel['address'])}</code></h3>"
        f"<p>{_both(channel)}</p><p class='tags'>{''.join(f'<span>{escape(tag)}</span>' for tag in tags)}</p>"
        f"{_table(('', ''), facts)}</section>"
    )


def _log(channel: Json) -> list[tuple[str, str]]:
    if "x-key" not in channel:
        return []
    days = channel["x-retention-days"]
    kept = "the newest of each key, for ever · 每键保留最新" if days is None else f"{days:g} days · 天"
    return [
        ("key · 键", escape(channel["x-key"])),
        ("partitions · 分区", str(channel["bindings"]["kafka"]["partitions"])),
        ("kept · 保留", kept),
    ]


def _message(name: str, message: Json) -> str:
    parts = [f"<section><h3 id='message-{escape(name)}'>{escape(name)}</h3><p>{_both(message)}</p>"]
    parts.append(f"<p>payload · 内容: {_type(message['payload'])} <code>{escape(message['contentType'])}</code></p>")
    if "headers" in message:
        parts.append(f"<details><summary>headers · 消息头</summary>{_fields(message['headers'])}</details>")
    return "".join(parts) + "</section>"


def _schema(name: str, schema: Json) -> str:
    said = f"<p>{_prose(schema['description'])}</p>" if "description" in schema else ""
    body = _fields(schema) if schema.get("properties") else f"<p>{_type(schema)}</p>"
    return (
        f"<details id='schema-{escape(name)}'><summary><strong>{escape(name)}</strong></summary>{said}{body}</details>"
    )


def _fields(schema: Json) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (
            f"<code>{escape(name)}</code>{'' if name in required else ' <small>optional · 可缺省</small>'}",
            f"{_type(field)}{_default(field)}<br>{_prose(field.get('description', ''))}",
        )
        for name, field in schema["properties"].items()
    ]
    return _table(("field · 字段", "what it is · 含义"), rows)


def _default(field: Mapping[str, Any]) -> str:
    return f" <small>default · 默认 <code>{escape(repr(field['default']))}</code></small>" if "default" in field else ""


def _type(schema: Mapping[str, Any] | bool) -> str:
    if isinstance(schema, bool):
        return "anything · 任意" if schema else "nothing · 无"
    if "$ref" in schema:
        return _link("schema", schema["$ref"].rpartition("/")[2])
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return " or · 或 ".join(_type(each) for each in schema[word])
    if "enum" in schema:
        return " ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    said = escape(str(schema.get("type", "anything · 任意")))
    if schema.get("type") == "array":
        items = schema.get("items", True)
        inside = ", ".join(map(_type, items)) if isinstance(items, list) else _type(items)
        said = f"array of · 数组 ({inside})"
    limits = [f"{name} {schema[name]}" for name in _LIMITS if name in schema]
    return said + (f" <small><code>{escape(', '.join(limits))}</code></small>" if limits else "")


def _both(said: Json) -> str:
    return f"{escape(said['summary'])}<br><span class='zh' lang='zh-CN'>{escape(said['x-summary-zh'])}</span>"


def _prose(text: str) -> str:
    return escape(text).replace("\n\n", "<br><br>")


def _link(kind: str, name: str) -> str:
    return f"<a href='#{kind}-{escape(name)}'>{escape(name)}</a>"


def _table(heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    head = f"<thead><tr><th>{heads[0]}</th><th>{heads[1]}</th></tr></thead>" if any(heads) else ""
    body = "".join(f"<tr><th scope='row'>{name}</th><td>{said}</td></tr>" for name, said in rows)
    return f"<div class='scroll'><table>{head}<tbody>{body}</tbody></table></div>"
