"""Accounts and access rules of Mosquitto, in the words of its dynamic security plugin. Pure.

Each device has an account of its name, the one client id that it may connect with, and a role that names its own two
topics. So no device can take over another's session, nor the bridge's, and none speaks for another feed or group.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.device_register import DeviceIdentity, RegisteredDevice
from schemas.mqtt import BRIDGE_CLIENT_ID, ROOT, DeviceTopic, Message

HASH_ROUNDS: Final = 101
"""Mosquitto's own default. Few rounds are enough: every password here has 192 random bits or more, so guessing is
hopeless at any speed, while two thousand devices that reconnect at once must not keep the broker hashing."""

BRIDGE: Final = "bridge"
OPERATOR: Final = "operator"
CONTROL_TOPIC: Final = "$CONTROL/dynamic-security/v1"
ANSWER_TOPIC: Final = f"{CONTROL_TOPIC}/response"

Command = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HashedPassword:
    """PBKDF2 with SHA-512, as Mosquitto checks it; both in base64."""

    salt: str
    digest: str


def hashed(password: str, salt: bytes) -> HashedPassword:
    """Return what is kept of a password."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ROUNDS)
    return HashedPassword(base64.b64encode(salt).decode(), base64.b64encode(digest).decode())


def configuration(
    platform: Mapping[str, HashedPassword],
    devices: Iterable[RegisteredDevice],
    credentials: Mapping[str, HashedPassword],
) -> dict[str, Any]:
    """Return what the plugin starts with: the platform's two accounts and every device that may speak.

    Args:
        platform: Passwords of `bridge` and `operator`.
        credentials: Passwords by device; a device without one has no account.
    """
    known = [each for each in devices if each.is_active and each.device_id in credentials]
    return {
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": False,
            "subscribe": False,
            "unsubscribe": True,
        },
        "clients": [
            # The operator's tools run several at a time, so this account alone is not tied to one client id.
            _client(OPERATOR, None, platform[OPERATOR], OPERATOR),
            _client(BRIDGE, BRIDGE_CLIENT_ID, platform[BRIDGE], BRIDGE),
            *(
                _client(each.device_id, each.device_id, credentials[each.device_id], role_of(each.device_id))
                for each in known
            ),
        ],
        "groups": [],
        "roles": [
            {"rolename": OPERATOR, "acls": _operator_rules()},
            {"rolename": BRIDGE, "acls": _bridge_rules()},
            *({"rolename": role_of(each.device_id), "acls": device_rules(each.identity)} for each in known),
        ],
    }


def admission(identity: DeviceIdentity, password: str) -> list[Command]:
    """Return the commands that give a device its account, whatever it had before; an open session of it is closed."""
    role = role_of(identity.device_id)
    return [
        *dismissal(identity.device_id),
        {"command": "createRole", "rolename": role, "acls": device_rules(identity)},
        {
            "command": "createClient",
            "username": identity.device_id,
            "clientid": identity.device_id,
            "password": password,
            "roles": [{"rolename": role}],
        },
    ]


def dismissal(device_id: str) -> list[Command]:
    """Return the commands that take a device's account away and close its session at once."""
    return [
        {"command": "deleteClient", "username": device_id},
        {"command": "deleteRole", "rolename": role_of(device_id)},
    ]


def refusals(answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the plugin refused; that something to be taken away was not there is no refusal."""
    return [
        f"{each.get('command')}: {each['error']}"
        for each in answers
        if "error" in each and not (str(each.get("command")).startswith("delete") and "not found" in str(each["error"]))
    ]


def role_of(device_id: str) -> str:
    """Name the role of a device; no role of the platform begins so."""
    return f"device {device_id}"


def device_rules(identity: DeviceIdentity) -> list[Command]:
    """Return what a device may do: send its own readings, hear its own receipts."""
    device_id, feed, group_id = identity
    receipt = str(DeviceTopic(feed, group_id, device_id, Message.RECEIPT))
    return [
        _rule("publishClientSend", str(DeviceTopic(feed, group_id, device_id, Message.READING))),
        _rule("subscribeLiteral", receipt),
        _rule("publishClientReceive", receipt),
    ]


def _bridge_rules() -> list[Command]:
    """Take everything in, give receipts."""
    return [
        _rule("subscribePattern", f"{ROOT}/#"),
        _rule("publishClientReceive", f"{ROOT}/#"),
        _rule("publishClientSend", f"{ROOT}/+/+/+/{Message.RECEIPT}"),
    ]


def _operator_rules() -> list[Command]:
    """Relay for any device in any lane, drive the clocks of lanes, keep the accounts of devices."""
    return [
        _rule("publishClientSend", f"{ROOT}/#"),
        _rule("subscribePattern", f"{ROOT}/#"),
        _rule("publishClientReceive", f"{ROOT}/#"),
        _rule("publishClientSend", CONTROL_TOPIC),
        _rule("subscribeLiteral", ANSWER_TOPIC),
        _rule("publishClientReceive", ANSWER_TOPIC),
    ]


def _client(user: str, client_id: str | None, password: HashedPassword, role: str) -> dict[str, Any]:
    bound = {"clientid": client_id} if client_id is not None else {}
    return {
        "username": user,
        **bound,
        "password": password.digest,
        "salt": password.salt,
        "iterations": HASH_ROUNDS,
        "roles": [{"rolename": role}],
    }


def _rule(kind: str, topic: str) -> Command:
    return {"acltype": kind, "topic": topic, "priority": 0, "allow": True}
